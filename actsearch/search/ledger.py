"""What the search knows at a moment: births, heats, scores, and who may be a parent.

It is derived from the store's records alone and in their order, so a search that goes on after an
interruption knows exactly what an uninterrupted one would. The k-th heat is decided upon the
results of the heats before k - lag, and waits for those: it never matters in which order workers
finish, or how many there are. At the end of a finite space decisions wait for all results.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actsearch.runs import (
    Birth,
    Heat,
    Leaderboard,
    RunStore,
    Scored,
    TrainingRow,
    result_of,
    scores,
)
from actsearch.runs.added import ADDED
from actsearch.runs.learned import learned_means
from actsearch.runs.records import NO_END
from actsearch.runs.uncollected import uncollected
from actsearch.search.evolution import Parent
from actsearch.search.evolution_selection import select_survivors
from actsearch.search.formulas import read
from actsearch.search.racing import Promotion, Race
from actsearch.search.space import SearchSpace
from actsearch.search.space.parts import Screening
from actsearch.search.surrogate import Surrogate
from actsearch.tasks.protocol import Rung

#: The population is chosen from so many times its number, the best by score.
_POOL = 4


@dataclass(frozen=True)
class _Kinship:
    """What the surrogate knows of candidates' functions, as the race asks for it."""

    surrogate: Surrogate
    screening: Screening

    def near(self, birth_id: int, others: Sequence[int]) -> Sequence[int]:
        return self.surrogate.near(birth_id, others, self.screening.niche)

    def distances(self, birth_id: int, others: Sequence[int]) -> Sequence[float]:
        return self.surrogate.distances(birth_id, others)

    def promise(self, rung: str, mean: float, distance: float) -> float:
        value, reach = self.surrogate.outlook(rung, mean, distance)
        return value + self.screening.exploration * reach


class _Niches:
    """Which births are near to which: the best change slowly, and so are asked for again.

    Args:
        kinship: Tells it.
        n_kept: So many births' neighbours are kept, those that were asked for last.
    """

    def __init__(self, kinship: _Kinship, n_kept: int) -> None:
        self._kinship = kinship
        self._n_kept = n_kept
        self._known: dict[int, dict[int, bool]] = {}  # birth -> other -> whether it is near

    def is_taken(self, birth_id: int, others: Sequence[int]) -> bool:
        """Tell whether a birth is near to any of ``others``."""
        known = self._known.pop(birth_id, {})
        new = [other for other in others if other not in known]
        near = set(self._kinship.near(birth_id, new))
        if len(known) + len(new) > self._n_kept:
            known = {other: known[other] for other in others if other in known}
        known |= {other: other in near for other in new}
        self._known[birth_id] = known
        if len(self._known) > self._n_kept:
            del self._known[next(iter(self._known))]
        return any(known[other] for other in others)


