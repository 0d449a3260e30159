"""The tables of a report: comparison, hall of fame, front, what was rejected, where time went."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import ActsearchError
from actsearch.expressions import parse_candidate
from actsearch.expressions.cost import modelled_cost
from actsearch.expressions.layered import mean_over_parts
from actsearch.report.values import (
    Cell,
    Head,
    Measure,
    Table,
    clean,
    count,
    decimal,
    formula,
    ident,
    probability,
    words,
)
from actsearch.report.verdict import measure_of, measure_of_trials
from actsearch.results.front import front_rows
from actsearch.results.hall import BASELINE, known_cell, shown, table_columns, with_costs
from actsearch.results.reasons import kind_of, reason_counts
from actsearch.results.verdict import DECIDED, KNOWN, Row
from actsearch.runs.records import OK, REJECTED, SCREENED
from actsearch.trials.account import Account

#: So many of the hall of fame, of the reasons for turning births away, and examples of each.
TOP, MOST_REASONS, MOST_EXAMPLES = 20, 15, 2

_ID = Head("id", "The number of the birth in this run.", "number")
_FORMULA = Head("formula", "", "formula")
_SIZE = Head("size", "How many numbers, inputs and operations the formula has.", "number")


def comparison(account: Account) -> Table | None:
    """Return the statistics of the confirmation: the leader against each other formula."""
    trials = account.trials
    if trials is None or not trials.verdict.n_trials:
        return None
    measure = measure_of_trials(trials)
    unit = f" ({measure.of_differences})" if measure.of_differences else ""
    heads = (
        Head("activation", "", "formula"),
        Head("decided", "What the corrected p-value decides at the level of 5 %."),
        Head(measure.name, "Mean ± standard error of all its trainings.", "number"),
        Head("n", "Trainings that gave a score.", "number"),
        Head(f"difference{unit}", "The leader's score minus this one's, seed by seed.", "number"),
        Head("95 % interval", "Of that difference, of this one comparison.", "number"),
        Head("pairs", "Seeds that both were trained with.", "number"),
        Head("p, corrected", "Holm's correction over all pairs and looks: decides.", "number"),
        Head("p (t)", "Paired t test of this one comparison.", "number"),
        Head("p (Wilcoxon)", "Signed-rank test of this one comparison.", "number"),
        Head("effect", "The difference in its own standard deviations (d_z).", "number"),
        Head("kind", "Bred by this search (finalist), or known before."),
    )
    rows = tuple(_compared(row, measure) for row in trials.verdict.rows)
    notes = (
        "The first row is the leader; the others are in the order of their distance to it.",
        (
            f"{trials.verdict.n_trials:,} trainings, {format_duration(trials.verdict.time_s)} of "
            f"training time, scored on the {trials.verdict.split} split."
        ),
    )
    marked = tuple(k for k, row in enumerate(trials.verdict.rows) if row.kind != KNOWN)
    return Table(
        "comparison", "The leader against every other function", heads, rows, notes, marked
    )


def _compared(row: Row, measure: Measure) -> tuple[Cell, ...]:
    failed = f" ({row.n_failed} failed)" if row.n_failed else ""
    return (
        formula(row.name) if row.kind != KNOWN else words(row.name),
        Cell(DECIDED[row.kind].get(row.decided, row.decided)),
        measure.score(row.mean, row.standard_error),
        Cell(f"{row.n}{failed}", float(row.n), "", "number"),
        measure.difference(row.difference),
        measure.interval(row.low, row.high),
        count(row.n_pairs) if row.n_pairs else Cell(""),
        probability(row.holm_p),
        probability(row.t_p),
        probability(row.wilcoxon_p),
        decimal(row.effect_size),
        Cell(row.kind),
    )


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
            Head("again", "How often it was bred again in other words.", "number"),
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
            "by the longest training first, then by score less its standard error."
        ),
    )
    marked = tuple(k for k, row in enumerate(listed) if row["known"])
    return Table("hall", "Hall of fame", heads, rows, notes, marked)


def front(account: Account) -> Table | None:
    """Return the best trade-offs of score, modelled cost and size."""
    cost = mean_over_parts(modelled_cost)
    readable = []
    for row in account.run.ranked:
        try:
            readable.append((row, cost(parse_candidate(row["formula"]))))
        except (ActsearchError, RecursionError):
            continue  # of an earlier version; it stands in the hall of fame all the same
    if not readable:
        return None
    costs = {row["formula"]: ns for row, ns in readable}
    found = front_rows([row for row, _ in readable], lambda texts: [costs[t] for t in texts])
    measure = measure_of(account)
    heads = (
        Head("", "The best trade-off."),
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


def rejected(account: Account) -> Table | None:
    """Return why births were turned away or passed over, each reason with examples."""
    found = reason_counts(account.run.births)
    if not found:
        return None
    usual = found[:MOST_REASONS]
    examples: dict[tuple[str, str], list[str]] = defaultdict(list)
    for birth in account.run.births:
        if birth.status in (REJECTED, SCREENED):
            there = examples[birth.status, kind_of(birth.reason)]
            if len(there) < MOST_EXAMPLES and birth.formula not in there:
                there.append(birth.formula)
    heads = (
        Head("births", "", "number"),
        Head("what became of them", "Rejected by a check, or passed over for one more promising."),
        Head("reason", "N stands for a number, which differs."),
        Head("for example", "", "formula"),
    )
    said = {REJECTED: "rejected", SCREENED: "passed over"}
    rows = [
        (
            count(row["births"]),
            Cell(said[row["status"]]),
            words(row["kind"] or "no reason was kept"),
            formula(*examples[row["status"], row["kind"]]),
        )
        for row in usual
    ]
    rest = len(found) - len(usual)
    notes: tuple[str, ...] = (f"And {rest:,} rarer reasons.",) if rest else ()
    if any(row["status"] == SCREENED for row in found):
        notes += (
            (
                "Formulas are bred several at a time, as siblings, and the most promising of them "
                "is trained: its nearest functions, of those trained before, scored best."
            ),
        )
    caption = "Formulas that were not trained, by reason"
    return Table("rejected", caption, heads, tuple(rows), notes)


def time_spent(account: Account) -> Table | None:
    """Return where the time of training went, rung by rung, and the confirmation."""
    stages = [_stage(account, rung) for rung in account.run.ladder]
    if account.trials is not None:
        n_failed = sum(map(len, account.trials.failed.values()))
        n = sum(map(len, account.trials.scores.values())) + n_failed
        stages.append(("confirmation", n, n_failed, account.trials.verdict.time_s))
    total = sum(time_s for *_, time_s in stages)
    heads = (
        Head("stage"),
        Head("trainings", "", "number"),
        Head("without a score", "Diverged, ended early, failed.", "number"),
        Head("training time", "Of all workers together.", "number"),
        Head("share", "", "number"),
    )
    rows = []
    for name, n, n_failed, time_s in stages:
        if n:
            share = 100 * time_s / total if total else 0.0
            time = Cell(format_duration(time_s), time_s, f"{time_s:.3f} s", "number")
            shown_share = Cell(f"{share:.0f} %", share, "", "number")
            rows.append((words(name), count(n), count(n_failed), time, shown_share))
    return Table("time", "Where the training time went", heads, tuple(rows)) if rows else None


def _stage(account: Account, rung: str) -> tuple[str, int, int, float]:
    """Return a rung's name, its trainings, those without a score, and their time."""
    rows = [row for row in account.run.trainings if row.rung == rung]
    n_failed = sum(row.status != OK for row in rows)
    return f"search, rung {rung}", len(rows), n_failed, sum(row.time_s for row in rows)


def failures(account: Account) -> Table | None:
    """Return how trainings ended that gave no score."""
    counts = Counter(row.status for row in account.run.trainings if row.status != OK)
    if not counts:
        return None
    messages = {row.status: row.message for row in account.run.trainings if row.message}
    heads = (Head("how it ended"), Head("trainings", "", "number"), Head("for example"))
    rows = tuple(
        (words(status), count(n), words(messages.get(status, "")))
        for status, n in counts.most_common()
    )
    return Table("failures", "Trainings of the search that gave no score", heads, rows)
