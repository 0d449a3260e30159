"""Where a function rises and falls, and where it is convex: stretches of one sign of a derivative.

Signs are those of float64 on the grid, less what rounding may have made of them; values that are
but too small for a number take the sign beside them. The ends of stretches are found between the
points, and what goes on up to 1e8 is taken to have no end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import FAR, GRID
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import Piece
from actsearch.expressions.expression import Expression
from actsearch.expressions.rounding import rounding

Array = NDArray[np.float64]
Evaluate = Callable[[Array], Array]

MONOTONE = ("decreasing", "constant", "increasing")
CURVATURE = ("concave", "straight", "convex")
#: What fell below this before it became 0 far out did so by underflow.
_UNDERFLOWS = 1e-30
#: A run of fewer points of the grid is a place where something is passed, or noise.
_LEAST = 3
_N_HALVINGS = 52
#: The sign of what is none.
_UNDEFINED = 2
_STEP = float(GRID[1] - GRID[0])


class _Run(NamedTuple):
    """Neighbouring points of the grid of one sign."""

    first: int
    last: int
    sign: int

    @property
    def middle(self) -> int:
        return (self.first + self.last) // 2


def pieces(
    subject: Subject,
    function: Expression,
    words: tuple[str, str, str],
    marks: Sequence[float],
    splits: Sequence[float],
) -> tuple[Piece, ...]:
    """Return the stretches on which a function keeps its sign, in the order of x.

    Args:
        subject: The function.
        function: Its derivative; the second for curvature.
        words: What negative, zero and positive are called.
        marks: Places that are known better than the grid shows where a sign ends.
        splits: Where a piece ends though the sign is the same behind.
    """

    def evaluate(x: Array) -> Array:
        return subject.where_defined(function, x)

    values = evaluate(GRID)
    runs = _runs(_signs(values, rounding(function, GRID, {}, values)))
    runs = _without_underflow(runs, lambda x: subject.vanishes(function, x))
    found: list[Piece] = []
    end = -1  # the last point of the run before
    for first, last, sign in runs:
        low = found[-1].high if found and first == end + 1 else float(GRID[first])
        high, end = float(GRID[last]), last
        if first == 0:
            low = _window_end(evaluate, -1, sign)
        if last == len(GRID) - 1:
            high = _window_end(evaluate, 1, sign)
        else:
            high = _edge(evaluate, high, float(GRID[last + 1]), sign, marks)
        cuts = [low, *(one for one in sorted(splits) if low < one < high), high]
        found += [Piece(a, b, words[sign + 1]) for a, b in itertools.pairwise(cuts)]
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


def _without_underflow(runs: Sequence[_Run], vanishes: Callable[[float], bool]) -> list[_Run]:
    """Give runs of what is but too small for a number the sign of the run beside them."""
    small = [run.sign == 0 and not vanishes(float(GRID[run.middle])) for run in runs]
    if all(small):
        return [*runs]
    signs: list[int] = []
    for run, is_small in zip(runs, small, strict=True):
        signs.append(signs[-1] if is_small and signs else run.sign)
    first = small.index(False)
    signs[:first] = [runs[first].sign] * first
    return _merged([run._replace(sign=sign) for run, sign in zip(runs, signs, strict=True)])


def _merged(runs: Sequence[_Run]) -> list[_Run]:
    """Return runs with neighbours of one sign made one."""
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].sign == run.sign and merged[-1].last == run.first - 1:
            merged[-1] = merged[-1]._replace(last=run.last)
        else:
            merged.append(run)
    return merged


def _edge(
    evaluate: Evaluate, inside: float, outside: float, sign: int, marks: Sequence[float]
) -> float:
    """Return where a sign ends, which is a mark where one is near."""
    near = [mark for mark in marks if inside - _STEP < mark < outside + _STEP]
    if near:
        return min(near, key=lambda mark: abs(mark - inside))
    for _ in range(_N_HALVINGS):
        middle = (inside + outside) / 2
        same = np.sign(evaluate(np.array(middle))) == sign
        inside, outside = (middle, outside) if same else (inside, middle)
    return round(inside, 12) + 0.0


def _window_end(evaluate: Evaluate, side: int, sign: int) -> float:
    """Return an infinite end where a sign lasts up to 1e8, else that of the window."""
    values = evaluate(side * FAR)
    if np.isnan(values).any():
        return side * float(GRID[-1])
    signs = np.sign(values)
    if sign != 0 and (signs == 0).any():
        falls = int(np.argmax(signs == 0))
        before = abs(values[falls - 1]) if falls else abs(float(evaluate(np.array(side * 10.0))))
        if before < _UNDERFLOWS and (signs[falls:] == 0).all():
            signs = signs[:falls]
    return side * (math.inf if (signs == sign).all() else float(GRID[-1]))
