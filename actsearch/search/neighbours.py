"""Functions that were learned, and which of them are nearest to another one.

The search asks for the nearest of all that is known for each offspring. Distances are those of
``likeness.squared_distances``, to the last bit; most of them need not be computed: what a product
of matrices shows to be farther, by much more than its rounding, is left out first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.likeness import WIDTH, images, squared_distances, weighted, widened

Array = NDArray[np.float64]
Places = NDArray[np.intp]

#: Rough squared distances are this much off at most, by far: curves are cut off at 6, the
#: logarithms of their scales lie within 28 of 0.
_SLACK = 1e-6


class Neighbours:
    """Curves in the order in which they came; their places count from 0."""

    def __init__(self) -> None:
        self.n = 0
        self._curves = np.zeros((64, WIDTH))
        self._points = np.zeros((64, WIDTH))
        self._squares = np.zeros(64)

    def add(self, curve: Array) -> None:
        """Add a curve; it has the next place."""
        width = max(len(curve), self._curves.shape[1])  # wider from the first that reads more
        if width > self._curves.shape[1]:
            self._curves = widened(self._curves, width)
            self._points = weighted(self._curves)
            self._squares = (self._points**2).sum(axis=1)
        if self.n == len(self._curves):
            self._curves, self._points = _doubled(self._curves), _doubled(self._points)
            self._squares = _doubled(self._squares)
        self._curves[self.n] = widened(curve, width)
        self._points[self.n] = weighted(self._curves[self.n])
        self._squares[self.n] = (self._points[self.n] ** 2).sum()
        self.n += 1

    def squares(self, curve: Array, places: Sequence[int] | Places) -> Array:
        """Return the squared distances from a curve to those at some places."""
        return squared_distances(self._curves[np.asarray(places, dtype=np.intp)], curve)

    def between(self, place: int, others: Sequence[int]) -> Array:
        """Return the distances from the curve at a place to those at others."""
        return np.sqrt(self.squares(self._curves[place], others))

    def nearest(
        self, curve: Array, count: int, among: Places | None = None
    ) -> tuple[Places, Array]:
        """Return the places of the nearest curves, the nearest first, and the squared distances.

        Args:
            curve: As ``likeness.curve`` returns it.
            count: How many, or all where there are fewer; of equal distances the first counts.
            among: The places that count, ascending; None for all.
        """
        among = np.arange(self.n) if among is None else among
        if count < len(among) and len(curve) <= self._curves.shape[1]:
            turned = weighted(images(widened(curve, self._curves.shape[1])))
            shadows = (self._points[: self.n] @ turned.T).max(axis=1)
            rough = (self._squares[: self.n] - 2 * shadows)[among]
            among = among[rough <= np.partition(rough, count - 1)[count - 1] + _SLACK]
        squares = self.squares(curve, among)
        order = np.argsort(squares, kind="stable")[:count]
        return among[order], squares[order]


def _doubled(rows: Array) -> Array:
    return np.concatenate([rows, np.zeros_like(rows)])
