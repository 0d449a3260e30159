"""How far a function goes: infimum and supremum, and whether they are values of it.

What float64 shows is believed where rounding could not have made it; elsewhere, and for the least
and greatest value that was seen, the true function is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.breaks import MOST_EXACT
from actsearch.expressions.analysis.grid import FAR, GRID, LIMIT_POINTS
from actsearch.expressions.analysis.places import value_at
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, End, Extremum, Interval, Kink
from actsearch.expressions.analysis.value import GRID as ON_GRID
from actsearch.expressions.rounding import rounding

Array = NDArray[np.float64]

#: A value that rounding may have moved by more than this share is not believed; of such so many
#: are computed in high precision.
_NOISE, _N_EXACT = 1e-9, 64
_N_ZOOMS, _N_PARTS, _N_TRIES = 8, 64, 8
_N_HALVINGS = 60
#: Values that differ by less than this share may be those of waves of one height.
_ALIKE = 1e-3
#: How near to a point without a value its sides are compared, and what they may differ by.
_HOLE, _CLOSED = "1e-25", "1e-20"
#: Distances from a step; at a pole each brings more than the one before.
_DISTANCES, _DIVERGES, _LEAST = ("1e-4", "1e-7", "1e-11"), 1.1, "1e-14"
#: A value is a limit to float64, and clearly none yet; digits that tell the two apart.
_SAME, _APART, _DIGITS = 1e-15, 1e-3, 200

_ENDS = tuple[End, End]
_Bound = tuple[float, bool, str]


def window_range(f: Array) -> Interval:
    """Return the least and the greatest value, infinite ones included, NaN left out."""
    defined = f[~np.isnan(f)]
    return (float(defined.min()), float(defined.max())) if defined.size else (math.nan, math.nan)


def whole_range(
    subject: Subject,
    f: Array,
    ends: _ENDS,
    places: tuple[Sequence[Extremum], Sequence[Kink], Sequence[float]],
) -> tuple[Interval, tuple[bool, bool], tuple[str, str]]:
    """Return infimum and supremum over all x, whether they are attained, and how they were had.

    Args:
        subject: The function.
        f: Its values on the grid.
        ends: What happens at both ends.
        places: Its extrema, kinks and steps.
    """
    extrema, kinks, steps = places
    known = [(one.value, one.how) for one in extrema]
    if len(kinks) <= MOST_EXACT:
        known += [(value_at(subject, kink.x), DIGITS) for kink in kinks]
    known = [(v, how) for v, how in known if not math.isnan(v) and how != ON_GRID]
    x, seen = _believed(subject, ends)
    beside = [value for step in steps[:MOST_EXACT] for value in _beside(subject, step)]
    corners = subject.value([kink.x for kink in kinks]).tolist() if len(kinks) > MOST_EXACT else []
    corners = [value for value in corners if not math.isnan(value)]
    sides = []
    holes = _holes(subject, f)
    for sign in (1, -1):
        others = [sign * value for value in (*beside, *corners)] + _swings(subject, sign)
        points = [(sign * value, how) for value, how in known]
        near = [sign * value for value in holes]
        bound = _bound(subject, f, sign, points, (x, sign * seen), (others, near), ends)
        sides.append(bound)
    (low, low_in, low_how), (high, high_in, high_how) = sides
    return (low, -high + 0.0), (low_in, high_in), (low_how, high_how)


def _believed(subject: Subject, ends: _ENDS) -> tuple[Array, Array]:
    """Return points and true values there, up to 1e8; NaN where none is known."""
    x = np.concatenate([-FAR[::-1], GRID, FAR])
    values = subject.value(x)
    noise = rounding(subject.function, x, {}, values)
    finite = np.abs(values[np.isfinite(values)])
    typical = float(np.median(finite)) if finite.size else 0.0
    doubtful = noise > _NOISE * np.maximum(np.abs(values), typical)
    infinite = [end.value for end in ends if math.isinf(end.value)]
    doubtful |= np.isinf(values) & ~np.isin(values, infinite)
    where = np.flatnonzero(doubtful)
    values[where] = np.nan
    asked = (
        where[np.unique(np.linspace(0, len(where) - 1, _N_EXACT).astype(int))]
        if len(where)
        else where
    )
    for index in asked.tolist():
        values[index] = float(subject.exact(float(x[index])))
    return x, values


def _holes(subject: Subject, f: Array) -> list[float]:
    """Return what a function comes near on both sides of single points where it has no value."""
    alone = np.isnan(f[1:-1]) & np.isfinite(f[:-2]) & np.isfinite(f[2:])
    found = []
    for x in GRID[1:-1][alone][:MOST_EXACT].tolist():
        left, right = (subject.exact(mp.mpf(x) + side * mp.mpf(_HOLE), _DIGITS) for side in (-1, 1))
        if abs(right - left) <= mp.mpf(_CLOSED) * max(abs(left), abs(right)):
            found.append(float(right))
    return found


def _swings(subject: Subject, sign: int) -> list[float]:
    """Return -infinity where waves grow from decade to decade."""
    found: list[float] = []
    for side in (-1, 1):
        depths = (sign * subject.value(side * LIMIT_POINTS)).min(axis=1)
        if np.isfinite(depths).all() and (np.diff(depths) < 0.5 * depths[:-1]).all():
            found += [-math.inf] if (depths < 0).all() else depths.tolist()
    return found


def _bound(
    subject: Subject,
    f: Array,
    sign: int,
    points: Sequence[tuple[float, str]],
    seen: tuple[Array, Array],
    others: tuple[Sequence[float], Sequence[float]],
    ends: _ENDS,
) -> _Bound:
    """Return the least of ``sign`` times the values, whether it is one, and how it was had.

    ``others`` are values seen elsewhere, and what it comes near beside points without a value.
    """
    elsewhere, holes = others
    limits = [(sign * end.value, end) for end in ends if not math.isnan(end.value)]
    limits.sort(key=lambda pair: not pair[1].reached)
    better = min([math.inf, *(v for v, _ in limits), *(v for v, _ in points), *elsewhere, *holes])
    least = _least(subject, sign, *seen, better)
    lowest = min([one for one in (least, better) if not math.isnan(one)], default=math.nan)
    slack = 1e-12 * abs(lowest) if math.isfinite(lowest) else 0.0
    for value, end in limits:
        if value <= lowest + slack:
            same = any(point == value for point, _ in points)
            attained = end.reached or same or _is_attained(subject, f, sign * value)
            return value, attained, end.how
    for value, how in points:
        if value <= lowest + slack:
            return value, True, how
    for value in holes:
        if value <= lowest + slack:
            return value, False, DIGITS
    return lowest, math.isfinite(lowest), ON_GRID


def _least(subject: Subject, sign: int, x: Array, values: Array, better: float) -> float:
    """Return the least value near the points, the true one there; NaN where there is none.

    Where it is above ``better`` in float64 already it is left as it is.
    """
    values = np.where(np.isnan(values), np.inf, values)
    for _ in range(_N_TRIES):
        index = int(values.argmin())
        least = float(values[index])
        if least == math.inf:
            return math.nan if better < math.inf else _or_nan(values)
        slack = 1e-12 * abs(better) if math.isfinite(better) else 0.0
        if least >= better + slack or math.isinf(least):
            return least
        low, high = x[max(index - 1, 0)], x[min(index + 1, len(x) - 1)]
        true = _zoomed(subject, sign, float(x[index]), float(low), float(high))
        # Waves are as deep elsewhere, and nearest 0 doubles lie closest.
        like = np.flatnonzero(values <= least + _ALIKE * abs(least))
        near = int(like[np.argmin(np.abs(x[like]))])
        if near != index:
            low, high = x[max(near - 1, 0)], x[min(near + 1, len(x) - 1)]
            true = min(true, _zoomed(subject, sign, float(x[near]), float(low), float(high)))
        if true <= least + _NOISE * abs(least):
            return true
        values[index] = true  # that was rounding
    return float(values.min())


def _or_nan(values: Array) -> float:
    return math.inf if values.size else math.nan


def _zoomed(subject: Subject, sign: int, x: float, low: float, high: float) -> float:
    """Return the least true value between two points, from the one where float64 has its least."""
    for _ in range(_N_ZOOMS):
        near = np.append(np.linspace(low, high, _N_PARTS + 1), x)
        found = sign * subject.value(near)
        x = float(near[int(np.where(np.isnan(found), np.inf, found).argmin())])
        width = 2 * (high - low) / _N_PARTS
        low, high = max(low, x - width), min(high, x + width)
    true = sign * subject.exact(x)
    return math.inf if mp.isnan(true) else float(true)


def _is_attained(subject: Subject, f: Array, limit: float) -> bool:
    """Tell whether a limit is also a value: that of a stretch on which the function stays.

    float64 has 1 for tanh(20). There, not far behind the first point at which it has the limit, a
    function that stays is the same to all digits at two points, and one that comes near is not.
    """
    if not math.isfinite(limit):
        return False
    finite = np.abs(f[np.isfinite(f)])
    scale = max(abs(limit), float(finite.max(initial=0.0)))

    def is_same(x: float, share: float = _SAME) -> bool:
        return bool(abs(float(subject.value(x)) - limit) <= share * scale)

    same = np.abs(f - limit) <= _SAME * scale
    (there,) = np.nonzero(same)
    if not there.size:
        return False
    start = int(there[np.argmin(np.abs(GRID[there]))])
    apart = np.flatnonzero(~same)
    left, right = apart[apart < start], apart[apart > start]
    if not left.size and not right.size:
        return _is_level(subject, float(GRID[0]), float(GRID[-1]))
    side, edge = (1, int(left[-1])) if left.size else (-1, int(right[0]))
    inside = _passed(is_same, float(GRID[edge]), float(GRID[edge + side]))
    clear = np.flatnonzero(np.abs(f - limit) > _APART * scale)
    behind = clear[side * clear <= side * edge]
    other = int(behind[-1] if side > 0 else behind[0]) if behind.size else edge
    outside = _passed(lambda x: is_same(x, _APART), float(GRID[other]), inside)
    way = inside - outside
    return _is_level(subject, inside + way / 8, inside + way / 4)


def _passed(holds: Any, outside: float, inside: float) -> float:
    """Return where something begins to hold."""
    for _ in range(_N_HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if holds(middle) else (middle, inside)
    return inside


def _is_level(subject: Subject, a: float, b: float) -> bool:
    return bool(subject.exact(a, _DIGITS) == subject.exact(b, _DIGITS))


def _beside(subject: Subject, step: float) -> list[float]:
    """Return values beside a step, infinite where it is a pole."""
    found = []
    size = max(1.0, abs(step))
    for side in (-1, 1):
        first, second, third = (
            subject.exact(mp.mpf(step) + side * size * mp.mpf(distance)) for distance in _DISTANCES
        )
        grows = abs(third) > abs(second)
        rise = max(_DIVERGES * abs(second - first), mp.mpf(_LEAST))
        if mp.isnan(third):
            continue
        is_pole = mp.isinf(third) or (grows and abs(third - second) > rise)
        found.append(math.copysign(math.inf, third) if is_pole else float(third))
    return found
