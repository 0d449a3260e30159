"""Every birth as a row, whatever became of it: what ``inspect`` filters, sorts and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actsearch.results.hall import (
    HALL_COLUMNS,
    cost_cell,
    table_rows,
    time_cell,
    with_costs,
)
from actsearch.results.reasons import kind_of
from actsearch.results.tables import Column, number
from actsearch.results.where import NUMBER, TEXT, Filter, chosen, read_filter, read_order
from actsearch.runs.records import ACCEPTED, REJECTED, SCREENED, TRAINING_STATUSES

if TYPE_CHECKING:
    from actsearch.results.view import RunView

#: One of several is told by what they contain.
_AMONG = {"=": "~", "==": "~", "!=": "!~"}

#: What an accepted birth is called, by whether it was trained.
TRAINED, WAITING = "trained", "waiting"

#: Beside those of the hall of fame.
_MORE = (
    Column("status", "status"),
    Column("outcomes", "outcomes"),
    Column("same_as", "same as", right=True),
    Column("reason", "reason", long=True),
    Column("kind", "kind of reason"),
    Column("parents", "parents"),
    Column("children", "children", right=True),
    Column("trainings", "trainings", right=True),
    Column("time_s", "seconds", right=True, show=lambda time_s: number(time_s, 1)),
    Column("fingerprint", "fingerprint"),
)
BIRTH_COLUMNS = (*HALL_COLUMNS, *_MORE)

_TEXTS = {
    "formula", "rung", "best_known", "known", "operator", "status", "outcomes", "reason", "kind",
    "parents", "fingerprint",
}  # fmt: skip
#: Column -> its kind, for filters.
KINDS = {column.key: TEXT if column.key in _TEXTS else NUMBER for column in BIRTH_COLUMNS}


def birth_rows(view: RunView) -> list[dict[str, Any]]:
    """Return one row a birth for ``BIRTH_COLUMNS``, by their ids; costs are left to ``listed``.

    A duplicate has no score of its own: ``same_as`` says whose it shares. ``outcomes`` are the
    statuses of its trainings, each once.
    """
    children: dict[int, int] = {}
    for birth in view.births:
        for parent in set(birth.parents):
            children[parent] = children.get(parent, 0) + 1
    n_trainings: dict[int, int] = {}
    times_s: dict[int, float] = {}
    outcomes: dict[int, dict[str, None]] = {}
    for training in view.trainings:
        n_trainings[training.birth_id] = n_trainings.get(training.birth_id, 0) + 1
        times_s[training.birth_id] = times_s.get(training.birth_id, 0.0) + training.time_s
        outcomes.setdefault(training.birth_id, {})[training.status] = None
    empty = {column.key: None for column in HALL_COLUMNS if column.key != "cost_ns"}
    rows = []
    for birth in view.births:
        status = birth.status
        if status == ACCEPTED:
            status = TRAINED if birth.id in n_trainings else WAITING
        rows.append(
            {
                **empty,
                "id": birth.id,
                "formula": birth.formula,
                "n": 0,
                "size": birth.size,
                "born_s": view.born_s.get(birth.id),
                "rediscoveries": len(view.rediscoveries.get(birth.id, ())),
                "operator": birth.operator,
                "penalty": birth.penalty,
                **view.by_id.get(birth.id, {}),
                "status": status,
                "outcomes": list(outcomes.get(birth.id, ())),
                "same_as": birth.same_as,
                "reason": birth.reason,
                "kind": kind_of(birth.reason) if birth.reason else "",
                "parents": list(birth.parents),
                "children": children.get(birth.id, 0),
                "trainings": n_trainings.get(birth.id, 0),
                "time_s": times_s.get(birth.id, 0.0),
                "fingerprint": birth.fingerprint,
            }
        )
    return rows


def listed(
    rows: Sequence[Mapping[str, Any]],
    where: Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
    *,
    costs: bool = False,
) -> list[dict[str, Any]]:
    """Return the rows that are asked for, in the order that is asked for.

    Args:
        rows: of ``birth_rows``, or of the hall of fame.
        where: filters, as in ``score>0.6``; a row has to pass all.
        sort: a column, with a minus in front for the highest first.
        top: how many.
        costs: compute ``cost_ns`` of what is returned, though no filter asks for it.

    Raises:
        BadInput: a filter or the column to sort by can't be read.
    """
    filters = [_of_training(read_filter(text, KINDS)) for text in where]
    order = None if sort is None else read_order(sort, KINDS)
    cheap = [one for one in filters if one.column != "cost_ns"]
    if asks_for_costs(filters, order):  # of no more formulas than needed: each takes milliseconds
        rows = with_costs(chosen(rows, cheap))
        costs = False
    found = chosen(rows, filters, order, top)
    return with_costs(found) if costs else [dict(row) for row in found]


def _of_training(one: Filter) -> Filter:
    """Return a filter by status that means the trainings' as one by the outcomes."""
    if one.column != "status" or str(one.value).lower() not in TRAINING_STATUSES:
        return one
    return replace(one, column="outcomes", operator=_AMONG.get(one.operator, one.operator))


def asks_for_costs(filters: Sequence[Filter], order: tuple[str, bool] | None) -> bool:
    """Tell whether filters or an order go by ``cost_ns``."""
    return any(one.column == "cost_ns" for one in filters) or (order or ("",))[0] == "cost_ns"


#: Every birth in a terminal.
_TABLE = (
    Column("id", "id", right=True),
    Column("status", "status"),
    Column("formula", "formula", long=True),
    Column("score", "score (n)"),
    Column("rung", "rung", leaves=1),
    Column("gain_over_relu", "gain over ReLU", leaves=2),
    Column("cost_ns", "cost ns", right=True, show=cost_cell),
    Column("size", "size", right=True, leaves=4),
    Column("born_s", "born at", right=True, show=time_cell, leaves=6),
    Column("operator", "operator", leaves=5),
    Column("parents", "parents", leaves=7),
    Column("known", "known as", leaves=3),
    Column("why", "why", long=True),
)
_REJECTED_TABLE = ("id", "status", "formula", "operator", "parents", "why")


def births_table(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[tuple[Column, ...], list[dict[str, Any]]]:
    """Return columns and rows of births for a terminal; what nobody has a value in is left out."""
    cells = [_cells(row) for row in rows]
    columns = (
        column
        for column in _TABLE
        if column.key in ("id", "status", "formula")
        or any(row.get(column.key) not in (None, "", []) for row in cells)
    )
    return tuple(columns), cells


def rejected_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the births of ``rows`` that were turned away before training."""
    return [row for row in rows if row["status"] in (REJECTED, SCREENED)]


def rejected_table(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[tuple[Column, ...], list[dict[str, Any]]]:
    """Return columns and rows of what was turned away, for a terminal."""
    columns = tuple(column for column in _TABLE if column.key in _REJECTED_TABLE)
    return columns, [_cells(row) for row in rows]


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    why = row["reason"] if row["same_as"] is None else f"the same function as {row['same_as']}"
    if not row["n"]:
        return {**row, "score": "", "gain_over_relu": "", "why": why}
    return {**table_rows([row])[0], "why": why}
