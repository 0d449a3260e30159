"""Means under N(0, 1), by Gauss-Legendre quadrature in panels that end where a function bends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.subject import Subject

Array = NDArray[np.float64]

#: Panels of 0.02 up to 20, where the density is 1e-88: exp(4*x) is still whole.
_REACH, _N_PANELS, _ORDER = 20.0, 2000, 8
#: Distances from a pole, and how much what lies within falls at least from one to the next.
_DISTANCES, _FALLS = np.array([1e-6, 1e-9]), 0.7
_ROUNDING = 1e-14
_CENTRED, _NEARLY = 1e-9, 0.1


@dataclass(frozen=True)
class Moments:
    """Values and slopes at points with weights of N(0, 1), and what follows from them.

    ``whole`` says of f, f^2, f' and f'^2 whether they have a mean at all: beside a pole one grows
    too fast for it.
    """

    x: Array
    weights: Array
    f: Array
    d: Array
    whole: tuple[bool, bool, bool, bool]

    def mean_of(self, values: Array) -> float:
        """Return the mean of values at the points, NaN or infinite where these are."""
        return float(np.sum(self.weights * values))

    def _first(self, values: Array) -> float:
        """Return a mean, 0 where it is but what rounding left of two equal halves."""
        mean = self.mean_of(values)
        return 0.0 if abs(mean) < _ROUNDING * self.mean_of(np.abs(values)) else mean

    @property
    def mean(self) -> float:
        """E[f]."""
        return self._first(self.f) if self.whole[0] else math.nan

    @property
    def square(self) -> float:
        """E[f^2]."""
        return self.mean_of(self.f * self.f) if self.whole[1] else math.inf

    @property
    def slope(self) -> float:
        """E[f']."""
        return self._first(self.d) if self.whole[2] else math.nan

    @property
    def squared_slope(self) -> float:
        """E[f'^2]."""
        return self.mean_of(self.d * self.d) if self.whole[3] else math.inf

    @property
    def gain(self) -> float:
        """1/sqrt(E[f^2]), NaN where that is not positive and finite."""
        square = self.square
        return 1 / math.sqrt(square) if 0 < square < math.inf else math.nan

    def parts(self) -> tuple[float, float]:
        """Return the shares of E[f^2] that the odd and the even part have; they sum to 1."""
        odd, even = (self.f - self.f[::-1]) / 2, (self.f + self.f[::-1]) / 2
        shares = self.mean_of(odd * odd), self.mean_of(even * even)
        whole = sum(shares)
        if not (self.whole[1] and 0 < whole < math.inf):
            return math.nan, math.nan
        return shares[0] / whole, shares[1] / whole

    def centred(self) -> str:
        """Say how near the mean is to 0, beside the root mean square."""
        mean, square = abs(self.mean), self.square
        if not math.isfinite(square) or math.isnan(mean):
            return "undefined"
        if mean <= _CENTRED * self.mean_of(np.abs(self.f)):
            return "zero-centred"
        return "nearly" if mean < _NEARLY * math.sqrt(square) else "no"


def moments(subject: Subject, breaks: Iterable[float], steep: Iterable[float] = ()) -> Moments:
    """Return values and slopes at the points of the quadrature.

    Args:
        subject: The function.
        breaks: Where it or its slope jumps.
        steep: Where panels end, too, as it changes much between them.
    """
    places = [*breaks]
    x, weights = points([*places, *steep], _REACH, _N_PANELS)
    whole = [
        _has_mean(function, places, power)
        for function in (subject.value, subject.slope)
        for power in (1, 2)
    ]
    known = (whole[0], whole[1], whole[2], whole[3])
    slopes = subject.where_defined(subject.derivative, x)
    return Moments(x, weights, subject.value(x), slopes, known)


def _has_mean(function: Callable[[Array], Array], breaks: Sequence[float], power: int) -> bool:
    """Tell whether a power of a function can be integrated over the places where it may have poles.

    There it must grow less than 1/distance does.
    """
    for place in breaks:
        near = max(1.0, abs(place)) * _DISTANCES
        for side in (-1, 1):
            mass = np.abs(function(place + side * near)) ** power * near
            if not mass[1] < _FALLS * mass[0] and mass[1] > 0:
                return False
    return True


def points(breaks: Iterable[float], reach: float, n_panels: int) -> tuple[Array, Array]:
    """Return points that are symmetric about 0 and their weights, which sum to 1.

    Args:
        breaks: Further ends of panels; their mirror images are, too.
        reach: The last end.
        n_panels: How many there are without breaks.
    """
    ends = np.linspace(0.0, reach, n_panels // 2 + 1)
    ends = np.unique(np.concatenate([ends, np.abs(np.array([*breaks], dtype=np.float64))]))
    ends = ends[ends <= reach]
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
    x = (middle[:, None] + half[:, None] * nodes).ravel()
    mass = (half[:, None] * weights).ravel() * np.exp(-x * x / 2)
    mass /= 2 * mass.sum()
    return np.concatenate([-x[::-1], x]), np.concatenate([mass[::-1], mass])
