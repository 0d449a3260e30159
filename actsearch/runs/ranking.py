"""Who leads: the one order of the hall of fame, of the race and of the finalists.

The longer rung comes first, and there what ran several seeds before what ran one, so that a lucky
score leads nobody astray. Of those with several seeds the score less its standard error counts: more
seeds alone make none better, and few seeds are held against a high mean. The error is that of the
rung's noise between seeds, as the few scores of one formula tell little of it.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What a formula scored at its highest rung.

    ``rung`` is the rung's place in the ladder; ``error`` is the standard error of the mean of ``n``
    scores, None for a single one.
    """

    id: int
    size: int
    rung: int
    n: int
    mean: float
    error: float | None

    @property
    def key(self) -> tuple[int, bool, float, int, int]:
        """Sort key, the best first, among those of one number of seeds.

        The first birth is measured in full whatever it scores, so it ranks as with a single seed.
        """
        measured_again = self.n > 1 and self.id != 0
        return -self.rung, not measured_again, -self.mean, self.size, self.id


class Ranking:
    """Results in order, the best first; at most one of each formula."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._results = {result.id: result for result in results}
        self._keys = sorted(result.key for result in self._results.values())

    def put(self, result: Result) -> None:
        """Add a formula's result, or replace what it had."""
        self.drop(result.id)
        self._results[result.id] = result
        bisect.insort(self._keys, result.key)

    def drop(self, id_: int) -> None:
        """Take a formula out, if it is there."""
        before = self._results.pop(id_, None)
        if before is not None:
            del self._keys[bisect.bisect_left(self._keys, before.key)]

    def __iter__(self) -> Iterator[int]:
        """Yield the formulas' ids, the best first."""
        for _, same_rung in itertools.groupby(self._keys, key=lambda key: key[0]):
            keys = list(same_rung)
            n_again = sum(not once for _, once, *_ in keys)
            ids = [id_ for *_, id_ in keys]
            yield from self._by_merit(ids, n_again) if n_again else ()
            yield from ids[n_again:]

    def _by_merit(self, ids: list[int], n_again: int) -> list[int]:
        """Return the first ``n_again`` of a rung's formulas, the best first."""
        results = [self._results[id_] for id_ in ids]
        noise = noise_of((result.n, result.error) for result in results)
        again = results[:n_again]
        again.sort(key=lambda one: (-merit(one.mean, one.n, noise), -one.mean, one.size, one.id))
        return [result.id for result in again]


def merit(mean: float, n: int, noise: float) -> float:
    """Return what a mean of ``n`` scores is good for: less its standard error.

    Args:
        mean: the mean.
        n: number of scores.
        noise: standard deviation of a single score between seeds, see ``noise_of``.
    """
    return mean - noise / math.sqrt(n)


def noise_of(measured: Iterable[tuple[int, float | None]]) -> float:
    """Return the deviation of a score between seeds, pooled over formulas with several seeds.

    Args:
        measured: the number of seeds of each formula, and the standard error of its mean (None
            with a single seed: it says nothing of the noise).

    Returns:
        The standard deviation of one training's score; 0 where no formula ran several seeds.
    """
    spreads, freedom = [], 0
    for n, error in measured:
        if error is not None:
            spreads.append((n - 1) * n * error**2)
            freedom += n - 1
    return math.sqrt(math.fsum(spreads) / freedom) if freedom else 0.0
