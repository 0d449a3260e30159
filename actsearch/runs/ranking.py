"""Who leads: the one order of the hall of fame and of the race.

The longer rung comes first, and there what ran several seeds before what ran one: a single lucky
score leads nobody astray. Of those with several seeds the score less its standard error counts:
more seeds alone make none better, and few seeds are held against a high mean.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

#: Noise is never taken from fewer formulas than so many, where there are as many.
_MIN_FORMULAS = 3


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
    def key(self) -> tuple[int, float, int, int]:
        """Sort key by rung and mean, the best first."""
        return -self.rung, -self.mean, self.size, self.id


class Leaderboard:
    """Results in order, the best first; at most one of each formula."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._results = {result.id: result for result in results}
        self._keys = sorted(result.key for result in self._results.values())
        self._orders: dict[int, list[int]] = {}  # rung -> its formulas in order, once asked for

    def put(self, result: Result) -> None:
        """Add a formula's result, or replace what it had."""
        self.drop(result.id)
        self._results[result.id] = result
        bisect.insort(self._keys, result.key)
        self._orders.pop(result.rung, None)

    def drop(self, id_: int) -> None:
        """Take a formula out, if it is there."""
        before = self._results.pop(id_, None)
        if before is not None:
            del self._keys[bisect.bisect_left(self._keys, before.key)]
            self._orders.pop(before.rung, None)

    def __iter__(self) -> Iterator[int]:
        """Yield the formulas' ids, the best first."""
        for minus_rung, keys in itertools.groupby(self._keys, key=itemgetter(0)):
            if -minus_rung not in self._orders:
                self._orders[-minus_rung] = self._order([id_ for *_, id_ in keys])
            yield from self._orders[-minus_rung]

    def _order(self, ids: list[int]) -> list[int]:
        """Return the formulas of a rung in order, given by their means."""
        again = [result for id_ in ids if (result := self._results[id_]).n > 1]
        if all(result.id == 0 for result in again):
            return ids  # the first birth runs all seeds whatever it scores: that alone is no lead
        worth = merits([(result.mean, result.n, result.error) for result in again])
        order = sorted(range(len(again)), key=lambda k: (-worth[k], again[k].key))
        first = [again[k].id for k in order]
        return [*first, *(id_ for id_ in ids if self._results[id_].n == 1)]


def merits(measured: Sequence[tuple[float, int, float | None]]) -> list[float]:
    """Return what means are good for: each less its standard error.

    The error is that of the noise of a single score between seeds. A formula's own few scores tell
    little of it, so it is pooled; over the better half alone, as poor ones may vary wildly.

    Args:
        measured: the mean, the number of scores, and the standard error (None for a single score:
            it tells nothing of the noise) of each formula of a rung.

    Returns:
        One value for each; the mean itself where no formula ran several seeds.
    """
    best_first = sorted(((-mean, n, e) for mean, n, e in measured if e is not None))
    better = best_first[: max(_MIN_FORMULAS, (len(best_first) + 1) // 2)]
    freedom = sum(n - 1 for _, n, _ in better)
    spread = math.fsum((n - 1) * n * error**2 for _, n, error in better)
    noise = math.sqrt(spread / freedom) if freedom else 0.0
    return [mean - noise / math.sqrt(n) for mean, n, _ in measured]
