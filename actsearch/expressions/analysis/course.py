"""Where a function rises and falls, and where it is convex: stretches of one sign of a derivative.

Signs are those of float64 on the grid, less what rounding may have made of them; values that are
but too small for a number take the sign beside them. The ends of stretches are found between the
points, and what goes on up to 1e8 is taken to have no end.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import GRID
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import Piece
from actsearch.expressions.expression import Expression
from actsearch.expressions.rounding import rounding

Array = NDArray[np.float64]
Evaluate = Callable[[Array], Array]

MONOTONE = ("decreasing", "constant", "increasing")
CURVATURE = ("concave", "straight", "convex")
#: A run of fewer points of the grid is a place where something is passed, or noise.
_LEAST = 3
_N_HALVINGS = 52
#: The sign of what is none.
_UNDEFINED = 2
#: More changes of sign than this on one side beyond the window belong to waves.
_MOST_BEYOND = 4
#: Of more runs than this no ends are refined.
_MOST_REFINED = 256


class _Run(NamedTuple):
    """Neighbouring points of the grid of one sign."""

    first: int
    last: int
    sign: int

    @property
    def inner(self) -> int:
        return self.first + int(0.381966 * (self.last - self.first))


def pieces(
    subject: Subject,
    function: Expression,
    words: tuple[str, str, str],
    x: Array,
    marks: Sequence[float],
    splits: Sequence[float],
) -> tuple[Piece, ...]:
    """Return the stretches on which a function keeps its sign, in the order of x.

    Args:
        subject: The function.
        function: Its derivative; the second for curvature.
        words: What negative, zero and positive are called.
        x: Points to look at, ascending from -1e8 to 1e8.
        marks: Places that are known better than the grid shows where a sign ends.
        splits: Where a piece ends though the sign is the same behind.
    """

    def evaluate(points: Array) -> Array:
        return subject.where_defined(function, points)

    values = evaluate(x)
    runs = _runs(_signs(values, rounding(function, x, {}, values)))
    runs = _within(_without_underflow(runs, x, lambda at: subject.vanishes(function, at)), x)
    highs = _edges(evaluate, x, runs, np.sort(np.array([*marks], dtype=np.float64)))
    cuts = sorted(splits)
    found: list[Piece] = []
    end = -1  # the last point of the run before
    for (first, last, sign), high in zip(runs, highs.tolist(), strict=True):
        low = found[-1].high if found and first == end + 1 else float(x[first])
        low = -math.inf if first == 0 else low
        if last == len(x) - 1:
            high = math.inf
        elif x[last] == GRID[-1]:
            high = float(GRID[-1])
        end = last
        inner = cuts[bisect.bisect_right(cuts, low) : bisect.bisect_left(cuts, high)]
        ends = itertools.pairwise([low, *inner, high])
        found += [Piece(a, b, words[sign + 1]) for a, b in ends]
    return tuple(found)


def _signs(values: Array, noise: Array) -> NDArray[np.intp]:
    """Return signs; what rounding hides goes on as what lies before, ``_UNDEFINED`` for NaN."""
    signs = np.sign(np.where(np.isnan(values), 0.0, values)).astype(int)
    hidden = (np.abs(values) <= noise) & (values != 0)
    if hidden.any() and not hidden.all():
        known = np.flatnonzero(~hidden)
        before = known[np.maximum(np.searchsorted(known, np.arange(len(signs)), "right") - 1, 0)]
        signs = np.where(hidden, signs[before], signs)
    signs[np.isnan(values)] = _UNDEFINED
    return signs


def _runs(signs: NDArray[np.intp]) -> list[_Run]:
    """Return the runs of equal signs; short ones of 0, or undefined, go to the run before."""
    edges = np.flatnonzero(np.diff(signs)) + 1
    runs: list[_Run] = []
    for part in np.split(np.arange(len(signs)), edges):
        run = _Run(int(part[0]), int(part[-1]), int(signs[part[0]]))
        if runs and len(part) < _LEAST and run.sign in (0, _UNDEFINED):
            run = run._replace(sign=runs[-1].sign)
        runs.append(run)
    return [run for run in _merged(runs) if run.sign != _UNDEFINED]


def _without_underflow(
    runs: Sequence[_Run], x: Array, vanishes: Callable[[float], bool]
) -> list[_Run]:
    """Give runs of what is but too small for a number the sign of the run beside them."""
    small = [run.sign == 0 and not vanishes(_inside(run, x)) for run in runs]
    if all(small):
        return [*runs]
    known = [0 if is_small else run.sign for run, is_small in zip(runs, small, strict=True)]
    given: list[_Run] = []
    for i, (run, is_small) in enumerate(zip(runs, small, strict=True)):
        if not is_small:
            given.append(run)
            continue
        before = next((sign for sign in known[i::-1] if sign), 0)
        behind = next((sign for sign in known[i:] if sign), before)
        half = (run.first + run.last) // 2  # the sign changes within where they differ
        given.append(run._replace(last=half, sign=before or behind))
        if half < run.last:
            given.append(run._replace(first=half + 1, sign=behind))
    return _merged(given)


def _inside(run: _Run, x: Array) -> float:
    """Return a point of a run, or what of it is near the window if it goes beyond.

    None like its middle, which may be a place of its own: of exp(-1/x**2) it is 0.
    """
    if run.first == 0 and run.last < len(x) - 1:
        return float(x[max(run.last - _LEAST, 0)])
    if run.last == len(x) - 1 and run.first > 0:
        return float(x[min(run.first + _LEAST, run.last)])
    return float(x[run.inner])


def _within(runs: Sequence[_Run], x: Array) -> list[_Run]:
    """Leave out what lies beyond the window on a side on which it makes waves or is undefined."""
    low, high = np.searchsorted(x, [GRID[0], GRID[-1]]).tolist()
    if sum(run.first < low for run in runs) - 1 > _MOST_BEYOND or not _covers(runs, 0, low):
        runs = [run._replace(first=max(run.first, low)) for run in runs if run.last >= low]
    if sum(run.last > high for run in runs) - 1 > _MOST_BEYOND or not _covers(
        runs, high, len(x) - 1
    ):
        runs = [run._replace(last=min(run.last, high)) for run in runs if run.first <= high]
    return [*runs]


def _merged(runs: Sequence[_Run]) -> list[_Run]:
    """Return runs with neighbours of one sign made one."""
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].sign == run.sign and merged[-1].last == run.first - 1:
            merged[-1] = merged[-1]._replace(last=run.last)
        else:
            merged.append(run)
    return merged


def _covers(runs: Sequence[_Run], first: int, last: int) -> bool:
    """Tell whether all points between two belong to a run."""
    mine = [run for run in runs if run.last >= first and run.first <= last]
    gaps = any(b.first != a.last + 1 for a, b in itertools.pairwise(mine))
    return bool(mine) and not gaps and mine[0].first <= first and mine[-1].last >= last


def _edges(evaluate: Evaluate, x: Array, runs: Sequence[_Run], marks: Array) -> Array:
    """Return where runs end: at a mark where one is near, else bisected, all of them at once.

    Of very many none is: a wave's ends lie between two points of the grid anyway.
    """
    last = np.array([run.last for run in runs], dtype=np.intp)
    signs = np.array([run.sign for run in runs])
    inside, outside = x[last], x[np.minimum(last + 1, len(x) - 1)]
    left, right = 2 * inside - outside, 2 * outside - inside
    if len(runs) > _MOST_REFINED:
        found = (inside + outside) / 2
    else:
        found = inside
        for _ in range(_N_HALVINGS if len(runs) else 0):
            middle = (found + outside) / 2
            same = np.sign(evaluate(middle)) == signs
            found, outside = np.where(same, middle, found), np.where(same, outside, middle)
    if marks.size:
        after = np.searchsorted(marks, inside)
        before, behind = marks[np.maximum(after - 1, 0)], marks[np.minimum(after, len(marks) - 1)]
        near = np.where(np.abs(before - inside) <= np.abs(behind - inside), before, behind)
        known = (near > left) & (near < right)
        return np.where(known, near, np.round(found, 12) + 0.0)
    return np.round(found, 12) + 0.0
