"""What is turned away before training, and the reason that is recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.fingerprint import others
from actsearch.expressions.poles import first_pole, suspects

if TYPE_CHECKING:
    from actsearch.expressions.expression import Expression

#: Where a candidate has to be finite: pre-activations of a trained network seldom leave it.
GRID = np.concatenate([np.linspace(-10.0, 10.0, 401), np.array([-1e-3, -1e-6, 1e-6, 1e-3])])
FLOAT32_MAX = float(np.finfo(np.float32).max)
#: Below this, relative to its magnitude, a function counts as constant or affine.
_FLAT = 1e-6
_GOLDEN = (math.sqrt(5) - 1) / 2


def check(
    expression: Expression,
    max_size: int | None = None,
    *,
    slopes: bool = True,
    points: NDArray[np.float64] = GRID,
    largest: float = FLOAT32_MAX,
) -> str | None:
    """Return the reason why an expression is not worth training, or None.

    Args:
        expression: What to check.
        max_size: Most nodes, or None for no limit.
        slopes: Check the gradient as well, which takes ten times as long as the rest, and look for
            poles between the points.
        points: Where it has to be finite, float64 of shape (n,); given others than the default,
            nothing is said of what lies between them.
        largest: What is larger in magnitude is not finite.

    Returns:
        One of ``over size``, ``non-finite``, ``constant``, ``affine``, ``gradient non-finite``,
        ``gradient zero``, followed by a detail, or None.
    """
    if max_size is not None and expression.size > max_size:
        return f"over size: {expression.size} nodes, at most {max_size}"
    given = others(expression, points)
    for name in expression.parameters:  # they vary about 1, and about where they start
        given[name] = given[name] * expression.start_of(name)
    settings = [given]
    if expression.parameters:  # a pole may lie just where a training begins
        starts = {name: np.array(expression.start_of(name)) for name in expression.parameters}
        settings.append(given | starts)
    values = expression.evaluate(points, given)
    bad = _non_finite(expression, points, settings, largest, values)
    if bad is not None:
        return f"non-finite: {bad}"
    # Learned parameters are the same for all x; each has another value, or two slopes were one.
    fixed = values
    if expression.parameters:
        fixed = expression.evaluate(points, given | _fixed(expression.parameters))
    magnitude = float(np.abs(fixed).max())
    if np.ptp(fixed) <= _FLAT * max(magnitude, _FLAT):
        return f"constant: {fixed[0]:.6g}"
    if len(expression.inputs) == 1:
        if not _is_bent(points, fixed, 2 * _FLAT * magnitude):  # a fit, which takes long, may tell
            rise, offset = np.polyfit(points, fixed, 1)
            if np.abs(fixed - rise * points - offset).max() <= _FLAT * magnitude:
                return f"affine: {round(rise, 9) + 0.0:.6g}*x + {round(offset, 6) + 0.0:g}"
    elif _is_affine(fixed, [points, *(given[name] for name in expression.inputs[1:])]):
        return f"affine: a sum of multiples of {', '.join(expression.inputs)}"
    if not slopes:
        return None
    suspected = suspects(expression) if points is GRID else None
    if suspected is not None and (pole := first_pole(expression, suspected)) is not None:
        return f"non-finite: a pole at x = {pole:.6g}"
    for wrt in (*expression.parameters, *expression.inputs[1:], "x"):
        derivative = expression.derivative(wrt)
        values = derivative.evaluate(points, given)
        bad = _non_finite(derivative, points, settings, largest, values)
        if bad is not None:
            return f"gradient non-finite{'' if wrt == 'x' else f' with respect to {wrt}'}: {bad}"
        if suspected is not None and wrt == "x":
            pole = first_pole(derivative, suspected)
            if pole is not None:
                return f"gradient non-finite: a pole at x = {pole:.6g}"
    if np.mean(values != 0) < 0.01:  # that by x, the last
        if len(expression.inputs) > 1:
            return "gradient zero: it changes with x nowhere, or in steps alone"
        return "gradient zero: nothing would flow back through it"
    return None


def _fixed(parameters: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Return a value for each parameter, no two alike and none of them special."""
    values = (0.7 + 0.6 * math.modf(rank * _GOLDEN)[0] for rank in range(len(parameters)))
    return {name: np.array(value) for name, value in zip(parameters, values, strict=True)}


def _is_bent(points: NDArray[np.float64], values: NDArray[np.float64], least: float) -> bool:
    """Tell fast that values are surely farther than ``least`` from every line; False may be so.

    A line that is within d of the values at three points is, at the one, within a few d of what a
    line through the other two says there.
    """
    k = len(points) // 4
    left, middle, right = (slice(0, k), slice(k, 2 * k), slice(2 * k, 3 * k))
    with np.errstate(all="ignore"):
        t = (points[middle] - points[left]) / (points[right] - points[left])
        off = values[middle] - (1 - t) * values[left] - t * values[right]
        return bool((np.abs(off) / (1 + np.abs(t) + np.abs(1 - t)) > least).any())


def _is_affine(values: NDArray[np.float64], inputs: list[NDArray[np.float64]]) -> bool:
    columns = np.stack([*inputs, np.ones_like(values)], axis=1)
    found, *_ = np.linalg.lstsq(columns, values, rcond=None)
    return bool(np.abs(values - columns @ found).max() <= _FLAT * np.abs(values).max())


def _non_finite(
    expression: Expression,
    points: NDArray[np.float64],
    settings: list[dict[str, NDArray[np.float64]]],
    largest: float,
    known: NDArray[np.float64],
) -> str | None:
    """Return where a function is larger than ``largest`` or NaN, None where it is nowhere.

    ``known`` are its values in the first of the settings. Trainings compute in float32, where a
    step on the way may overflow and the end does not.
    """
    for k, setting in enumerate(settings):
        for dtype in (np.float64, np.float32) if largest <= FLOAT32_MAX else (np.float64,):
            is_known = k == 0 and dtype is np.float64
            values = known if is_known else expression.evaluate(points, setting, dtype)
            bad = np.flatnonzero(~(np.abs(values) <= largest))
            if bad.size:
                place = f"{values[bad[0]]:.3g} at x = {points[bad[0]]:g}"
                return place if dtype is np.float64 else f"{place} in float32"
    return None
