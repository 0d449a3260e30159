"""The true value of an expression, from its mathematical definition in high precision.

Tests and exported self-tests compare with it. It is slow and shares nothing with the code that it
judges but the definitions of the table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import mpmath as mp

from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import Program, lower
from actsearch.expressions.node import Node

#: Decimal digits: log(1 + exp(x)) must still hold the smallest double beside the 1.
DIGITS = 400
#: Beyond this tanh, erf and erfc are their limits to the last digit.
_SATURATED = 1e6
#: log2 of what no floating-point format holds; exact arithmetic beyond would hang.
_BEYOND = 1100


def _exp(x: Any) -> Any:
    if mp.mag(x) > _BEYOND:  # also infinite
        return mp.inf if x > 0 else mp.mpf(0)
    return mp.exp(x)


def _saturating(function: Callable[[Any], Any], low: Any, high: Any) -> Callable[[Any], Any]:
    return lambda x: function(x) if abs(x) < _SATURATED else mp.mpf(low if x < 0 else high)


def _sinh(x: Any) -> Any:
    return mp.sinh(x) if abs(x) < _SATURATED else mp.sign(x) * _exp(abs(x)) / 2


def _cosh(x: Any) -> Any:
    return mp.cosh(x) if abs(x) < _SATURATED else _exp(abs(x)) / 2


def _periodic(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(x) if mp.mag(x) <= _BEYOND else mp.nan


def _bessel(order: int) -> Callable[[Any], Any]:
    def scaled(x: Any) -> Any:
        m = abs(x)
        if m < 1e4:
            value = mp.besseli(order, m) * mp.exp(-m)
        else:  # Hankel's asymptotic series: the k-th term is below (1e-4)^k
            term = total = mp.mpf(1)
            for k in range(1, 60):
                term *= -(4 * order * order - (2 * k - 1) ** 2) / (k * 8 * m)
                total += term
            value = total / mp.sqrt(2 * mp.pi * m)
        return -value if order % 2 and x < 0 else value

    return scaled


def _div(a: Any, b: Any) -> Any:
    if b == 0:
        return mp.nan if a == 0 or mp.isnan(a) else mp.inf * mp.sign(a)
    return a / b


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give NaN where the result is complex or undefined."""

    def guarded(*args: Any) -> Any:
        try:
            value = function(*args)
        except (ValueError, ZeroDivisionError):
            return mp.nan
        return mp.nan if isinstance(value, mp.mpc) else value

    return guarded


def _pow(a: Any, b: Any) -> Any:
    if b == 0:
        return mp.mpf(1)
    if a == 0:
        return mp.mpf(0) if b > 0 else mp.inf
    if a < 0 and not mp.isint(b):
        return mp.nan
    # By exponentials: a product of b factors would not end where b is an integer like 1e30.
    size = _exp(b * mp.log(abs(a)))
    return size if a > 0 or mp.isint(b / 2) else -size


OPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _div,
    "pow": _real(_pow),
    "neg": lambda a: -a,
    "abs": abs,
    "sign": mp.sign,
    "maximum": max,
    "minimum": min,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "eq": lambda a, b: a == b,
    "where": lambda condition, a, b: a if condition else b,
    "cast": lambda condition, _like: mp.mpf(int(condition)),
    "sqrt": _real(mp.sqrt),
    "exp": _exp,
    "log": _real(mp.log),
    "sin": _periodic(mp.sin),
    "cos": _periodic(mp.cos),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _saturating(mp.tanh, -1, 1),
    "asinh": mp.asinh,
    "atan": mp.atan,
    "erf": _saturating(mp.erf, -1, 1),
    "erfc": _saturating(mp.erfc, 2, 0),
    "i0e": _bessel(0),
    "i1e": _bessel(1),
}


@functools.lru_cache(maxsize=256)
def definition(node: Node, inputs: tuple[str, ...]) -> Program:
    """Return the program of a tree by the definitions of its primitives, constants exact."""
    program = lower([node], inputs, definitions=True)
    exact = (
        step._replace(args=tuple(mp.mpf(a) if isinstance(a, float) else a for a in step.args))
        for step in program.instructions
    )
    return replace(program, instructions=tuple(exact))


def evaluate(program: Program, values: Sequence[Any]) -> Any:
    """Compute what ``definition`` returned, in the working precision."""
    (result,) = run(program, OPS, values)
    return mp.mpf(result)


def value(node: Node, values: Mapping[str, float], *, digits: int = DIGITS) -> Any:
    """Compute the true value of a tree.

    Args:
        node: The tree.
        values: The inputs and parameters by name; taken as exact.
        digits: Decimal digits to compute with; fewer are faster, and right for most points.

    Returns:
        An ``mpf`` of that many digits; infinite or NaN where there is no finite value.
    """
    program = definition(node, tuple(values))
    with mp.workdps(digits):
        return evaluate(program, [mp.mpf(v) for v in values.values()])


def slope(node: Node, values: Mapping[str, float], wrt: str, *, digits: int = DIGITS) -> Any:
    """Compute the true partial derivative of a tree, by differences far below double precision.

    It knows nothing of the derivative rules. The step is ``10**(-5*digits/8)``, relative: that
    close to a kink the result is meaningless.
    """
    program = definition(node, tuple(values))
    with mp.workdps(2 * digits):
        point = {name: mp.mpf(v) for name, v in values.items()}
        h = mp.mpf(10) ** -(5 * digits // 8)
        h = abs(point[wrt]) * h or h * h
        ends = []
        for shifted in (point[wrt] - h, point[wrt] + h):
            ends.append(evaluate(program, list((point | {wrt: shifted}).values())))
        return (ends[1] - ends[0]) / (2 * h)
