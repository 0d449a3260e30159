"""The table: values at even distances, straight lines between them, asymptotes beyond.

It is no formula of the grammar: a table is read by an index. ``Table.value`` says what all the
files of it compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from actsearch.export.approximate.subject import Array, Subject, Window

#: How far a table may reach beyond the window, in widths of it: further entries are fewer inside.
_WIDER = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
_BEYOND = 1e4
_PER_CELL = 8


@dataclass(frozen=True)
class Table:
    """A function that is read from a table.

    Attributes:
        low, high: The first and the last argument of the table.
        values: Those at even distances from ``low`` to ``high``.
        slopes: Those beyond, on the left and on the right.
    """

    low: float
    high: float
    values: tuple[float, ...]
    slopes: tuple[float, float]

    @property
    def scale(self) -> float:
        """Cells a unit of x."""
        return (len(self.values) - 1) / (self.high - self.low)

    @property
    def knots(self) -> tuple[float, ...]:
        """The arguments of the table."""
        return tuple(np.linspace(self.low, self.high, len(self.values)).tolist())

    def value(self, x: Array, dtype: type[np.float32 | np.float64] = np.float64) -> Array:
        """Return the values at ``x``; NaN where it is NaN."""
        return self._read(x, dtype)[0]

    def slope(self, x: Array) -> Array:
        """Return the slopes at ``x``: those of the cell on the right of an entry."""
        return self._read(x, np.float64)[1]

    def _read(self, x: Any, dtype: Any) -> tuple[Array, Array]:
        x = np.asarray(x, dtype=dtype)
        low, high, scale = map(dtype, (self.low, self.high, self.scale))
        entries = np.asarray(self.values, dtype)
        known = np.where(np.isnan(x), low, x)
        z = (np.clip(known, low, high) - low) * scale
        cell = np.minimum(z.astype(np.int64), len(entries) - 2)
        step = entries[cell + 1] - entries[cell]
        left, right = map(dtype, self.slopes)
        inner = entries[cell] + (z - cell.astype(dtype)) * step
        value = np.where(np.isnan(x), x, inner)
        if left:  # 0 times infinity would be NaN
            value = value + left * np.minimum(x - low, dtype(0))
        if right:
            value = value + right * np.maximum(x - high, dtype(0))
        slope = np.where(x < low, left, np.where(x > high, right, step * scale))
        slope = np.where(np.isnan(x), x, slope)
        return np.asarray(value, np.float64), np.asarray(slope, np.float64)


def lookup(subject: Subject, entries: int) -> Table:
    """Return the table of so many entries with the least error, inside and beyond.

    It may reach further than the window, to where asymptotes hold.
    """
    low, high = subject.window
    left, right = (float(end.kind == "line") for end in subject.ends)
    tables = []
    for share in _WIDER if left or right else _WIDER[:1]:
        more = share * (high - low)
        reach = low - left * more, high + right * more
        for one in (reach, *_aligned(reach, subject.bends, entries)):
            tables.append(_made(subject, one, entries))
    return min(tables, key=lambda table: _error(subject, table))


def _aligned(reach: Window, bends: tuple[float, ...], entries: int) -> Iterator[Window]:
    """Yield the reach, a little wider, so that a bend lies on an entry."""
    low, high = reach
    if entries > 2:
        width = (high - low) / (entries - 2)
        for bend in bends:
            first = bend - np.ceil((bend - low) / width) * width
            yield float(first), float(first + (entries - 1) * width)


def _made(subject: Subject, reach: Window, entries: int) -> Table:
    low, high = reach
    values = subject.value(np.linspace(low, high, entries))
    slopes = []
    for side, place in enumerate((0, -1)):
        end = subject.ends[side]
        if end.kind == "line":  # what lies beyond is the asymptote itself
            values[place] = end.slope * reach[side] + end.offset
        slopes.append(
            float(subject.slope(np.array(reach[side]))) if end.kind == "grows" else end.slope
        )
    return Table(low, high, tuple(values.tolist()), (slopes[0], slopes[1]))


def _error(subject: Subject, table: Table) -> float:
    """Return the largest error, beyond the window only where the function has an asymptote."""
    low, high = table.low, table.high
    n = _PER_CELL * len(table.values) + 1
    parts = [np.linspace(low, high, n), np.asarray(subject.bends)]
    steps = np.geomspace(1e-3, _BEYOND, 400)
    if subject.ends[0].kind == "line":
        parts.append(low - steps)
    if subject.ends[1].kind == "line":
        parts.append(high + steps)
    x = np.concatenate(parts)
    error = float(np.abs(table.value(x) - subject.value(x)).max())
    return error if np.isfinite(error) else np.inf
