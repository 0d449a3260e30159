"""Curves as text: one line of bars, or a small chart of several rows."""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Sequence
from itertools import zip_longest

from actsearch.results.tables import number

_BARS = "▁▂▃▄▅▆▇█"
#: The middle one of several curves, and where the others are.
_LINE, _BAND = "•", "░"

#: Numbers beyond are not drawn.
_FARTHEST = 1e15

#: Points (x, y) of one curve, by growing x; y may be infinite or NaN, which is not drawn.
Curve = Sequence[tuple[float, float]]


def sparkline(values: Sequence[float | None]) -> str:
    """Draw ``values`` as bars between their least and greatest; ``·`` where there is none."""
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if not finite:
        return "·" * len(values)
    low, high = min(finite), max(finite)
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(
        _BARS[round((v - low) / step)] if v is not None and math.isfinite(v) else "·"
        for v in values
    )


def chart(title: str, curves: Sequence[Curve], width: int = 36, height: int = 8) -> list[str]:
    """Draw curves over one another: their median as a line, the room between them as a band.

    Args:
        title: of the chart.
        curves: drawn by straight lines between their points; each counts where it has points.
        width: columns, the scale on the left included.
        height: rows of the drawing; title and the scale below come on top.

    Returns:
        Lines, none longer than ``width``; one that says so where there is nothing to draw.
    """
    # NaN is neither; what lies beyond is no loss, score or step of any training.
    finite = [
        sorted((x, y) for x, y in curve if abs(x) <= _FARTHEST and abs(y) <= _FARTHEST)
        for curve in curves
    ]
    finite = [curve for curve in finite if curve]
    if not finite:
        return [title[:width], "(nothing to draw)"]
    lows = [y for curve in finite for _, y in curve]
    low, high = min(lows), max(lows)
    first, last = min(c[0][0] for c in finite), max(c[-1][0] for c in finite)
    labels = [_label(high), *[""] * (height - 2), _label(low)]
    room = max(map(len, labels))
    n_columns = max(2, width - room - 2)

    def row_of(y: float) -> int:
        return round((high - y) / (high - low) * (height - 1)) if high > low else height // 2

    rows = [[" "] * n_columns for _ in range(height)]
    for column in range(n_columns):
        x = first + (last - first) * column / (n_columns - 1)
        ys = sorted(y for curve in finite if (y := _at(curve, x)) is not None)
        if not ys:
            continue
        for row in range(row_of(ys[-1]), row_of(ys[0]) + 1):
            rows[row][column] = _BAND
        rows[row_of(statistics.median(ys))][column] = _LINE
    lines = [f"{label:>{room}} ┤{''.join(row)}" for label, row in zip(labels, rows, strict=True)]
    left, right = _label(first), _label(last)
    both = len(left) + len(right) < n_columns and last > first
    below = left + right.rjust(n_columns - len(left)) if both else right[:n_columns]
    return [title[:width], *lines, f"{'':>{room}}  {below}"]


def beside(left: Sequence[str], right: Sequence[str], gap: int = 4) -> list[str]:
    """Put two drawings beside each other."""
    width = max(map(len, left), default=0) + gap
    pairs = zip_longest(left, right, fillvalue="")
    return [f"{a:<{width}}{b}".rstrip() for a, b in pairs]


def _at(curve: Curve, x: float) -> float | None:
    """Return the curve's value at ``x``, None before its first and behind its last point."""
    places = [place for place, _ in curve]
    # Of columns that were computed in floats the last may lie a bit behind the last point.
    slack = 1e-9 * max(1.0, abs(places[-1]))
    if not places[0] - slack <= x <= places[-1] + slack:
        return None
    after = bisect.bisect_left(places, x)
    if after == 0 or after == len(places):
        return curve[min(after, len(places) - 1)][1]
    (x0, y0), (x1, y1) = curve[after - 1], curve[after]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _label(value: float) -> str:
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else number(value, 3)
