"""How far roundings on the way can take a result: the formula computed with every step shaken.

What a formula loses where terms cancel shows neither in its value nor in one program's error, which
may be zero by luck: x**2 - x*asinh(x) is exactly 0 near 0 for who has asinh(x) = x, and a rounding
of x**2 for who is one digit off. Random perturbations of each operation are the stochastic
arithmetic of Parker, Pierce and Eggert 2000 (Monte Carlo arithmetic). They part what float32 takes
for equal, and slopes of max and min are other ones at a tie: so there is one draw more, in which
differences of a few roundings are none.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import lower
from actsearch.expressions.node import Node
from actsearch.expressions.rounding import EXACT

Array = NDArray[np.float64]

_SUMS = ("add", "sub")
_N_DRAWS = 4
#: Two sides this close, in roundings of the larger one, may be equal in float32.
_TIE = 4.0
_EPSILON = float(np.finfo(np.float32).eps)


def shaken(
    nodes: Sequence[Node], arguments: Sequence[str], values: Sequence[Array | float]
) -> list[Array]:
    """Return how far each result moves when each operation is off by a rounding of float32.

    Args:
        nodes: What to compute.
        arguments: The names of the variables.
        values: Their values in float64; arrays of shape (n,), at least one, and numbers.

    Returns:
        One array of shape (n,) a node: infinite where a result stops being a number, 0 where it was
        none. What is infinite or NaN without a rounding is so for every right program.
    """
    program = lower(nodes, arguments)
    n = next(len(value) for value in values if isinstance(value, np.ndarray))
    with np.errstate(all="ignore"):
        true, *draws = (
            [np.broadcast_to(np.asarray(one, float), n) for one in run(program, ops, values)]
            for ops in (NUMPY_OPS, _TYING, *(_shaking(n, draw) for draw in range(_N_DRAWS)))
        )
        return [
            np.max([_distance(drawn[k], true[k]) for drawn in draws], axis=0)
            for k in range(len(nodes))
        ]


def clashes(
    node: Node, arguments: Sequence[str], values: Sequence[Array | float]
) -> NDArray[np.bool_]:
    """Tell where two infinite numbers meet in a sum when every step is rounded to float32.

    There programs differ that are right: a product and a sum in one rounding don't overflow between
    the two, so what is NaN for one is infinite for the next.

    Args:
        node: What to compute.
        arguments: The names of the variables.
        values: Their values; arrays of shape (n,), at least one, and numbers.
    """
    met = []

    def meeting(exact: Callable[..., Any], a: Any, b: Any) -> Any:
        met.append(np.isinf(a) & np.isinf(b))
        return exact(a, b)

    ops = NUMPY_OPS | {name: functools.partial(meeting, NUMPY_OPS[name]) for name in _SUMS}
    with np.errstate(all="ignore"):
        run(lower([node], arguments), ops, [np.asarray(value, np.float32) for value in values])
    n = next(len(value) for value in values if isinstance(value, np.ndarray))
    return functools.reduce(np.logical_or, met, np.zeros(n, bool))


def _distance(one: Array, other: Array) -> Array:
    moved = np.nan_to_num(np.abs(one - other), nan=np.inf, posinf=np.inf)
    return np.where(np.isfinite(other), moved, 0.0)


def _shaking(n: int, draw: int) -> dict[str, Callable[..., Any]]:
    """Return the operations, each with an error of its own at each call and place."""
    factors = itertools.cycle(_factors(n, draw))
    return {
        name: exact if name in EXACT else functools.partial(_off, exact, factors)
        for name, exact in NUMPY_OPS.items()
    }


@functools.lru_cache(maxsize=16)
def _factors(n: int, draw: int) -> Array:
    rng, shape = np.random.default_rng(draw), (61, n)
    # An odd number, so that alike parts of a formula don't meet the same errors in the same order.
    # Of one size they would cancel where the parts do.
    return 1 + _EPSILON * rng.uniform(0.5, 1.0, shape) * rng.choice((-1.0, 1.0), shape)


def _tied(exact: Callable[..., Any], a: Any, b: Any) -> Any:
    """Compute a sum or difference, 0 where float32 may find its sides equal."""
    found = exact(a, b)
    return np.where(np.abs(found) <= _TIE * _EPSILON * np.maximum(np.abs(a), np.abs(b)), 0, found)


def _off(exact: Callable[..., Any], factors: Iterator[Array], *args: Any) -> Any:
    return exact(*args) * next(factors)


#: The operations without errors, but for ties. Sides that are equal are so here as well: what a
#: program gives at a kink that is met exactly is not excused.
_TYING = NUMPY_OPS | {name: functools.partial(_tied, NUMPY_OPS[name]) for name in _SUMS}
