"""Stretches of x on which something holds, their ends found to the last digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.special
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import FAR, GRID
from actsearch.expressions.analysis.value import Interval

Array = NDArray[np.float64]
Holds = Callable[[Array], NDArray[np.bool_]]

#: Fewer neighbouring points of the grid are no stretch, but a place where something is passed.
_LEAST = 3
_N_HALVINGS = 52
_DECIMALS = 12


def stretches(holds: Holds) -> tuple[Interval, ...]:
    """Return where ``holds`` does, on [-10, 10] and as far beyond as it goes on, 1e8 at most.

    Args:
        holds: Tells for points of any shape. What goes on up to 1e8 is taken to have no end.
    """
    mask = holds(GRID)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    long = edges[1::2] - edges[::2] >= _LEAST
    firsts, lasts = edges[::2][long], edges[1::2][long] - 1
    low = _closer(holds, GRID[firsts], GRID[np.maximum(firsts - 1, 0)])
    high = _closer(holds, GRID[lasts], GRID[np.minimum(lasts + 1, len(GRID) - 1)])
    if low.size and firsts[0] == 0:
        low[0] = _beyond(holds, -1.0)
    if high.size and lasts[-1] == len(GRID) - 1:
        high[-1] = _beyond(holds, 1.0)
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


def _beyond(holds: Holds, sign: float) -> float:
    """Return where what holds at the window's end ceases to, beyond it."""
    mask = holds(sign * FAR)
    if mask.all():
        return float(sign * np.inf)
    first = int(np.argmin(mask))
    inside = GRID[-1] if first == 0 else FAR[first - 1]
    return float(_closer(holds, np.array([sign * inside]), np.array([sign * FAR[first]]))[0])
