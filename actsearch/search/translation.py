"""What scores at the rungs of a ladder stand for at its last one.

It is learned from the candidates that have a score at both. Among the best a short score says
little of the full one, so above their mean the least-squares line counts, lest the search breeds
for fast starts. Below it that line would make everything look as good, since only the better went
on: there the slope is the ratio of the deviations (reduced major axis).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Pairs of scores at two rungs that are needed before one is translated into the other.
MIN_PAIRS = 8


@dataclass(frozen=True)
class Bend:
    """A line through (x, y) with one slope below x and another one above."""

    x: float
    y: float
    below: float
    above: float

    def at(self, x: float) -> float:
        """Return its value at ``x``."""
        return self.y + (x - self.x) * (self.above if x > self.x else self.below)

    def each(self, x: Array) -> Array:
        """Return its value at each of ``x``; NaN stays."""
        return self.y + (x - self.x) * np.where(x > self.x, self.above, self.below)


class Scores:
    """What candidates scored, by their places (from 0, without gaps) and the rungs.

    Args:
        ladder: Names of the rungs, the shortest first.
    """

    def __init__(self, ladder: Sequence[str]) -> None:
        self._ladder = tuple(ladder)
        self._n = 0
        # Of each rung and candidate: the score, NaN where it got none; and whether it ran there.
        self._scores = np.full((len(self._ladder), 64), math.nan)
        self._ran = np.zeros((len(self._ladder), 64), dtype=bool)

    def put(self, place: int, rung: str, score: float | None) -> None:
        """Note what a candidate scored at a rung, None where it got no score."""
        if place == self._scores.shape[1]:
            self._scores = np.hstack([self._scores, np.full_like(self._scores, math.nan)])
            self._ran = np.hstack([self._ran, np.zeros_like(self._ran)])
        self._n = max(self._n, place + 1)
        row = self._ladder.index(rung)
        self._scores[row, place] = math.nan if score is None else score
        self._ran[row, place] = True

    def at_last(self) -> tuple[Array, dict[str, Bend]]:
        """Return what each one's score at its highest rung means at the last, and each rung's line.

        One that got no score there has the worst value of all.
        """
        scores, ran = self._scores[:, : self._n], self._ran[:, : self._n]
        values = np.full(self._n, math.nan)
        settled = np.zeros(self._n, dtype=bool)  # those that ran a longer rung
        lines: dict[str, Bend] = {}
        for row in reversed(range(len(self._ladder))):
            line = Bend(0.0, 0.0, 1.0, 1.0)
            if row < len(self._ladder) - 1:
                both = ~(np.isnan(scores[row]) | np.isnan(values))
                line = _bend(scores[row, both].tolist(), values[both].tolist())
            lines[self._ladder[row]] = line
            new = ran[row] & ~settled
            values[new] = line.each(scores[row, new])
            settled |= ran[row]
        scored = values[~np.isnan(values)]
        values[np.isnan(values)] = scored.min() if len(scored) else 0.0
        return values, lines


def _bend(here: Sequence[float], there: Sequence[float]) -> Bend:
    """Return the translation that pairs of scores tell; of few pairs a shift alone."""
    if not here:
        return Bend(0.0, 0.0, 1.0, 1.0)
    # Sums are exact, so that they are the same on every machine.
    mean_x, mean_y = math.fsum(here) / len(here), math.fsum(there) / len(there)
    off_x, off_y = [x - mean_x for x in here], [y - mean_y for y in there]
    spread_x = math.fsum([x**2 for x in off_x])
    spread_y = math.fsum([y**2 for y in off_y])
    if len(here) < MIN_PAIRS or not spread_x > 0:
        return Bend(mean_x, mean_y, 1.0, 1.0)
    common = math.fsum([x * y for x, y in zip(off_x, off_y, strict=True)])
    steep = math.sqrt(spread_y / spread_x)
    return Bend(mean_x, mean_y, steep, min(steep, max(0.0, common / spread_x)))
