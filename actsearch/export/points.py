"""The constants of self-tests: true values and slopes, computed from the mathematical definition.

They come from ``expressions.reference`` in high precision and share nothing with the code that they
judge but the definitions of the primitives. Each has a slack: by how many units of rounding
(machine epsilons) a computed one may be off, from how far the formula's own steps carry rounding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actsearch.errors import ActsearchError
from actsearch.expressions import Expression, reference
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.rounding import EXACT, rounding

#: Eight binary digits each, so exact in every format that has the range: half precision too.
_MODERATE = (0.001953125, 0.1298828125, 0.5703125, 1.1015625, 1.8984375, 3.703125, 8.6875, 31.375)
_EXTREME = (2.0954757928848267e-09, 500.0, 61440.0, 1.0023e10, 1.0043e30, 3.0111e38)
#: Values of further inputs, in turn.
_OTHERS = {"u": (-1.3984375, 0.349609375, 2.09375), "o": (0.099609375, 0.5, 0.8984375)}
#: Fewer moderate points than this that agree with the program mean that something is wrong.
_LEAST = 6
_DIGITS = 400
#: Off by less than this share, a value in float64 is right, and only rounded.
_NEAR = 1e-9
_EPS = float(np.finfo(np.float64).eps)
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_FLOAT32_MIN = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Point:
    """One point of a self-test.

    Attributes:
        arguments: Inputs, in the order of the expression's; parameters stand where they start.
        value: The true value.
        slopes: The true derivatives by the inputs.
        slack: Of the value, then of the slopes: what a computed one may be off, in epsilons of the
            type that is computed in. What is stored in half precision is rounded once more.
    """

    arguments: tuple[float, ...]
    value: float
    slopes: tuple[float, ...]
    slack: tuple[float, ...]


@dataclass(frozen=True)
class Points:
    """The points of a self-test.

    Attributes:
        common: Where float32 can hold all steps of the formula, and float64 too.
        wide: Where float64 alone can.
        untested: Arguments at which not even float64 can (steps overflow or cancel), or the slope
            has no value.
        at_zero: The value at 0, None where it is not finite.
    """

    common: tuple[Point, ...]
    wide: tuple[Point, ...]
    untested: tuple[float, ...]
    at_zero: float | None


@functools.lru_cache(maxsize=512)
def of(expression: Expression) -> Points:
    """Compute the points of an expression.

    Args:
        expression: The function.

    Raises:
        ActsearchError: Too few of the points agree with what the program computes, which would be
            an error of this program.
    """
    derivatives = {name: expression.derivative(name) for name in expression.inputs}
    common: list[Point] = []
    wide: list[Point] = []
    untested: list[float] = []
    n_moderate = 0
    for index, x in enumerate(_xs()):
        given = {name: _OTHERS[name][index % 3] for name in expression.inputs[1:]}
        point = _point(expression, derivatives, {"x": x, **given})
        if point is None:
            untested.append(x)
            continue
        n_moderate += abs(x) in _MODERATE
        held = _agrees(expression, derivatives, point, np.float32)
        (common if held else wide).append(point)
    functions = (expression, *(derivatives[name] for name in expression.inputs))
    if n_moderate < _LEAST and all(map(_is_tame, functions)):
        raise ActsearchError(
            f"what is computed for '{expression}' disagrees with its definition at "
            f"{2 * len(_MODERATE) - n_moderate} of {2 * len(_MODERATE)} points; nothing is written"
        )
    zero = float(expression.evaluate(0.0, dict.fromkeys(expression.inputs[1:], 0.5)))
    return Points(
        tuple(common), tuple(wide), tuple(untested), zero if math.isfinite(zero) else None
    )


def _xs() -> Iterable[float]:
    for size in (*_MODERATE, *_EXTREME):
        for sign in (-1.0, 1.0):
            yield sign * float(np.float32(size))


def _is_tame(expression: Expression) -> bool:
    """Tell whether a function is finite, and does not cancel, on most of the moderate points."""
    x = np.array([sign * size for size in _MODERATE for sign in (-1.0, 1.0)])
    values = expression.evaluate(x, dict.fromkeys(expression.inputs[1:], 0.5))
    noise = rounding(expression, x, _fixed(expression), values)
    return float(np.mean(np.isfinite(values) & (noise < 1e-6 * (1 + np.abs(values))))) > 0.75


def _fixed(expression: Expression) -> dict[str, float]:
    starts = {name: expression.start_of(name) for name in expression.parameters}
    return {**dict.fromkeys(expression.inputs[1:], 0.5), **starts}


def _point(
    expression: Expression, derivatives: Mapping[str, Expression], at: dict[str, float]
) -> Point | None:
    """Return a point, or None where float64 does not hold the steps, or there is a kink."""
    starts = {name: expression.start_of(name) for name in expression.parameters}
    exact = {**at, **starts}
    true = [float(reference.value(expression.root, exact, digits=_DIGITS))]
    true += [float(reference.slope(expression.root, exact, wrt, digits=_DIGITS)) for wrt in at]
    if not all(map(math.isfinite, true)):
        return None
    slack = []
    for one, expected in zip((expression, *(derivatives[wrt] for wrt in at)), true, strict=True):
        x, others = np.array([at["x"]]), {**at, **starts}
        del others["x"]
        value = one.evaluate(x, others)
        most = float(rounding(one, x, others, value)[0]) / _EPS + 32.0 * abs(expected)
        # Constants that were folded carry rounding of their own, which shaking does not show.
        off = abs(float(value[0]) - expected)
        slack.append(max(most, 4 * off / _EPS) if off <= _NEAR * abs(expected) else most)
    if not all(map(math.isfinite, slack)):
        return None
    point = Point(tuple(at.values()), true[0], tuple(true[1:]), tuple(map(_rounded_up, slack)))
    if any(_EPS * most > 1e-4 * (1 + abs(value)) for most, value in zip(slack, true, strict=True)):
        return None  # of a value whose digits are lost nothing can be said
    return point if _agrees(expression, derivatives, point, np.float64) else None


def _rounded_up(value: float) -> float:
    """Return two digits of a slack, which is an estimate."""
    return float(f"{value * 1.05:.1e}")


def _agrees(
    expression: Expression,
    derivatives: Mapping[str, Expression],
    point: Point,
    dtype: type[np.float32 | np.float64],
) -> bool:
    """Tell whether NumPy computes a point right in a type, so that others can be asked to."""
    at = dict(zip(expression.inputs, point.arguments, strict=True))
    others = {name: value for name, value in at.items() if name != "x"}
    true = (point.value, *point.slopes)
    if dtype is np.float32 and any(abs(t) > _FLOAT32_MAX / 16 for t in (*true, *point.arguments)):
        return False
    if dtype is np.float32 and any(0 < abs(t) < _FLOAT32_MIN * 16 for t in true):
        return False
    functions = (expression, *(derivatives[wrt] for wrt in at))
    for one, expected, most in zip(functions, true, point.slack, strict=True):
        bound = float(np.finfo(dtype).eps) * most / 2
        if not abs(float(one.evaluate(at["x"], others, dtype=dtype)) - expected) <= bound:
            return False
        if dtype is np.float32 and not abs(_flushed(one, at) - expected) <= bound:
            return False
    return True


def _flushed(expression: Expression, at: Mapping[str, float]) -> float:
    """Compute in float32 as a device does that takes denormal numbers for 0."""

    def flushing(operation: Callable[..., Any]) -> Callable[..., Any]:
        def flushed(*args: Any) -> Any:
            result = operation(*args)
            small = (result != 0) & (np.abs(result) < _FLOAT32_MIN)
            return np.where(small, np.zeros_like(result), result)

        return flushed

    ops = NUMPY_OPS | {op: flushing(NUMPY_OPS[op]) for op in NUMPY_OPS if op not in EXACT}
    given = [at[name] for name in expression.inputs]
    given += [expression.start_of(name) for name in expression.parameters]
    with np.errstate(all="ignore"):
        (result,) = run(expression.program, ops, [np.array([v], np.float32) for v in given])
    return float(np.squeeze(result))
