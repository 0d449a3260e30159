"""A formula as a function of x alone: values and slopes in float64 and to as many digits as asked.

Parameters stand where they start and further inputs at 1. In high precision a constant is the
decimal that it is written as (1.7, not the double beside it), so that ``0.2*x + 0.5`` has its zero
at -2.5.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions.analysis.bounded import Budget
from actsearch.expressions.expression import Expression
from actsearch.expressions.lowering import Program, lower
from actsearch.expressions.node import Node, const
from actsearch.expressions.reference import evaluate

Array = NDArray[np.float64]

#: Digits that decimals are kept to, more than anything here computes with.
_DIGITS = 400
#: Step of slopes by differences, and the digits that they are computed with: errors of 1e-60.
_STEP, _SLOPE_DIGITS = "1e-30", 100
VALUE_DIGITS = 60
#: Calls for a second derivative: two seconds or so.
_N_CALLS = 3_000_000


class Subject:
    """A function of x.

    Values come from the code of its primitives, in float64, and from their mathematical definitions
    (``Primitive.definition``), in high precision.

    Args:
        expression: The formula.

    Attributes:
        function: It as an expression without parameters and further inputs.
        derivative: That of its slope.
    """

    def __init__(self, expression: Expression) -> None:
        fixed = dict.fromkeys(expression.inputs[1:], 1.0)
        fixed |= {name: expression.start_of(name) for name in expression.parameters}
        self.function = Expression(_pinned(expression.root, fixed))
        self.derivative = Expression(_pinned(expression.derivative().root, fixed))

    def value(self, x: ArrayLike) -> Array:
        """Return values in float64."""
        return self.function.evaluate(x)

    def slope(self, x: ArrayLike) -> Array:
        """Return slopes in float64."""
        return self.derivative.evaluate(x)

    def where_defined(self, function: Expression, x: Array) -> Array:
        """Return values of a derivative, NaN where the function itself is: that of a logarithm."""
        return np.where(np.isnan(self.value(x)), np.nan, function.evaluate(x))

    @functools.cached_property
    def second(self) -> Expression | None:
        """The second derivative, None where writing it down takes too long."""
        return bounded_derivative(self.derivative)

    @functools.cached_property
    def program(self) -> Program:
        """The mathematical definition as base operations, constants as exact decimals."""
        return _exact(self.function.root)

    def vanishes(self, function: Expression, x: float) -> bool:
        """Tell whether one of its functions is 0 there, and not but too small for a number."""
        with mp.workdps(VALUE_DIGITS):
            return bool(evaluate(_exact(function.root), [mp.mpf(x)]) == 0)

    def exact(self, x: Any, digits: int = VALUE_DIGITS) -> Any:
        """Return the true value at one point to so many digits, an ``mpf``."""
        with mp.workdps(digits):
            return evaluate(self.program, [mp.mpf(x)])

    def exact_slope(self, x: Any) -> Any:
        """Return the true slope at one point, by a difference; meaningless at a kink."""
        with mp.workdps(_SLOPE_DIGITS):
            at, step = mp.mpf(x), mp.mpf(_STEP)
            rise = self.exact(at + step, _SLOPE_DIGITS) - self.exact(at - step, _SLOPE_DIGITS)
            return rise / (2 * step)


def bounded_derivative(expression: Expression) -> Expression | None:
    """Return the derivative of a derivative, which may be very long; None where it takes too long.

    Those of sixty nested functions fill the memory.
    """
    return Budget(_N_CALLS).spend(expression.derivative)


def _pinned(node: Node, values: dict[str, float]) -> Node:
    """Put numbers for variables."""
    if node.op in values:
        return const(values[node.op])
    return replace(node, args=tuple(_pinned(arg, values) for arg in node.args))


@functools.lru_cache(maxsize=64)
def _exact(root: Node) -> Program:
    program = lower([root], ("x",), definitions=True)
    with mp.workdps(_DIGITS):
        steps = tuple(
            step._replace(args=tuple(_decimal(arg) for arg in step.args))
            for step in program.instructions
        )
        return replace(program, instructions=steps, outputs=tuple(map(_decimal, program.outputs)))


def _decimal(operand: Any) -> Any:
    return mp.mpf(repr(operand)) if isinstance(operand, float) else operand
