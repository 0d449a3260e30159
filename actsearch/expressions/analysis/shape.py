"""A function as a whole: its symmetry, its kind of shape, how steep it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import BEYOND, FAR, GRID, LIMIT_POINTS, limit
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import End, Kink, Piece
from actsearch.expressions.rounding import rounding

Array = NDArray[np.float64]

_N_ZOOMS = 6
_STEP = float(GRID[1] - GRID[0])


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
