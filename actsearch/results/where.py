"""Filters and orders of rows as a user types them: ``score>0.6``, ``formula~tanh``, ``-score``.

A filter is a column, an operator and a value, and nothing of it is ever executed. Columns are those
of the rows that are listed; a value is read as the column's own kind.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.durations import parse_duration
from actsearch.errors import BadInput, shorten, unknown

NUMBER, TEXT = "number", "text"

#: What is written for "there is no value".
_NONE = "none"

_FILTER = re.compile(r"\s*([A-Za-z][\w -]*?)\s*(>=|<=|!=|!~|==|=|~|>|<)(.*)", re.DOTALL)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SAME = ("=", "==")
_CONTAINS = ("~", "!~")


@dataclass(frozen=True)
class Filter:
    """One condition on a row: ``row[column] operator value``; None stands for no value."""

    column: str
    operator: str
    value: float | str | None

    def passes(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row meets it. What has no value is neither above nor below anything."""
        found = row.get(self.column)
        if self.operator in _ORDERS:
            return found is not None and _ORDERS[self.operator](found, self.value)
        if self.operator in _CONTAINS:
            there = str(self.value).lower() in _text(found).lower()
            return there == (self.operator == "~")
        if isinstance(self.value, str):
            same = found is not None and _text(found).lower() == self.value.lower()
        else:
            same = found == self.value
        return same == (self.operator in _SAME)


def read_filter(text: str, kinds: Mapping[str, str]) -> Filter:
    """Read a filter.

    Args:
        text: as a user typed it.
        kinds: column -> ``NUMBER`` or ``TEXT``.

    Raises:
        BadInput: it is none, the column is unknown, or the value is not of the column's kind.
    """
    match = _FILTER.fullmatch(text)
    if match is None:
        raise BadInput(
            f"'{shorten(text)}' is no filter; one is a column, one of = != < <= > >= ~ !~ "
            "(contains, does not contain) and a value, as in 'score>0.6', 'formula~tanh' or "
            f"'known=none' (columns: {', '.join(kinds)})"
        )
    column, sign, value = column_named(match[1], kinds), match[2], match[3].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    if value.lower() == _NONE and sign not in _CONTAINS:
        if sign in _ORDERS:
            raise BadInput(f"'{shorten(text)}': nothing is above or below none; use = or !=")
        return Filter(column, sign, None)
    if sign in _CONTAINS:
        return Filter(column, sign, value)
    if kinds[column] == NUMBER:
        return Filter(column, sign, _number(column, value))
    if sign in _ORDERS:
        raise BadInput(
            f"'{shorten(text)}': {column} is a text, which takes = != ~ (contains) and !~"
        )
    return Filter(column, sign, value)


def read_order(text: str, kinds: Mapping[str, str]) -> tuple[str, bool]:
    """Read an order: a column, with a minus in front for the highest first.

    Returns:
        The column, and whether the highest come first.

    Raises:
        BadInput: the column is unknown.
    """
    stripped = text.strip()
    return column_named(stripped.lstrip("-+"), kinds), stripped.startswith("-")


def column_named(name: str, kinds: Mapping[str, str]) -> str:
    """Return the column that ``name`` means: in any case, with blanks or hyphens for underscores.

    Raises:
        BadInput: there is none; the message names the nearest.
    """
    column = re.sub(r"[\s-]+", "_", name.strip().lower())
    if column not in kinds:
        raise unknown("column", name.strip(), kinds)
    return column


def chosen(
    rows: Iterable[Mapping[str, Any]],
    filters: Sequence[Filter] = (),
    order: tuple[str, bool] | None = None,
    top: int | None = None,
) -> list[Mapping[str, Any]]:
    """Return the rows that pass all ``filters``, in ``order`` (None: as they came), the first.

    What has no value in the column that is sorted by comes last, whichever way it is sorted; rows
    that are equal in it stay as they came.
    """
    found = [row for row in rows if all(one.passes(row) for one in filters)]
    if order is not None:
        column, descending = order
        there = [row for row in found if _has(row, column)]
        there.sort(key=lambda row: _key(row[column]), reverse=descending)
        found = there + [row for row in found if not _has(row, column)]
    return found[:top]


def _has(row: Mapping[str, Any], column: str) -> bool:
    value = row.get(column)
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float) else _text(value).lower()


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _number(column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    if column.endswith("_s"):  # a time, as people write them
        try:
            return parse_duration(text)
        except BadInput:
            pass
    raise BadInput(
        f"{column} is a number{' of seconds, or a time such as 2m' if column[-2:] == '_s' else ''}"
        f"; got '{shorten(text)}'"
    )
