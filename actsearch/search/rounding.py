"""How a learned value is written: with as few digits as leave the function what it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from actsearch.expressions import Expression
from actsearch.expressions.likeness import curve, squared_distances

#: Functions nearer than this train alike: a tenth of what their scores' noise allows to tell.
FREE = 0.005
_MOST_DIGITS = 4


def rounded(value: float, made: Callable[[float], Expression]) -> float:
    """Return a value with the fewest significant digits that cost nothing.

    Args:
        value: What was learned.
        made: The formula with a value in its place.

    Returns:
        The shortest of one to four digits whose function is within ``FREE`` of the exact one's
        (a distance of ``likeness``); four where none is.
    """
    if not math.isfinite(value):
        return 1.0
    exact = curve(made(value))
    for digits in range(1, _MOST_DIGITS):
        candidate = float(f"{value:.{digits}g}")
        square = squared_distances(np.array([curve(made(candidate))]), exact)[0]
        if square < FREE**2:
            return candidate
    return float(f"{value:.{_MOST_DIGITS}g}")
