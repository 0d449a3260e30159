"""Points that functions are looked at on, and what their values there tell, in float64.

Conditions of search spaces judge by ``limit`` and ``jumps``: what these answer decides births, so
a change to them is a change of the search's rules.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Evaluate = Callable[[ArrayLike], NDArray[np.float64]]

#: The window of range, zeros, kinks and slopes; wider than pre-activations get in practice.
WINDOW = 10.0
#: Each correctly rounded, so that they are symmetric about 0 to the last digit.
GRID: NDArray[np.float64] = np.arange(-10_000, 10_001) / (10_000 / WINDOW)
#: Magnitudes beyond the window.
FAR: NDArray[np.float64] = np.geomspace(WINDOW, 1e8, 400)[1:]
#: Such that lie closer, as far as waves and bends are wide; what is there is looked for on these.
BEYOND: NDArray[np.float64] = np.concatenate(
    [np.arange(101, 500) / 10.0, np.geomspace(50.0, 1e8, 340)]
)
#: Magnitudes that tell what happens as x goes to infinity, a row for each decade.
LIMIT_POINTS: NDArray[np.float64] = np.geomspace(1e4, 1e8, 4000).reshape(4, 1000)
#: A slope below this counts as saturated.
SATURATED = 0.01
#: Where each decade adds less than this share of what the one before added, there is a limit.
_SETTLES = 0.7


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


def jumps(x: NDArray[np.float64], d: NDArray[np.float64], slope: Evaluate) -> tuple[float, ...]:
    """Return where ``d`` jumps, to six decimals: it still does when the step shrinks, no bend does.

    ``slope`` computes what ``d`` holds at the points ``x``: a slope for kinks, a value for steps.
    What is small beside the rest escapes it: ``breaks`` sees that, from the formula.
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
        if not kinks or place - round(kinks[-1], 6) > 2 * step:
            kinks.append(place)
    return tuple(round(place, 6) + 0.0 for place in kinks)
