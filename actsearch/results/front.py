"""The trade-off between score, cost and size: which formulas no other beats in all three.

Scores are those of the hall of fame. A formula is judged by its score less the standard error that
the noise between seeds gives the mean of its ``n`` trainings: the best of many that ran one seed
have luck among their merits, those that ran eight hardly. Costs come from a function, so that this
file measures nothing and gives the same answer to the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actsearch.errors import shorten
from actsearch.results.hall import known_cell, measured, with_costs, with_error
from actsearch.results.tables import Column
from actsearch.runs.ranking import merits

#: A formula is measured unless another has as high a score, is no larger, and by the model costs
#: less than this share of it: the model is not so far off.
SURELY_CHEAPER = 0.7

#: Costs are compared by so many digits; the others are noise.
COST_DIGITS = 2


def pareto_front(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that no other dominates: higher ``merit``, lower ``cost_ns``, lower ``size``.

    One row dominates another when it is as good in all three and better in one. Of rows that are
    the same in all three the one of the lowest ``id`` stays.

    Args:
        rows: with the keys ``id``, ``merit``, ``cost_ns`` and ``size``, in any order.

    Returns:
        The front, the highest merit first (then the lowest cost, size and id).
    """
    # In this order a row can only be dominated by one that comes before it.
    ordered = sorted(rows, key=lambda row: (-row["merit"], row["cost_ns"], row["size"], row["id"]))
    front: list[Mapping[str, Any]] = []
    for row in ordered:
        if not any(
            better["cost_ns"] <= row["cost_ns"] and better["size"] <= row["size"]
            for better in front
        ):
            front.append(row)
    return front


