"""Properties of a formula, measured on grids in float64: each says on what it was measured."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions.known import KNOWN
from actsearch.expressions.rounding import rounding

if TYPE_CHECKING:
    from actsearch.expressions.expression import Expression

Interval = tuple[float, float]
Evaluate = Callable[[ArrayLike], NDArray[np.float64]]

#: The window of range, zeros, kinks and slopes; wider than pre-activations get in practice.
WINDOW = 10.0
#: Each correctly rounded, so that they are symmetric about 0 to the last digit.
_GRID: NDArray[np.float64] = np.arange(-10_000, 10_001) / (10_000 / WINDOW)
#: Magnitudes that tell what happens as x goes to infinity, a row for each decade.
LIMIT_POINTS: NDArray[np.float64] = np.geomspace(1e4, 1e8, 4000).reshape(4, 1000)
#: A slope below this counts as saturated.
SATURATED = 0.01
#: Where each decade adds less than this share of what the one before added, there is a limit.
_SETTLES = 0.7


@dataclass(frozen=True)
class Analysis:
    """Properties of a function of x; parameters are where they start, inputs at 1.

    ``undefined_share`` (of infinite or NaN values), ``range``, ``zeros``, ``kinks``, ``steps``
    (where the value jumps, or has a pole), ``dead``, ``lipschitz``, ``monotone``, ``symmetry`` are
    those on [-10, 10] (20,001 points); ``limits`` come from values between 1e4 and 1e8; means under
    N(0, 1) from a sum over the same grid.
    """

    formula: str
    derivative: str
    latex: str
    size: int
    complexity: float
    undefined_share: float
    range: Interval
    limits: tuple[str, str]
    zeros: tuple[float, ...]
    kinks: tuple[float, ...]
    steps: tuple[float, ...]
    symmetry: str
    monotone: str
    slope_at_0: float
    lipschitz: float
    dead: tuple[Interval, ...]
    dead_share: float
    saturated_share: float
    mean: float
    variance: float
    mean_squared_slope: float
    gain: float
    nearest_known: str
    nearest_distance: float


def analyze(expression: Expression) -> Analysis:
    """Measure the properties of an expression."""
    with np.errstate(all="ignore"):  # values may be infinite, and so are their differences
        return _analyze(expression)


def _analyze(expression: Expression) -> Analysis:
    x = _GRID
    fixed = dict.fromkeys(expression.inputs[1:], 1.0)
    derivative = expression.derivative()
    value = functools.partial(expression.evaluate, others=fixed)
    slope = functools.partial(derivative.evaluate, others=fixed)
    f, d = value(x), slope(x)
    starts = {name: expression.start_of(name) for name in expression.parameters}
    noise = 1e-12 + rounding(expression, x, fixed | starts, f)
    density = np.exp(-x * x / 2)
    density /= density.sum()
    mean = float(np.sum(density * f))
    square = float(np.sum(density * f * f))
    distance, known = _nearest(f, density)
    return Analysis(
        formula=str(expression),
        derivative=str(derivative),
        latex=expression.latex(),
        size=expression.size,
        complexity=expression.complexity,
        undefined_share=float(np.mean(~np.isfinite(f))),
        range=_range(f),
        limits=(limit(value(-LIMIT_POINTS)), limit(value(LIMIT_POINTS))),
        zeros=_zeros(x, f),
        kinks=jumps(x, d, slope),
        steps=_steps(x, f, value),
        symmetry=_symmetry(f, noise),
        monotone=_monotone(f, noise),
        slope_at_0=float(slope(0.0)),
        lipschitz=float(np.max(np.abs(d))),
        dead=_stretches(x, d == 0),
        dead_share=float(np.sum(density[d == 0])),
        saturated_share=float(np.sum(density[np.abs(d) < SATURATED])),
        mean=mean,
        variance=square - mean * mean,
        mean_squared_slope=float(np.sum(density * d * d)),
        gain=1 / math.sqrt(square) if 0 < square < math.inf else math.nan,
        nearest_known=known,
        nearest_distance=distance,
    )


def _range(f: NDArray[np.float64]) -> Interval:
    """Return the least and the greatest value, infinite ones included, NaN left out."""
    defined = f[~np.isnan(f)]
    return (float(defined.min()), float(defined.max())) if defined.size else (math.nan, math.nan)


def limit(values: NDArray[np.float64]) -> str:
    """Describe what happens as x goes to -inf or +inf.

    What wavers goes to infinity if what it falls back to rises from decade to decade. Points miss
    the very minima, so that these seem to rise where the waves do: by far less than the depth of
    a wave, though.

    Args:
        values: Those at ``LIMIT_POINTS`` or their negatives, or at some points of each decade,
            of which the last belongs to it: shape (decades, points).

    Returns:
        A number, ``inf``, ``-inf``, ``oscillates`` or ``undefined``.
    """
    if np.isnan(values).any():
        return "undefined"
    last = values[-1, -1]
    if np.isfinite(values).all() and np.ptp(values[-2:]) <= 1e-4 * max(1.0, abs(last)):
        return f"{round(float(last), 6) + 0.0:g}"
    settled = _settling(values)
    if settled is not None:
        return f"{round(settled, 4) + 0.0:g}"
    for end, sign in (("inf", 1), ("-inf", -1)):
        if _climbs(sign * values):
            return end
    return "oscillates"


def _settling(values: NDArray[np.float64]) -> float | None:
    """Return the limit of what comes near it slowly, as by 1/sqrt(x); else None.

    It goes one way, and each decade adds a fixed share of what the one before added: the rest of
    that series is put on. A logarithm adds the same each time, and goes to infinity.
    """
    with np.errstate(invalid="ignore", divide="ignore"):  # infinite values, no steps
        every = np.diff(values.ravel())
        steps = np.diff(values[:, -1])
        shares = steps[1:] / steps[:-1]
    one_way = (every >= 0).all() or (every <= 0).all()
    settles = (shares > 0).all() and (shares < _SETTLES).all() and np.ptp(shares) < 0.1
    if not (one_way and settles and np.isfinite(values).all()):
        return None
    return float(values[-1, -1] + steps[-1] * shares[-1] / (1 - shares[-1]))


def _climbs(values: NDArray[np.float64]) -> bool:
    if (values[-1] == np.inf).all():
        return True
    low, high = values.min(axis=1), values.max(axis=1)
    with np.errstate(invalid="ignore"):  # of infinite values, which are compared with nothing
        depth = np.fmax.reduce(np.maximum.accumulate(values.ravel()) - values.ravel())
        rises = (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()
        return bool(rises and low[-1] - low[0] > 1e-3 * depth)


def _zeros(x: NDArray[np.float64], f: NDArray[np.float64]) -> tuple[float, ...]:
    """Return isolated zeros, by linear interpolation where the sign changes."""
    exact = f == 0
    alone = exact[1:-1] & ~exact[:-2] & ~exact[2:]
    found = list(x[1:-1][alone])
    change = np.flatnonzero((f[:-1] * f[1:] < 0) & (np.abs(np.diff(f)) < 1e3))
    found += [float(x[i] - f[i] * (x[i + 1] - x[i]) / (f[i + 1] - f[i])) for i in change.tolist()]
    return tuple(sorted(round(float(z), 6) + 0.0 for z in found))


def jumps(x: NDArray[np.float64], d: NDArray[np.float64], slope: Evaluate) -> tuple[float, ...]:
    """Return where ``d`` jumps: a jump stays when the step shrinks, a steep bend does not.

    ``slope`` computes what ``d`` holds at the points ``x``: a slope for kinks, a value for steps.
    """
    step = x[1] - x[0]
    jumps = np.abs(np.diff(d))
    suspects = np.flatnonzero(jumps > 20 * np.median(jumps) + 1e-3)
    left, right = x[suspects], x[suspects + 1]
    for _ in range(40):  # towards the half in which the slope changes more, all suspects at once
        middle = (left + right) / 2
        dl, dm, dr = slope(left), slope(middle), slope(right)
        in_left = np.abs(dm - dl) > np.abs(dr - dm)
        left, right = np.where(in_left, left, middle), np.where(in_left, middle, right)
    remaining = np.abs(slope(right + 1e-9) - slope(left - 1e-9))
    kinks: list[float] = []
    for place in right[remaining > 0.5 * jumps[suspects]].tolist():
        if not kinks or place - kinks[-1] > 2 * step:
            kinks.append(round(place, 6) + 0.0)
    return tuple(kinks)


def _steps(x: NDArray[np.float64], f: NDArray[np.float64], value: Evaluate) -> tuple[float, ...]:
    """Return where the value jumps, and single points where it is infinite."""
    poles = np.isinf(f[1:-1]) & np.isfinite(f[:-2]) & np.isfinite(f[2:])
    return tuple(sorted({*jumps(x, f, value), *(x[1:-1][poles] + 0.0).tolist()}))


def _symmetry(f: NDArray[np.float64], noise: NDArray[np.float64]) -> str:
    if not np.isfinite(f).all():  # infinite values would pass for equal
        return "none"
    slack = 1e-9 * np.maximum(1.0, np.abs(f)) + noise + noise[::-1]
    if (np.abs(f + f[::-1]) <= slack).all():
        return "odd"
    return "even" if (np.abs(f - f[::-1]) <= slack).all() else "none"


def _monotone(f: NDArray[np.float64], noise: NDArray[np.float64]) -> str:
    if not np.isfinite(f).all():
        return "no"
    steps, slack = np.diff(f), noise[1:] + noise[:-1] + 1e-12 * np.abs(f[1:])
    if (steps >= -slack).all():
        return "increasing"
    return "decreasing" if (steps <= slack).all() else "no"


def _stretches(x: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[Interval, ...]:
    """Return the intervals of at least three neighbouring points where ``mask`` holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return tuple(
        (float(x[a]), float(x[b - 1]))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b - a >= 3
    )


def _nearest(f: NDArray[np.float64], density: NDArray[np.float64]) -> tuple[float, str]:
    """Return the smallest root-mean-square distance under N(0, 1) to a known function.

    Of two names of one function it is the one that the zoo lists first, as in a search.
    """
    from actsearch.expressions.expression import parse

    distances = [
        (float(np.sqrt(np.sum(density * (f - parse(formula).evaluate(_GRID)) ** 2))), name)
        for name, formula in KNOWN.items()
    ]
    finite = [pair for pair in distances if math.isfinite(pair[0])]
    return min(finite, key=lambda pair: pair[0]) if finite else (math.inf, "none")
