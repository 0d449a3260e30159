"""What the search knows at a moment: births, scores, and who may be a parent.

It is derived from the store's records alone and in their order, so a search that goes on after an
interruption knows exactly what an uninterrupted one would. Breeding looks at the results of the
candidates that came more than ``lag`` before, and waits for those: it never matters in which order
workers finish, or how many there are.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from actsearch.runs import Birth, Scored, TrainingRow, scores
from actsearch.search.evolution import Parent


class Ledger:
    """Births and trainings in memory, with the population that breeding sees.

    Args:
        rung: Name of the rung whose trainings count.
        seeds: The seeds that every candidate is trained with.
        lag: How many of the last candidates breeding must not look at.
        population: Most parents.
    """

    def __init__(self, rung: str, seeds: Sequence[int], lag: int, population: int) -> None:
        self.births: list[Birth] = []
        self.n_trainings = 0
        self.n_accepted_random = 0
        self._rung = rung
        self._seeds = tuple(seeds)
        self._lag = lag
        self._population_size = population
        self._accepted: list[int] = []
        self._by_fingerprint: dict[str, int] = {}
        self._rows: dict[int, dict[int, TrainingRow]] = {}
        self._complete: dict[int, Scored] = {}
        self._n_seen = 0  # leading accepted births that breeding has seen
        self._population: list[tuple[float, int, int, Parent]] = []
        self._ranked: list[tuple[float, int, int, Scored]] = []

    def add_birth(self, birth: Birth) -> None:
        """Add the next birth."""
        self.births.append(birth)
        if birth.status != "accepted":
            return
        self._accepted.append(birth.id)
        if birth.fingerprint is not None:
            self._by_fingerprint.setdefault(birth.fingerprint, birth.id)
        self.n_accepted_random += birth.operator == "random"
        self._rows[birth.id] = {}

    def add_training(self, row: TrainingRow) -> None:
        """Add a training of an earlier birth; the birth is scored when it has all of them."""
        self.n_trainings += 1
        rows = self._rows[row.birth_id]
        rows[row.seed] = row
        if row.rung == self._rung and all(seed in rows for seed in self._seeds):
            birth = self.births[row.birth_id]
            (scored,) = scores([birth], rows.values(), seeds=self._seeds, rung=self._rung)
            self._complete[birth.id] = scored
            if scored.mean is not None:
                bisect.insort(self._ranked, (-scored.mean, scored.size, scored.id, scored))

    @property
    def n_complete(self) -> int:
        """How many births have all their trainings."""
        return len(self._complete)

    def best(self, n: int) -> list[Scored]:
        """Return the n best by score, the best first."""
        return [entry[-1] for entry in self._ranked[:n]]

    def same_as(self, fingerprint: str) -> int | None:
        """Return the id of the accepted birth with that fingerprint."""
        return self._by_fingerprint.get(fingerprint)

    def missing(self) -> list[tuple[Birth, int]]:
        """Return the trainings still to be made, as births and seeds, in order of birth."""
        return [
            (self.births[id_], seed)
            for id_ in self._accepted
            if id_ not in self._complete
            for seed in self._seeds
            if seed not in self._rows[id_]
        ]

    def may_breed(self) -> bool:
        """Tell whether everything is known that the next birth may depend on."""
        return all(id_ in self._complete for id_ in self._now_visible())

    def parents(self) -> list[Parent]:
        """Return the population, best first; call it only when ``may_breed``."""
        for id_ in self._now_visible():
            scored = self._complete[id_]
            if scored.mean is not None:
                parent = Parent(id_, scored.formula, scored.mean)
                bisect.insort(self._population, (-scored.mean, scored.size, id_, parent))
                del self._population[self._population_size :]
        self._n_seen = max(self._n_seen, len(self._accepted) - self._lag)
        return [entry[-1] for entry in self._population]

    def _now_visible(self) -> list[int]:
        """Return the births that became visible since the last look."""
        return self._accepted[self._n_seen : max(self._n_seen, len(self._accepted) - self._lag)]


def load(ledger: Ledger, births: Iterable[Birth], trainings: Iterable[TrainingRow]) -> None:
    """Fill an empty ledger from the records of a store."""
    for birth in births:
        ledger.add_birth(birth)
    for row in trainings:
        ledger.add_training(row)