def priced_rows(ranked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that a front may have, with ``cost_ns`` by the model.

    They are those of the best's rung, as no front goes across rungs; what an earlier version wrote
    and this one can't read has no cost, and stands in the hall of fame all the same.

    Args:
        ranked: those of a run that have a score, best first.
    """
    rows = with_costs(row for row in ranked if row["rung"] == ranked[0]["rung"])
    return [row for row in rows if row["cost_ns"] is not None]


def modelled_front(ranked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the front of a run by modelled costs: the same on every machine, at any time.

    Args:
        ranked: those of a run that have a score, best first.
    """
    rows = priced_rows(ranked)
    costs = {row["formula"]: row["cost_ns"] for row in rows}
    return front_rows(rows, lambda formulas: [costs[formula] for formula in formulas])


def front_rows(
    rows: Sequence[Mapping[str, Any]],
    costs: Callable[[Sequence[str]], Sequence[float]],
    modelled: Callable[[str], float] | None = None,
) -> list[dict[str, Any]]:
    """Return the front of a run, with the pick marked.

    Args:
        rows: of the hall of fame (``hall_rows``), best first; those without a score are passed
            over, and so are those of another ``rung`` than the best: scores of shorter trainings
            are on another scale.
        costs: formulas -> nanoseconds an element of each.
        modelled: one formula's cost without measuring, to spare what another surely dominates.

    Returns:
        Rows for ``FRONT_COLUMNS``, the highest ``merit`` first: the score less the standard error
        of its ``n`` trainings, by the noise of the whole rung. Costs are rounded to two digits.
    """
    scored = [row for row in rows if row.get("score") is not None]
    scored = [row for row in scored if row.get("rung") == scored[0].get("rung")]
    scored = with_merit(scored)
    if modelled is not None:
        scored = _perhaps_on_the_front(scored, modelled)
    found = costs([row["formula"] for row in scored])
    priced = [{**row, "cost_ns": rounded(ns)} for row, ns in zip(scored, found, strict=True)]
    front = [dict(row) for row in pareto_front(priced)]
    best = pick(front)
    return [{**row, "pick": row is best} for row in front]


def pick(front: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the best trade-off: the cheapest within one standard error of the highest merit.

    The error is that of the best, ``score - merit``. Where no formula ran several seeds it is zero,
    and the best itself is the pick. Of two that cost the same the one of the higher merit is.
    """
    if not front:
        return None
    best = max(front, key=lambda row: row["merit"])
    error = best["score"] - best["merit"]
    near = [row for row in front if row["merit"] >= best["merit"] - error]
    return min(near, key=lambda row: (row["cost_ns"], -row["merit"], row["size"], row["id"]))


def rounded(cost_ns: float) -> float:
    """Return a cost by the digits that are compared."""
    if cost_ns <= 0 or not math.isfinite(cost_ns):
        return cost_ns
    return round(cost_ns, COST_DIGITS - 1 - math.floor(math.log10(cost_ns)))


def front_table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return ``rows`` with the cells of a terminal's table: mark, score ± error (n)."""
    return [
        {
            **row,
            "pick": "*" if row["pick"] else "",
            "score": f"{with_error(row['score'], row['standard_error'])} ({row['n']})",
            "known": known_cell(row["known"], row["operator"]),
        }
        for row in rows
    ]


FRONT_COLUMNS = (
    Column("id", "id", right=True),
    Column("formula", "formula"),
    Column("score", "score"),
    Column("standard_error", "standard error"),
    Column("n", "n", right=True),
    Column("cost_ns", "cost ns", right=True),
    Column("size", "size", right=True),
    Column("known", "known as"),
    Column("operator", "operator"),
    Column("pick", "pick"),
)


def contradiction(modelled: Mapping[str, float], measured: Mapping[str, float]) -> str:
    """Say where measured costs can't be right; "" where they may be.

    Other work that the machine does at the same time makes some of the measured ones too high, and
    a formula that is among them falls off the front.

    Args:
        modelled: formula -> nanoseconds an element by the model.
        measured: the same as measured, of some of them.
    """
    worst, found = 1.0, ""
    for cheap, cheap_ns in measured.items():
        for dear, dear_ns in measured.items():
            surely = modelled[cheap] < SURELY_CHEAPER * modelled[dear]
            if surely and cheap_ns > worst * dear_ns > 0:
                worst = cheap_ns / dear_ns
                found = (
                    f"{shorten(cheap)} was measured dearer ({rounded(cheap_ns):g} ns) than "
                    f"{shorten(dear)} ({rounded(dear_ns):g} ns), and costs less by the model "
                    f"({rounded(modelled[cheap]):g} ns, {rounded(modelled[dear]):g} ns)"
                )
    return found


#: The columns of the terminal's table, the pick's mark in front.
FRONT_TABLE = (
    Column("pick", ""),
    Column("id", "id", right=True),
    Column("formula", "formula", long=True),
    Column("score", "score (n)"),
    Column("cost_ns", "cost ns", right=True, show=lambda cost: f"{cost:.2g}"),
    Column("size", "size", right=True),
    Column("known", "known as"),
)

#: What stands below the table.
NOTE = (
    "No formula scores higher, costs less and is smaller at once than one of these;\n"
    "a score counts less its standard error, by the noise between seeds and its n.\n"
    "cost: forward and backward, ns an element, measured now on this machine (CPU, one thread).\n"
    "*: the best trade-off, the cheapest within one standard error of the best."
)


def with_merit(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Add what each row is judged by, as the finalists of a run are chosen."""
    worth = merits(measured(rows))
    return [{**row, "merit": merit} for row, merit in zip(rows, worth, strict=True)]


def _perhaps_on_the_front(
    rows: Sequence[Mapping[str, Any]], modelled: Callable[[str], float]
) -> list[Mapping[str, Any]]:
    """Leave out what another surely dominates; the others are to be measured."""
    costs = [modelled(row["formula"]) for row in rows]
    kept = []
    for row, row_cost in zip(rows, costs, strict=True):
        if not any(
            other["merit"] >= row["merit"]
            and other["size"] <= row["size"]
            and cost < SURELY_CHEAPER * row_cost
            for other, cost in zip(rows, costs, strict=True)
        ):
            kept.append(row)
    return kept
