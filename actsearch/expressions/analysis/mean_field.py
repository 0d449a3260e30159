"""Signals in wide random networks: what mean-field theory says of a function.

Poole et al. 2016 (Exponential expressivity in deep neural networks through transient chaos) and
Schoenholz et al. 2017 (Deep information propagation), without biases. There q is the mean square
of pre-activations, q -> sigma_w^2 E[f(sqrt(q) z)^2], and chi_1 = sigma_w^2 E[f'(sqrt(q) z)^2].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from actsearch.expressions.analysis.moments import Moments, is_whole, points
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.tails import Tails
from actsearch.expressions.analysis.value import Kink, MeanField

#: Fixed points are looked for among these.
_Q = np.geomspace(1e-3, 1e4, 57)
_REACH, _N_PANELS, _N_HALVINGS = 20.0, 800, 50
#: Signals as small as any that matters.
_SMALL = 1e-6
#: Nearer to 1 than this chi_1 is critical: quadrature is right to more digits.
_CRITICAL = 1e-6
_DISTANCE = 1e-9


def mean_field(subject: Subject, moments: Moments, kinks: Sequence[Kink], far: Tails) -> MeanField:
    """Return the mean-field quantities of a function.

    Args:
        subject: The function.
        moments: Its values under N(0, 1).
        kinks: Where its slope jumps.
        far: How fast it grows: what has no mean square for any q has no fixed point.
    """
    variance = moments.gain**2
    chi = variance * moments.squared_slope
    length = variance * moments.mean_of(moments.f * moments.d * moments.x)
    weight, q = _critical(subject, kinks, far)
    return MeanField(
        weight_variance=variance,
        q=1.0 if math.isfinite(variance) else math.nan,
        length_slope=length,
        chi_1=chi,
        phase=_phase(chi),
        depth_scale=_depth_scale(chi),
        critical_weight_variance=weight,
        critical_q=q,
    )


def _phase(chi: float) -> str:
    if math.isnan(chi):
        return "undefined"
    if abs(chi - 1) < _CRITICAL:
        return "critical"
    return "ordered" if chi < 1 else "chaotic"


def _depth_scale(chi: float) -> float:
    if math.isnan(chi):
        return math.nan
    if abs(chi - 1) < _CRITICAL:
        return math.inf
    return 1 / abs(math.log(chi)) if 0 < chi < math.inf else 0.0


def _critical(subject: Subject, kinks: Sequence[Kink], far: Tails) -> tuple[float, float]:
    """Return the weight variance with chi_1 = 1 at a fixed point q, and that q.

    The two conditions give q E[f'^2] = E[f^2]. Where f(0) = 0 that holds for q -> 0, where f is
    as good as two straight lines; else for the first q at which the difference changes its sign.
    """
    at_0 = float(subject.value(0.0))
    if not far.has_squares(_SMALL):
        return math.nan, math.nan
    if at_0 == 0:
        sides = _slopes_at_0(subject, kinks)
        mean = sum(side * side for side in sides) / 2
        return (1 / mean, 0.0) if 0 < mean < math.inf else (math.nan, math.nan)
    if not math.isfinite(at_0):
        return math.nan, math.nan
    z, weights = points((), _REACH, _N_PANELS)

    def means(q: float) -> tuple[float, float]:
        x = math.sqrt(q) * z
        squares = weights * np.stack([subject.slope(x), subject.value(x)]) ** 2
        if not (far.has_squares(q) and is_whole(squares)):
            return math.nan, math.nan
        steep, high = squares.sum(axis=1).tolist()
        return steep, high

    def difference(q: float) -> float:
        steep, high = means(q)
        return q * steep - high

    differences = np.array([difference(q) for q in _Q.tolist()])
    with np.errstate(invalid="ignore"):
        passes = (differences[:-1] * differences[1:] <= 0) & (differences[:-1] != 0)
    turns = np.flatnonzero(passes)
    if not turns.size or not np.isfinite(differences[: turns[0] + 2]).all():
        return math.nan, math.nan
    low, high = _Q[turns[0] : turns[0] + 2].tolist()
    rises = difference(low) < 0
    for _ in range(_N_HALVINGS):
        q = (low + high) / 2
        low, high = (low, q) if (difference(q) > 0) == rises else (q, high)
    steep = means(low)[0]
    return (1 / steep, low) if steep > 0 else (math.nan, math.nan)


def _slopes_at_0(subject: Subject, kinks: Sequence[Kink]) -> tuple[float, float]:
    for kink in kinks:
        if abs(kink.x) < _DISTANCE:
            return kink.left_slope, kink.right_slope
    slope = float(subject.slope(0.0))
    return slope, slope
