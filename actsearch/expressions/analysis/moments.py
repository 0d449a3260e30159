"""Means under N(0, 1), by Gauss-Legendre quadrature in panels that end where a function bends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.tails import Tails, instead_of_mean

Array = NDArray[np.float64]

#: Panels of 0.02 up to 20, where the density is 1e-88: exp(4*x) is still whole.
_REACH, _N_PANELS, _ORDER = 20.0, 2000, 8
#: Distances from a pole, and how much what lies within falls at least from one to the next.
_DISTANCES, _FALLS = np.array([1e-6, 1e-9]), 0.7
_ROUNDING = 1e-14
#: Of a wave with more breaks the panels are as they are without.
_MOST_BREAKS = 500
#: What the last panels may have of an integral, for the rest beyond to count as nothing.
_REST = 1e-12
_CENTRED, _NEARLY = 1e-9, 0.1


@dataclass(frozen=True)
class Moments:
    """Values and slopes at points with weights of N(0, 1), and what follows from them.

    ``instead`` has, for f, f^2, f' and f'^2, what their mean is where it is not that of the points:
    infinite or NaN, since they grow too fast beside a pole or far out.
    """

    x: Array
    weights: Array
    f: Array
    d: Array
    instead: tuple[float | None, float | None, float | None, float | None]

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
        return self._first(self.f) if self.instead[0] is None else self.instead[0]

    @property
    def square(self) -> float:
        """E[f^2]."""
        return self.mean_of(self.f * self.f) if self.instead[1] is None else self.instead[1]

    @property
    def slope(self) -> float:
        """E[f']."""
        return self._first(self.d) if self.instead[2] is None else self.instead[2]

    @property
    def squared_slope(self) -> float:
        """E[f'^2]."""
        return self.mean_of(self.d * self.d) if self.instead[3] is None else self.instead[3]

    @property
    def gain(self) -> float:
        """1/sqrt(E[f^2]), NaN where that is not positive and finite."""
        square = self.square
        return 1 / math.sqrt(square) if 0 < square < math.inf else math.nan

    def parts(self, symmetry: str) -> tuple[float, float]:
        """Return the shares of E[f^2] that the odd and the even part have; they sum to 1.

        Args:
            symmetry: ``odd``, ``even`` or ``none``; what an odd or even function has of the other
                part is rounding, and is 0.
        """
        odd, even = (self.f - self.f[::-1]) / 2, (self.f + self.f[::-1]) / 2
        shares = self.mean_of(odd * odd), self.mean_of(even * even)
        whole = sum(shares)
        if self.instead[1] is not None or not 0 < whole < math.inf:
            return math.nan, math.nan
        pure = {"odd": (1.0, 0.0), "even": (0.0, 1.0)}
        return pure.get(symmetry, (shares[0] / whole, shares[1] / whole))

    def centred(self) -> str:
        """Say how near the mean is to 0, beside the root mean square."""
        mean, square = abs(self.mean), self.square
        if not math.isfinite(square) or math.isnan(mean):
            return "undefined"
        if mean <= _CENTRED * self.mean_of(np.abs(self.f)):
            return "zero-centred"
        return "nearly" if mean < _NEARLY * math.sqrt(square) else "no"


def moments(
    subject: Subject, breaks: Iterable[float], far: Tails, steep: Iterable[float] = ()
) -> Moments:
    """Return values and slopes at the points of the quadrature.

    Args:
        subject: The function.
        breaks: Where it or its slope jumps.
        far: How fast it grows.
        steep: Where panels end, too, as it changes much between them.
    """
    places = [*breaks]
    ends = [*places, *steep] if len(places) <= _MOST_BREAKS else steep
    x, weights = points(ends, _REACH, _N_PANELS)
    f, d = subject.value(x), subject.where_defined(subject.derivative, x)
    pole = (math.nan, math.inf)
    instead: list[float | None] = []
    for function, values, sides in (
        (subject.value, f, far.value),
        (subject.slope, d, far.slope),
    ):
        for power in (1, 2):
            found = instead_of_mean(sides, power)
            if not _has_mean(function, places, power):
                found = pole[power - 1]
            elif found is None and not is_whole(weights * np.abs(values) ** power):
                found = math.nan
            instead.append(found)
    return Moments(x, weights, f, d, (instead[0], instead[1], instead[2], instead[3]))


def is_whole(mass: Array) -> bool:
    """Tell whether the last panels have next to nothing of an integral, on either side."""
    total = mass.sum(axis=-1)
    outer = mass[..., :_ORDER].sum(axis=-1) + mass[..., -_ORDER:].sum(axis=-1)
    return bool(np.all(outer <= _REST * total))


def _has_mean(function: Callable[[Array], Array], breaks: Sequence[float], power: int) -> bool:
    """Tell whether a power of a function can be integrated over the places where it may have poles.

    There it must grow less than 1/distance does.
    """
    places = np.array([*breaks], dtype=np.float64)
    near = np.maximum(1.0, np.abs(places)) * _DISTANCES[:, None]
    for side in (-1, 1):
        far, close = np.abs(function(places + side * near)) ** power * near
        if (~(close < _FALLS * far) & (close > 0)).any():
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