class Ledger:
    """Births, heats and trainings in memory, with the race and the parents that decisions see.

    Args:
        rungs: The task's ladder.
        space: Rates of the race, the lag, the size of the population and how it is chosen.
    """

    def __init__(self, rungs: Sequence[Rung], space: SearchSpace) -> None:
        self.births: list[Birth] = []
        self.heats: list[Heat] = []
        self.n_trainings = 0
        self.n_accepted_random = 0
        self._ladder = tuple(rung.name for rung in rungs)
        self.surrogate = Surrogate(self._ladder)
        self._kinship = _Kinship(self.surrogate, space.screening)
        self.race = Race(rungs, space.racing, self._kinship)
        self._lag = space.evolution.lag
        self._evolution = space.evolution
        self._by_fingerprint: dict[str, int] = {}
        self._rows: dict[int, dict[tuple[str, int], TrainingRow]] = {}
        self._heats_of: dict[int, list[Heat]] = {}  # birth -> its heats, one a stage
        self._without_end: set[int] = set()  # births of which a training never came to an end
        self._heat_levels: list[int] = []
        self._missing: dict[tuple[int, str, int], tuple[Heat, int]] = {}  # in the order of heats
        self._n_seen = 0  # leading heats that decisions have seen
        self._scored: dict[int, Scored] = {}
        self._learned: dict[int, dict[str, float]] = {}  # birth -> what its parameters became
        self._ranking = Leaderboard()
        self._niches = _Niches(self._kinship, 2 * _POOL * self._evolution.population)
        #: Rung -> how many candidates have a training there, the shortest rung first.
        self.n_by_rung = dict.fromkeys(self._ladder, 0)

    def add_birth(self, birth: Birth) -> None:
        """Add the next birth."""
        self.births.append(birth)
        if birth.status != "accepted":
            return
        if birth.fingerprint is not None:
            self._by_fingerprint.setdefault(birth.fingerprint, birth.id)
        self.n_accepted_random += birth.operator == "random"
        self._rows[birth.id] = {}

    def add_heat(self, heat: Heat) -> None:
        """Add the next heat, of a birth that is there."""
        heats = self._heats_of.setdefault(heat.birth_id, [])
        level = len(heats)
        heats.append(heat)
        self.heats.append(heat)
        self._heat_levels.append(level)
        rows = self._rows[heat.birth_id]
        for seed in heat.seeds:
            if (heat.rung, seed) not in rows:
                self._missing[heat.birth_id, heat.rung, seed] = (heat, seed)
        if level:
            self.race.promote(heat.birth_id, level)

    def add_training(self, row: TrainingRow) -> None:
        """Add a training of an earlier birth."""
        self.n_trainings += 1
        rows = self._rows[row.birth_id]
        rows[row.rung, row.seed] = row
        self._missing.pop((row.birth_id, row.rung, row.seed), None)
        if row.status in NO_END:
            self._without_end.add(row.birth_id)
        (scored,) = scores([self.births[row.birth_id]], rows.values(), ladder=self._ladder)
        self._scored[row.birth_id] = scored
        if scored.mean is None:
            self._ranking.drop(row.birth_id)
        else:
            self._ranking.put(result_of(scored, self._ladder))
        self.n_by_rung[row.rung] += all(rung != row.rung or seed == row.seed for rung, seed in rows)

    def first_heat(self, birth: Birth) -> Heat:
        """Return the heat that a new birth begins with; a slow start there is no verdict.

        One that was added when the run was gone on with saw what was in the store, and no more.
        """
        stage, n_seen = self.race.stages[0], self._n_seen
        if birth.operator == ADDED:
            n_seen = self.heats[-1].seen if self.heats else 0
        return Heat(len(self.heats), birth.id, stage.rung, stage.seeds, seen=n_seen)

    def next_heat(self, promotion: Promotion) -> Heat:
        """Return the heat of a promotion; its pace is of scores as they are trained."""
        stage, penalty = promotion.stage, self.births[promotion.birth_id].penalty
        pace = tuple((step, least + penalty) for step, least in promotion.pace)
        seeds, n_seen = stage.seeds, self._n_seen
        return Heat(len(self.heats), promotion.birth_id, stage.rung, seeds, pace, n_seen)

    @property
    def n_trained(self) -> int:
        """How many births have at least one training."""
        return len(self._scored)

    def best(self, n: int) -> list[Scored]:
        """Return the n best by what is known now, the best first."""
        return [self._scored[id_] for id_ in itertools.islice(self._ranking, n)]

    def same_as(self, fingerprint: str) -> int | None:
        """Return the id of the accepted birth with that fingerprint."""
        return self._by_fingerprint.get(fingerprint)

    def missing(self) -> list[tuple[Heat, int]]:
        """Return the trainings still to be made, as heats and seeds, in the order of heats."""
        return list(self._missing.values())

    def quarantined(self) -> list[tuple[Heat, int, TrainingRow]]:
        """Return the trainings that are not to be made, each with the one that speaks against it.

        One that never came to an end speaks against those that its candidate was to run after it,
        in the order of heats and seeds: which these are does not depend on who was faster.
        """
        found = []
        for birth_id in self._without_end & {heat.birth_id for heat, _ in self._missing.values()}:
            rows = self._rows[birth_id]
            culprit: TrainingRow | None = None
            for heat in self._heats_of[birth_id]:
                for seed in sorted(heat.seeds):
                    row = rows.get((heat.rung, seed))
                    if row is None and culprit is not None:
                        found.append((heat, seed, culprit))
                    elif row is not None and row.status in NO_END:
                        culprit = culprit or row
        return sorted(found, key=lambda one: one[0].id)

    def may_decide(self) -> bool:
        """Tell whether everything is known that the next decision may depend on."""
        return all(self._is_complete(heat) for heat in self.heats[self._n_seen : self._n_visible])

    def advance(self, n_heats: int | None = None) -> None:
        """Let the race see the results of the first heats; they must be complete.

        Args:
            n_heats: So many; None: those that the next decision may see (``may_decide``).
        """
        n_heats = self._n_visible if n_heats is None else n_heats
        for heat in self.heats[self._n_seen : n_heats]:
            self._finish(heat)
        self._n_seen = max(self._n_seen, n_heats)

    def parents(self) -> list[Parent]:
        """Return the population, best first: of functions that are nearly the same, the best one.

        Source of the niches: Petrowski 1996, A Clearing Procedure as a Niching Method for Genetic
        Algorithms.
        """
        n = self._evolution.population
        trade_off = self._evolution.selection == "nsga2"
        ids: list[int] = []
        for one in self.race.ranking(_POOL * n):
            if len(ids) == n and not trade_off:
                break
            if not self._niches.is_taken(one.birth_id, ids):
                ids.append(one.birth_id)
        ranked = [
            Parent(id_, self.births[id_].formula, float(-rank), self._learned.get(id_, {}))
            for rank, id_ in enumerate(ids)
        ]
        if not trade_off:
            return ranked
        return select_survivors(ranked, n, self._evolution.objectives)

    def _finish(self, heat: Heat) -> None:
        """Tell the race and the surrogate what candidates are ranked by: scores less penalties."""
        level = self._heat_levels[heat.id]
        stage = self.race.stages[level]
        rows = [self._rows[heat.birth_id][stage.rung, seed] for seed in stage.so_far]
        birth, scores_so_far = self.births[heat.birth_id], None
        off = birth.penalty
        found = {row.seed: row.score - off for row in rows if row.score is not None}
        curve = [(step, loss, score - off) for step, loss, score in rows[0].curve]
        if len(found) == len(rows):
            scores_so_far = found
            self._learned[birth.id] = learned_means(rows)
        mean = None if scores_so_far is None else math.fsum(found.values()) / len(found)
        self.surrogate.learn(birth.id, read(birth.formula), heat.rung, mean)
        self.race.finish(birth.id, birth.size, level, scores_so_far, curve)

    def _is_complete(self, heat: Heat) -> bool:
        rows = self._rows[heat.birth_id]
        return all((heat.rung, seed) in rows for seed in heat.seeds)

    @property
    def _n_visible(self) -> int:
        """How many heats the next decision sees the results of."""
        return max(self._n_seen, len(self.heats) - self._lag)


def load(
    ledger: Ledger,
    births: Iterable[Birth],
    heats: Iterable[Heat],
    trainings: Iterable[TrainingRow],
) -> None:
    """Fill an empty ledger from the records of a store, and show the race what it had seen.

    Heats are added in their order, and before each the race sees what it saw when that heat was
    decided: it ends up as it was.
    """
    for birth in births:
        ledger.add_birth(birth)
    for row in trainings:
        ledger.add_training(row)
    for heat in heats:
        ledger.advance(heat.seen)
        ledger.add_heat(heat)


@uncollected()
def loaded(store: RunStore, rungs: Sequence[Rung], space: SearchSpace) -> Ledger:
    """Return the ledger of a run, as it was when the run was left."""
    ledger = Ledger(rungs, space)
    load(ledger, store.births(), store.heats(), store.trainings())
    return ledger
