"""The points that a function is looked at on: the grid, beyond it, and closer where it is steep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import BEYOND, GRID
from actsearch.expressions.analysis.subject import Subject

Array = NDArray[np.float64]

#: Between two points a function is steep if it changes by so many times as much as between those
#: three points away, ...
_STEEP, _AWAY = 20.0, 3
#: ... unless rounding made that, or so many places are so that they are no exceptions.
_ROUNDING, _MOST = 1e-9, 24
_N_HALVINGS = 40
#: Points about such a place at so many times the grid's step: from a panel of the quadrature on.
_SHARES: Array = 0.5 ** np.arange(-6, 31, 0.5)


def steep_places(subject: Subject, f: Array, breaks: Array) -> Array:
    """Return where a function changes by far more between two points of the grid than beside them.

    Args:
        subject: The function.
        f: Its values on the grid.
        breaks: Kinks and steps, which are none of these.
    """
    with np.errstate(all="ignore"):
        change = np.abs(np.diff(f))
        beside = np.maximum(change[: -2 * _AWAY], change[2 * _AWAY :])
        inner, size = change[_AWAY:-_AWAY], np.abs(f[_AWAY : -_AWAY - 1])
        found = np.flatnonzero((inner > _STEEP * beside) & (inner > _ROUNDING * size)) + _AWAY
    left, right = GRID[found], GRID[found + 1]
    if breaks.size:
        known = ((breaks >= left[:, None]) & (breaks <= right[:, None])).any(axis=1)
        left, right = left[~known], right[~known]
    if not 0 < len(left) <= _MOST:
        return left[:0]
    for _ in range(_N_HALVINGS):
        middle = (left + right) / 2
        fl, fm, fr = subject.value(left), subject.value(middle), subject.value(right)
        in_left = np.abs(fm - fl) > np.abs(fr - fm)
        left, right = np.where(in_left, left, middle), np.where(in_left, middle, right)
    return np.unique(np.round(right, 15))


def about(places: Array) -> Array:
    """Return points about places, ever closer ones."""
    near = _SHARES * (GRID[1] - GRID[0])
    return np.unique((places[:, None] + np.concatenate([-near, [0.0], near])).ravel())


def sample(places: Array) -> Array:
    """Return the points of the grid, those beyond, and those about places, ascending."""
    return np.unique(np.concatenate([-BEYOND, GRID, BEYOND, about(places)]))
