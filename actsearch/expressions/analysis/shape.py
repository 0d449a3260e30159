"""A function as a whole: its symmetry, its kind of shape, how far it goes, how steep it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.breaks import MOST_EXACT
from actsearch.expressions.analysis.grid import BEYOND, FAR, GRID, LIMIT_POINTS, limit
from actsearch.expressions.analysis.places import value_at
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, End, Extremum, Interval, Kink, Piece
from actsearch.expressions.analysis.value import GRID as ON_GRID
from actsearch.expressions.rounding import rounding

Array = NDArray[np.float64]

_N_ZOOMS = 6
_STEP = float(GRID[1] - GRID[0])
#: Beside a pole a value is at least so large.
_POLE = 1e8


@dataclass(frozen=True)
class Look:
    """Values on points that are symmetric about 0, and by how much each may be off.

    ``is_whole`` says that those of the window are finite, but for single points between finite
    values, where 0/0 stands, say.
    """

    f: Array
    noise: Array
    is_whole: bool


def look(subject: Subject) -> Look:
    """Look at a function on the window and beyond it."""
    x = np.concatenate([-BEYOND[::-1], GRID, BEYOND])
    f = subject.value(x)
    inside = f[np.abs(x) <= GRID[-1]]
    missing = np.isnan(inside)
    alone = missing[1:-1] & np.isfinite(inside[:-2]) & np.isfinite(inside[2:])
    whole = bool((np.isfinite(inside[1:-1]) | alone).all() and np.isfinite(inside[[0, -1]]).all())
    return Look(f, rounding(subject.function, x, {}, f), whole)


def symmetry(seen: Look) -> str:
    """Return ``odd``, ``even`` or ``none``, from values on points and by how much they are off.

    Infinite values would pass for equal, so a function that has any on the window is neither.
    """
    f, mirrored = seen.f, seen.f[::-1]
    if not seen.is_whole or (np.isfinite(f) != np.isfinite(mirrored)).any():
        return "none"
    known = np.isfinite(f)
    f, mirrored = f[known], mirrored[known]
    slack = 1e-9 * np.abs(f) + seen.noise[known] + seen.noise[::-1][known]
    if (np.abs(f + mirrored) <= slack).all():
        return "odd"
    return "even" if (np.abs(f - mirrored) <= slack).all() else "none"


def monotone(seen: Look) -> str:
    """Return ``increasing``, ``decreasing`` or ``no``, on the window and beyond it."""
    if not seen.is_whole:
        return "no"
    known = np.isfinite(seen.f)
    f, noise = seen.f[known], seen.noise[known]
    steps, slack = np.diff(f), noise[1:] + noise[:-1] + 1e-12 * np.abs(f[1:])
    if (steps >= -slack).all():
        return "increasing"
    return "decreasing" if (steps <= slack).all() else "no"


def convexity(
    curvature: Sequence[Piece],
    course: Sequence[Piece],
    kinks: Sequence[Kink],
    ends: tuple[End, End],
    whole: bool,
) -> str:
    """Return the word for the shape as a whole.

    Args:
        curvature: Where it bends which way.
        course: Where it rises and falls.
        kinks: Where the slope jumps.
        ends: Lines that it comes near: that of the left has the lesser slope if it is convex.
        whole: The function is finite everywhere and has no steps.
    """
    if not whole or not curvature or not course:
        return "undefined"
    bends = {piece.direction for piece in curvature}
    up = all(kink.left_slope <= kink.right_slope for kink in kinks)
    down = all(kink.left_slope >= kink.right_slope for kink in kinks)
    left, right = (end.asymptote.slope if end.asymptote else math.nan for end in ends)
    slack = 1e-9 * max(abs(left), abs(right))
    up, down = up and not left > right + slack, down and not left < right - slack
    if bends == {"straight"} and up and down:
        return "affine"
    if "concave" not in bends and up:
        return "convex"
    if "convex" not in bends and down:
        return "concave"
    order = [piece.direction for piece in course if piece.direction != "constant"]
    turns = [a for a, b in zip(order, [*order[1:], ""], strict=True) if a != b]
    if len(turns) <= 1:
        return "quasilinear"
    if turns == ["decreasing", "increasing"]:
        return "quasiconvex"
    return "quasiconcave" if turns == ["increasing", "decreasing"] else "neither"


def window_range(f: Array) -> Interval:
    """Return the least and the greatest value, infinite ones included, NaN left out."""
    defined = f[~np.isnan(f)]
    return (float(defined.min()), float(defined.max())) if defined.size else (math.nan, math.nan)


def whole_range(
    subject: Subject,
    f: Array,
    ends: tuple[End, End],
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
    else:
        known += [(v, ON_GRID) for v in subject.value([kink.x for kink in kinks]).tolist()]
    far = [limited_values(subject.value(side * FAR)) for side in (-1, 1)]
    seen = np.concatenate([f, *far, _beside(subject, steps)])
    sides = [
        _bound(subject, f, sign, known, [sign * seen, *_swings(subject, sign)], ends)
        for sign in (1, -1)
    ]
    (low, low_in, low_how), (high, high_in, high_how) = sides
    return (low, -high + 0.0), (low_in, high_in), (low_how, high_how)


def limited_values(values: Array) -> Array:
    """Return values without those that are not defined."""
    return values[~np.isnan(values)]


def _swings(subject: Subject, sign: int) -> list[Array]:
    """Return -infinity where waves grow from decade to decade."""
    found = []
    for side in (-1, 1):
        depths = (sign * subject.value(side * LIMIT_POINTS)).min(axis=1)
        if np.isfinite(depths).all() and (np.diff(depths) < 0.5 * depths[:-1]).all():
            found.append(np.array([-np.inf]) if (depths < 0).all() else depths)
    return found


def _bound(
    subject: Subject,
    f: Array,
    sign: int,
    known: Sequence[tuple[float, str]],
    seen: Sequence[Array],
    ends: tuple[End, End],
) -> tuple[float, bool, str]:
    """Return the least of ``sign`` times the values, whether it is one, and how it was had."""
    values = np.concatenate(seen)
    values = values[~np.isnan(values)]
    least = float(values.min()) if values.size else math.nan
    limits = [(sign * end.value, end) for end in ends if not math.isnan(end.value)]
    limits.sort(key=lambda pair: not pair[1].reached)
    points = [(sign * value, how) for value, how in known if not math.isnan(value)]
    slack = 1e-12 * max(1.0, abs(least)) if math.isfinite(least) else 0.0
    lowest = min([least, *(value for value, _ in limits), *(value for value, _ in points)])
    for value, end in limits:
        if value <= lowest + slack:
            attained = end.reached or _is_attained(subject, f, sign * value)
            return value, attained, end.how
    for value, how in points:
        if value <= lowest + slack:
            return value, True, how
    return lowest, math.isfinite(lowest), ON_GRID


def _is_attained(subject: Subject, f: Array, limit: float) -> bool:
    """Tell whether a limit is also a value: at the point nearest 0 at which float64 has it."""
    if not math.isfinite(limit):
        return False
    there = GRID[np.abs(f - limit) <= 1e-15 * max(1.0, abs(limit))]
    if not there.size:
        return False
    value = subject.exact(float(there[np.argmin(np.abs(there))]))
    return bool(abs(value - mp.mpf(limit)) <= mp.mpf("1e-16") * abs(mp.mpf(limit)))


def _beside(subject: Subject, steps: Sequence[float]) -> Array:
    """Return values beside steps, infinite where one is a pole."""
    places = np.array([*steps], dtype=np.float64)[:, None]
    shifts = np.array([-1e-6, -1e-9, 1e-9, 1e-6]) * np.maximum(1.0, np.abs(places))
    values = subject.value(places + shifts).ravel()
    return np.where(np.abs(values) > _POLE, np.copysign(np.inf, values), values)


def lipschitz(
    subject: Subject, x: Array, ends: tuple[End, End], kinks: Sequence[Kink], steps: Sequence[float]
) -> float:
    """Return the supremum of the slope's magnitude over all x: infinite where there is none.

    Args:
        subject: The function.
        x: Points to look at, ascending.
        ends: What happens at both ends.
        kinks: Where the slope jumps.
        steps: Where the value does.
    """
    d = subject.where_defined(subject.derivative, x)
    inside = d[np.abs(x) <= GRID[-1]]
    missing = np.isnan(inside)  # single points are, where 0/0 stands, say
    if steps or np.isinf(inside).any() or (missing[:-1] & missing[1:]).any():
        return math.inf
    near_0 = float(np.nanmax(np.abs(inside)))
    size = np.where(np.isfinite(d), np.abs(d), 0.0)
    index = int(size.argmax())
    top, at = float(size[index]), float(x[index])
    width = float(max(np.diff(x[max(index - 1, 0) : index + 2]), default=_STEP))
    if not any(abs(kink.x - at) < 2 * width for kink in kinks):
        for _ in range(_N_ZOOMS):
            near = np.linspace(at - width, at + width, 65)
            sizes = np.nan_to_num(np.abs(subject.slope(near)), nan=0.0)
            at, width, top = float(near[sizes.argmax()]), width / 16, max(top, float(sizes.max()))
        exact = subject.exact_slope(at)
        top = float(abs(exact)) if mp.isfinite(exact) else top
    slopes = [abs(s) for kink in kinks for s in (kink.left_slope, kink.right_slope)]
    slopes += [abs(end.asymptote.slope) for end in ends if end.asymptote is not None]
    for side, end in zip((-1, 1), ends, strict=True):
        far = np.abs(subject.slope(side * LIMIT_POINTS))
        tops = far.max(axis=1)
        if np.isfinite(tops).all():
            grows = bool((tops[1:] > 1.5 * tops[:-1]).all()) and tops[-1] > near_0
        else:  # float64 overflows on the way to a slope that is none the less small
            grows = end.asymptote is None
        if grows or limit(far) == "inf":
            return math.inf
        beyond = np.concatenate([far.ravel(), np.abs(subject.slope(side * FAR))])
        slopes.append(float(beyond[np.isfinite(beyond)].max(initial=0.0)))
    return max(top, *slopes)
