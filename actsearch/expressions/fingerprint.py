"""Which functions are the same: a key from values on a fixed grid.

Two expressions are taken for the same function when, at every grid point, their values agree to
about 1e-5 of the function's own scale (its median magnitude). The grid holds 192 points that fill
[-8, 8] evenly without regularity, 16 close to zero and 16 far out, so that kinks and tails count.
Learnable parameters vary over the grid, as inputs do; where they start and whether each channel has
its own is told apart from their values, as these decide what a function learns to be.
Values are computed in float64, whose rounding is 1e-10 of a cell: that two spellings of one
function fall on both sides of a cell's border has a chance of about 1e-8.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.node import INPUTS

if TYPE_CHECKING:
    from actsearch.expressions.expression import Expression

#: Cells per unit of the function's scale.
RESOLUTION = 1e5
#: What further inputs may be, of points in (-1, 1).
_RANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "u": lambda points: 4 * points,
    "o": lambda points: 0.5 + 0.5 * points,
}
_GOLDEN = (math.sqrt(5) - 1) / 2
#: Their roots are the strides of what varies besides x; 5 is that of x.
_PRIMES = (2, 3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67)


@functools.lru_cache(maxsize=256)
def _spread(n: int, stride: float) -> NDArray[np.float64]:
    """Return n points that fill (-1, 1) evenly and never fall on round numbers."""
    points = 2 * np.modf(np.arange(1, n + 1) * stride)[0] - 1
    points.setflags(write=False)  # every caller has the same
    return points


@functools.lru_cache(maxsize=1)
def grid() -> NDArray[np.float64]:
    """Return the 224 grid points, float64."""
    far = _spread(16, _GOLDEN)
    return np.concatenate(
        [8 * _spread(192, _GOLDEN), 0.1 * _spread(16, _GOLDEN), np.sign(far) * 8 + 30 * far]
    )


def others(expression: Expression, points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return values for the inputs besides x and for the parameters, as a grid of their own."""

    def spread(index: int) -> NDArray[np.float64]:
        return _spread(len(points), math.modf(math.sqrt(_PRIMES[index]))[0])

    # An input has its own values by name, a parameter by its rank: p1*x is p0*x.
    # An overlap lies between 0 and 1: what differs elsewhere alone is the same function.
    values = {name: _RANGES[name](spread(INPUTS.index(name) - 1)) for name in expression.inputs[1:]}
    for rank, name in enumerate(expression.parameters, start=len(INPUTS) - 1):
        values[name] = 1 + 0.9 * spread(rank)
    return values


def fingerprint(expression: Expression) -> str:
    """Return the key of the function that an expression computes, 32 hexadecimal digits."""
    points = grid()
    values = expression.evaluate(points, others(expression, points))
    finite = np.isfinite(values)
    magnitude = np.abs(values[finite])
    scale = _median(magnitude) if magnitude.size else 0.0
    if scale < 1e-30:
        scale = float(magnitude.mean()) if magnitude.size else 0.0
    if scale < 1e-30:
        scale = 1.0
    with np.errstate(all="ignore"):
        cells = np.rint(np.arcsinh(np.clip(values / scale, -1e300, 1e300)) * RESOLUTION)
    # Non-finite values get cells of their own; adding 0.0 turns -0.0 into 0.0.
    cells = np.where(finite, cells, np.where(np.isnan(values), 1e17, np.sign(values) * 1e16)) + 0.0
    digest = hashlib.sha256(cells.astype("<i8").tobytes())
    digest.update(str(round(math.log(scale) * RESOLUTION)).encode())
    digest.update(_learning(expression).encode())
    return digest.hexdigest()[:32]


def _median(numbers: NDArray[np.float64]) -> float:
    """Return the median of finite numbers, to the bit as NumPy has it, much faster."""
    k = len(numbers) // 2
    if len(numbers) % 2:
        return float(np.partition(numbers, k)[k])
    low, high = np.partition(numbers, (k - 1, k))[k - 1 : k + 1]
    return float((low + high) / 2)


def _learning(expression: Expression) -> str:
    """Return what decides how parameters learn, by their ranks; "" where nothing is said of it."""
    if not expression.starts and not expression.per_channel:
        return ""
    starts = [f"{expression.start_of(name):.5g}" for name in expression.parameters]
    return f"; {', '.join(starts)}{', per channel' if expression.per_channel else ''}"
