"""How far rounding alone moves the values of a function, point by point.

A sum of large terms that cancel has an error of their size, not of its own; and what comes after
may enlarge it. Rather than to bound that, each step is rounded otherwise and the end is compared.
Where float32 has both the operands and the result nothing was rounded: a product of such needs 48
digits, and float64 has 53. So ``sign(0.5 - 0.5)`` is 0 for certain.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.expression import Expression

#: The result of these operations is exact, or a choice.
EXACT = frozenset("neg abs sign maximum minimum lt gt eq where cast".split())
_N_RUNS = 4
#: Steps of some functions are off by a few units of the last digit, and several may add up.
_CAUTION = 64.0


def rounding(
    expression: Expression,
    x: NDArray[np.float64],
    others: Mapping[str, ArrayLike],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return by how much values may be off.

    Args:
        expression: The function.
        x: Any shape.
        others: Values of its further inputs and its parameters, to be broadcast against ``x``.
        values: Those of the function there.

    Returns:
        An error for each point, of the shape of ``values``; the same for a point whatever the
        others are.
    """
    given = {"x": x, **others}
    inputs = [given[name] for name in (*expression.inputs, *expression.parameters)]
    most = np.zeros_like(values)
    with np.errstate(all="ignore"):
        for seed in range(_N_RUNS):
            (shaken,) = run(expression.program, _shaken(np.random.default_rng(seed)), inputs)
            most = np.fmax(most, np.abs(shaken - values))
    return _CAUTION * most


def _shaken(rng: np.random.Generator) -> dict[str, Callable[..., Any]]:
    """Return the operations, each result moved by up to one unit of its last digit."""
    unit = float(np.finfo(np.float64).eps)

    def shaken(op: Callable[..., Any]) -> Callable[..., Any]:
        def moved(*args: Any) -> Any:
            result = op(*args)
            other = result * (1 + unit * rng.uniform(-1, 1))
            exact = [np.asarray(value, np.float32) == value for value in (*args, result)]
            return np.where(functools.reduce(np.logical_and, exact), result, other)

        return moved

    return {name: op if name in EXACT else shaken(op) for name, op in NUMPY_OPS.items()}
