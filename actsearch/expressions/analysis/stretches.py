"""Stretches of x on which something holds, their ends found to the last digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.special
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import GRID
from actsearch.expressions.analysis.value import Interval

Array = NDArray[np.float64]
Holds = Callable[[Array], NDArray[np.bool_]]

#: Fewer neighbouring points of the grid are no stretch, but a place where something is passed.
_LEAST = 3
#: More stretches than this on one side beyond the window belong to waves.
_MOST_BEYOND = 4
_N_HALVINGS = 52
_DECIMALS = 12


def stretches(holds: Holds, x: Array) -> tuple[Interval, ...]:
    """Return where ``holds`` does.

    Args:
        holds: Tells for points of any shape. What goes on up to 1e8 is taken to have no end.
        x: Points to look at, ascending from -1e8 to 1e8; what begins beyond [-10, 10] counts where
            it is no wave.
    """
    mask = holds(x)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    firsts, lasts = edges[::2], edges[1::2] - 1
    kept = lasts - firsts + 1 >= _LEAST
    for beyond in (x[lasts] < GRID[0], x[firsts] > GRID[-1]):
        kept &= ~beyond | (np.count_nonzero(beyond) <= _MOST_BEYOND)
    firsts, lasts = firsts[kept], lasts[kept]
    low = _closer(holds, x[firsts], x[np.maximum(firsts - 1, 0)])
    high = _closer(holds, x[lasts], x[np.minimum(lasts + 1, len(x) - 1)])
    low[firsts == 0] = -np.inf
    high[lasts == len(x) - 1] = np.inf
    return tuple(
        (round(a, _DECIMALS) + 0.0, round(b, _DECIMALS) + 0.0)
        for a, b in zip(low.tolist(), high.tolist(), strict=True)
    )


def share(intervals: Sequence[Interval]) -> float:
    """Return how much of N(0, 1) falls into intervals that don't overlap."""
    mass = sum(scipy.special.ndtr(b) - scipy.special.ndtr(a) for a, b in intervals)
    return min(1.0, float(mass))


def _closer(holds: Holds, inside: Array, outside: Array) -> Array:
    """Return the last points between ``inside`` and ``outside`` at which it holds."""
    if not inside.size:
        return inside.copy()
    for _ in range(_N_HALVINGS):
        middle = (inside + outside) / 2
        found = holds(middle)
        inside, outside = np.where(found, middle, inside), np.where(found, outside, middle)
    return inside
