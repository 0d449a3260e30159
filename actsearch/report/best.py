"""Tables of the best of a search: its hall of fame, and its trade-offs of score, cost and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actsearch.report.values import (
    Cell,
    Head,
    Table,
    clean,
    count,
    decimal,
    formula,
    ident,
    words,
)
from actsearch.report.verdict import measure_of
from actsearch.results.front import modelled_front
from actsearch.results.hall import BASELINE, known_cell, shown, table_columns, with_costs
from actsearch.trials.account import Account

#: So many of the hall of fame.
TOP = 20

_ID = Head("id", "The number of the birth in this run.", "number")
_FORMULA = Head("formula", "", "formula")
_SIZE = Head("size", "How many numbers, inputs and operations the formula has.", "number")


def hall(account: Account) -> Table | None:
    """Return the best of the search, and below them what they are compared with."""
    ranked = account.run.ranked
    if not ranked:
        return None
    measure = measure_of(account)
    unit = f" ({measure.of_differences})" if measure.of_differences else ""
    listed = with_costs(shown(ranked, TOP))
    there = {column.key for column in table_columns(ranked, listed)}
    best = account.run.best_known
    best_name = clean(best["known"], 40) if best is not None else ""
    over = "At the same seeds and rung; ± standard error."
    columns: list[tuple[str, Head, Callable[[dict[str, Any]], Cell]]] = [
        ("rank", Head("rank", "", "number"), lambda row: count(row["rank"])),
        ("id", _ID, lambda row: ident(row["id"])),
        ("formula", _FORMULA, lambda row: formula(row["formula"])),
        (
            "score",
            Head(measure.name, "Mean ± standard error of n trainings.", "number"),
            lambda row: measure.score(row["score"], row["standard_error"]),
        ),
        ("n", Head("n", "Trainings at its longest rung.", "number"), lambda row: count(row["n"])),
        ("rung", Head("rung", "The longest training it had."), lambda row: words(row["rung"])),
        (
            "gain_over_relu",
            Head(f"gain over ReLU{unit}", over, "number"),
            lambda row: (
                Cell("(baseline)")
                if row["known"] == BASELINE
                else measure.difference(row["gain_over_relu"], row["gain_standard_error"])
            ),
        ),
        (
            "gain_over_best_known",
            Head(f"gain over {best_name}{unit}", f"The best known activation. {over}", "number"),
            lambda row: (
                Cell("(best known)")
                if best is not None and row["id"] == best["id"]
                else measure.difference(
                    row["gain_over_best_known"], row["gain_over_best_known_error"]
                )
            ),
        ),
        (
            "penalty",
            Head("penalty", "Taken off the score for the rank, by conditions.", "number"),
            lambda row: decimal(row["penalty"] or None, 4),
        ),
        (
            "cost_ns",
            Head("cost (ns)", "An element, forward and backward, by a model.", "number"),
            lambda row: decimal(row["cost_ns"], 1),
        ),
        ("size", _SIZE, lambda row: count(row["size"])),
        (
            "rediscoveries",
            Head("again", "How often it was bred again, in the same words or others.", "number"),
            lambda row: count(row["rediscoveries"]),
        ),
        (
            "known",
            Head("known as", "A known activation; (seed): the search was started with it."),
            lambda row: words(known_cell(row["known"], row["operator"])),
        ),
    ]
    used = [column for column in columns if column[0] in {*there, "n"}]
    heads = tuple(head for _, head, _ in used)
    rows = tuple(tuple(cell(row) for _, _, cell in used) for row in listed)
    notes = (
        (
            f"{len(ranked):,} functions have a score; these are the best "
            f"{min(TOP, len(ranked))}, with ReLU and the best known one where they stand further "
            "down."
        ),
        (
            "They are the scores that the search chose by, so the best are partly lucky. Ranks go "
            "by the longest rung first, whatever the scores at shorter ones; there by several "
            "seeds before one, and then by score less its standard error. Scores of different "
            "rungs do not compare: longer trainings score higher."
        ),
    )
    marked = tuple(k for k, row in enumerate(listed) if row["known"])
    return Table("hall", "Hall of fame", heads, rows, notes, marked)


def front(account: Account) -> Table | None:
    """Return the best trade-offs of score, modelled cost and size."""
    found = modelled_front(account.run.ranked)
    if not found:
        return None
    measure = measure_of(account)
    heads = (
        Head("pick", "The best trade-off."),
        _ID,
        _FORMULA,
        Head(measure.name, "Mean ± standard error of n trainings.", "number"),
        Head("n", "", "number"),
        Head("cost (ns)", "Nanoseconds an element, forward and backward, by a model.", "number"),
        _SIZE,
        Head("known as"),
    )
    rows = tuple(
        (
            Cell("pick" if row["pick"] else ""),
            ident(row["id"]),
            formula(row["formula"]),
            measure.score(row["score"], row["standard_error"]),
            count(row["n"]),
            decimal(row["cost_ns"], 2 if row["cost_ns"] < 10 else 0),
            count(row["size"]),
            words(known_cell(row["known"], row["operator"])),
        )
        for row in found
    )
    notes = (
        (
            "No function scores higher, costs less and is smaller at once than one of these; a "
            "score counts less its standard error."
        ),
        "pick: the cheapest within one standard error of the best.",
    )
    marked = tuple(k for k, row in enumerate(found) if row["pick"])
    return Table("front", "Best trade-offs of score, cost and size", heads, rows, notes, marked)
