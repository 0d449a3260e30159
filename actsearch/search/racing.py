"""Rungs and racing: who goes on to a longer training or more seeds, and who is dropped.

A candidate climbs stages. A stage is some seeds at one rung, and every candidate runs the same
ones, so two candidates at a stage are compared in pairs: the same weights, the same batches. Two
rules decide who goes on:

*Quota.* Of all that ran a stage, at most one in ``reduction`` goes on to a longer rung, and one in
``repeat_reduction`` to more seeds of the same (successive halving: Jamieson and Talwalkar 2016;
without waiting for a generation: Li et al. 2020). One that scores above all that ran the stage
before (four at least) needs no place in the quota. More seeds go to the best means, longer rungs to
what promises most there: what the mean stands for at the last rung, and more the less is known of
functions like it (an upper confidence bound, as in Srinivas et al. 2010). Of functions that are
nearly the same only the best goes on to a longer rung: the others are passed over, and the quota is
of those that are not.

*Test.* Nobody goes on who is clearly worse than the leaders on the same seeds. The difference to
their mean is held against its standard error, which comes from how much candidates' differences
vary between seeds at that rung, so it is made at rungs of several seeds alone (in shipped tasks the
last); the error rate is divided by the number of these stages, so a formula as good as the leaders
is dropped by these tests with a chance of at most ``error_rate`` in its whole race (for normal
differences; leaders were chosen by their scores, which makes it a little stricter at the stages
where they were lucky). One that the quota holds back is not dropped: it waits, and goes on when its
turn comes.

The first birth runs the whole ladder whatever it scores: it is what others are measured against.

Leading, and being preferred as a parent, goes by the ranks of ``runs/ranking.py``: the longer rung,
several seeds before one, and of those with several the mean less its standard error. So a lucky
score leads nobody astray: it buys the next stage, on other seeds.
"""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from actsearch.runs.ranking import Leaderboard, Result
from actsearch.runs.scores import mean_and_error
from actsearch.tasks.protocol import Pace, Rung

#: So many differences between seeds are needed before their spread is believed.
MIN_CONTRASTS = 8
#: So many of the best set the pace of the others by their curves, and fewer set none.
N_CURVES = 16
MIN_CURVES = 8
#: A record counts as one where at least so many ran the stage.
MIN_RAN = 4
#: Median absolute deviation -> standard deviation, for normal numbers.
_MAD_TO_DEVIATION = 1.4826


class Kinship(Protocol):
    """What is known of candidates' functions; all births have finished a stage."""

    def near(self, birth_id: int, others: Sequence[int]) -> Sequence[int]:
        """Return which of ``others`` are nearly the same function."""
        ...

    def distances(self, birth_id: int, others: Sequence[int]) -> Sequence[float]:
        """Return how far the functions of ``others`` are."""
        ...

    def promise(self, rung: str, mean: float, distance: float) -> float:
        """Return what a mean at a rung promises, by the distance to what ran a longer one."""
        ...


class Racing(BaseModel):
    """Rates of the race, as a space file gives them under ``[racing]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    error_rate: float = Field(default=0.1, gt=0, lt=1)
    reduction: float = Field(default=5.0, ge=1, le=1000)
    repeat_reduction: float = Field(default=2.0, ge=1, le=1000)
    leaders: int = Field(default=3, ge=1, le=100)


@dataclass(frozen=True)
class Stage:
    """Some seeds at a rung; ``so_far`` are those of the rung up to and with this stage."""

    rung: str
    seeds: tuple[int, ...]
    so_far: tuple[int, ...]


def stages_of(rungs: Sequence[Rung]) -> tuple[Stage, ...]:
    """Return the stages of a ladder: each rung's seeds in parts of 1, 1, 2, 4 ..."""
    stages = []
    for rung in rungs:
        begin = 0
        while begin < len(rung.seeds):
            end = min(len(rung.seeds), max(1, 2 * begin))
            stages.append(Stage(rung.name, rung.seeds[begin:end], rung.seeds[:end]))
            begin = end
    return tuple(stages)


@dataclass(frozen=True)
class Standing:
    """How far a candidate came: the last stage it finished, and its mean score there.

    ``mean`` is over the seeds ``so_far`` of the stage, None for one that has no score.
    """

    birth_id: int
    size: int
    level: int
    mean: float | None


@dataclass(frozen=True)
class Promotion:
    """Who runs which stage next, and at which pace."""

    birth_id: int
    stage: Stage
    pace: Pace


class Race:
    """What is known of all candidates at a moment, and who goes on.

    It is told of finished stages in the order in which they were decided, so it is the same for
    any number of workers.

    Args:
        rungs: The task's ladder.
        racing: Rates.
        kinship: What is known of the candidates' functions.
    """

    def __init__(self, rungs: Sequence[Rung], racing: Racing, kinship: Kinship) -> None:
        self.stages = stages_of(rungs)
        self._ladder = [rung.name for rung in rungs]
        self._steps = {rung.name: rung.steps for rung in rungs}
        self._racing = racing
        self._kinship = kinship
        self._waiting: list[list[tuple[float, int, int]]] = [[] for _ in self.stages]
        #: Of each that waits for a longer rung: the distance to the nearest that went on to it.
        self._apart: list[dict[int, float]] = [{} for _ in self.stages]
        self._n_reached = [0] * len(self.stages)
        self._gone: list[list[int]] = [[] for _ in self.stages]  # that went on from there
        self._n_passed_over = [0] * len(self.stages)
        self._first_waits_at: int | None = None  # at which level the first birth waits
        self._records: list[tuple[float, int]] = [(-math.inf, -1)] * len(self.stages)
        self._standings: dict[int, Standing] = {}
        self._ranking = Leaderboard()
        self._means: dict[tuple[int, int], float] = {}  # (birth, level) -> mean there
        self._contrasts: dict[str, list[float]] = {}  # rung -> second seed's score - first seed's
        self._deviations: dict[str, float] = {}  # rung -> what follows from its contrasts
        self._curves: dict[int, dict[str, tuple[tuple[int, float], ...]]] = {}
        seeds = {rung.name: len(rung.seeds) for rung in rungs}
        n_tests = max(1, sum(seeds[stage.rung] > 1 for stage in self.stages[:-1]))
        self._quantile = statistics.NormalDist().inv_cdf(1 - racing.error_rate / n_tests)

    def finish(
        self,
        birth_id: int,
        size: int,
        level: int,
        scores: Mapping[int, float] | None,
        curve: Sequence[tuple[int, float, float]] = (),
    ) -> None:
        """Take in a stage that a candidate finished.

        Args:
            birth_id: The candidate.
            size: Number of nodes of its formula.
            level: Index of the stage.
            scores: Seed -> score of the rung up to this stage; None if a training gave none.
            curve: Of the rung's first seed, where this stage holds it.
        """
        stage = self.stages[level]
        self._n_reached[level] += 1
        mean = error = None
        if scores is not None:
            mean, error = mean_and_error([scores[seed] for seed in stage.so_far])
        self._standings[birth_id] = Standing(birth_id, size, level, mean)
        if mean is None or scores is None:
            self._ranking.drop(birth_id)
            return
        rung, n = self._ladder.index(stage.rung), len(stage.so_far)
        self._ranking.put(Result(birth_id, size, rung, n, mean, error))
        self._means[birth_id, level] = mean
        if mean > self._records[level][0]:
            self._records[level] = (mean, birth_id)
        if level + 1 < len(self.stages):
            longer = self._is_longer(level)
            gone = self._gone[level] if longer else []
            better = [o for o in gone if o != 0 and self._means[o, level] >= mean]
            if birth_id != 0 and self._kinship.near(birth_id, better):
                self._n_passed_over[level] += 1
            else:
                bisect.insort(self._waiting[level], (-mean, size, birth_id))
                if birth_id == 0:
                    self._first_waits_at = level
                if longer:
                    distances = self._kinship.distances(birth_id, gone)
                    self._apart[level][birth_id] = min(distances, default=math.inf)
        if len(stage.so_far) == 2:
            first, second = (scores[seed] for seed in stage.so_far)
            self._contrasts.setdefault(stage.rung, []).append(second - first)
            self._deviations.pop(stage.rung, None)
        if stage.seeds == stage.so_far:
            points = tuple((step, score) for step, _, score in curve[:-1])
            self._curves.setdefault(birth_id, {})[stage.rung] = points

    def next_promotion(self, least_places: int = 0) -> Promotion | None:
        """Return who goes on now, or None; each answer is to be followed by ``promote``.

        Races that are nearer to their end come first.

        Args:
            least_places: So many may go on from each stage, however few ran it.
        """
        for level in reversed(range(len(self.stages) - 1)):
            birth_id = self._next_at(level, least_places)
            if birth_id is not None:
                stage = self.stages[level + 1]
                # Curves of other seeds are no measure, and the first birth is to finish.
                paced = stage.seeds == stage.so_far and birth_id != 0
                return Promotion(birth_id, stage, self.pace(stage.rung) if paced else ())
        return None

    def promote(self, birth_id: int, level: int) -> None:
        """Note that a candidate goes on to the stage ``level``."""
        before = level - 1
        mean, size = self._means[birth_id, before], self._standings[birth_id].size
        waiting, apart = self._waiting[before], self._apart[before]
        del waiting[bisect.bisect_left(waiting, (-mean, size, birth_id))]
        if birth_id == 0:
            self._first_waits_at = None
        apart.pop(birth_id, None)
        self._gone[before].append(birth_id)
        if not self._is_longer(before):
            return
        if birth_id != 0:
            worse = [other for m, _, other in waiting if -m <= mean and other != 0]
            passed_over = set(self._kinship.near(birth_id, worse))
            self._n_passed_over[before] += len(passed_over)
            waiting[:] = [entry for entry in waiting if entry[-1] not in passed_over]
            for other in passed_over:
                del apart[other]
        others = [other for *_, other in waiting]
        for other, distance in zip(others, self._kinship.distances(birth_id, others), strict=True):
            apart[other] = min(apart[other], distance)

    def ranking(self, n: int) -> list[Standing]:
        """Return the n best, the best first."""
        return [self._standings[birth_id] for birth_id in itertools.islice(self._ranking, n)]

    def is_clearly_worse(self, birth_id: int, level: int) -> bool:
        """Tell whether a candidate that finished the stage ``level`` fails the test there."""
        stage = self.stages[level]
        deviation = self._deviation(stage.rung)
        if deviation is None:
            return False
        rivals = [
            self._means[other.birth_id, level]
            for other in self.ranking(self._racing.leaders)
            if other.birth_id != birth_id and other.level > level
        ]
        if not rivals:
            return False
        difference = self._means[birth_id, level] - math.fsum(rivals) / len(rivals)
        # A contrast of two seeds varies as a difference of two candidates does; the mean of
        # several rivals varies less than one of them.
        error = deviation * math.sqrt((1 + 1 / len(rivals)) / 2 / len(stage.so_far))
        return difference < -self._quantile * error

    def pace(self, rung: str) -> Pace:
        """Return what a curve at ``rung`` must not fall below: far below all of the best.

        At each step from the middle on, that is twice as far below the worst of them as the worst
        is below their median; before it, what ends best may be behind. The first birth, which goes
        on whatever it scores, does not count.
        """
        best = itertools.islice((id_ for id_ in self._ranking if id_ != 0), N_CURVES)
        curves = [self._curves[id_][rung] for id_ in best if rung in self._curves[id_]]
        if len(curves) < MIN_CURVES:
            return ()
        points = []
        for same_step in zip(*curves, strict=False):
            step = same_step[0][0]
            if 2 * step >= self._steps[rung]:
                scores = [score for _, score in same_step]
                worst = min(scores)
                points.append((step, worst - 2 * (statistics.median(scores) - worst)))
        return tuple(points)

    def _next_at(self, level: int, least_places: int) -> int | None:
        waiting = self._waiting[level]
        if not waiting:
            return None
        if self._first_waits_at == level:
            return 0
        best, longer = waiting[0][-1], self._is_longer(level)
        is_record = best == self._records[level][1] and self._n_reached[level] >= MIN_RAN
        if is_record and not self.is_clearly_worse(best, level):
            return best
        reduction = self._racing.reduction if longer else self._racing.repeat_reduction
        n_candidates = self._n_reached[level] - self._n_passed_over[level]
        n_gone = len(self._gone[level]) - (0 in self._gone[level])  # its place is its own
        if n_gone >= max(least_places, math.floor(n_candidates / reduction)):
            return None
        if longer:
            return self._most_promising(level)
        # More seeds are for the best mean: if it fails the test, so do the others.
        return None if self.is_clearly_worse(best, level) else best

    def _most_promising(self, level: int) -> int | None:
        """Return what goes on to a longer rung where there is a place for one."""
        waiting = self._waiting[level]
        order = sorted(waiting, key=lambda entry: (-self._promise(level, entry), *entry))
        for *_, birth_id in order:
            if not self.is_clearly_worse(birth_id, level):
                # Of nearly the same function the best has the place; they wait best first.
                others = [other for *_, other in waiting if other != birth_id]
                alike = {birth_id, *self._kinship.near(birth_id, others)}
                return next(other for *_, other in waiting if other in alike)
        return None

    def _promise(self, level: int, entry: tuple[float, int, int]) -> float:
        """Return what one that waits for a longer rung promises there."""
        loss, _, birth_id = entry
        distance = self._apart[level][birth_id]
        return self._kinship.promise(self.stages[level].rung, -loss, distance)

    def _is_longer(self, level: int) -> bool:
        """Tell whether the stage after ``level`` is at a longer rung."""
        return self.stages[level].rung != self.stages[level + 1].rung

    def _deviation(self, rung: str) -> float | None:
        """Return the standard deviation of a difference of two candidates at one seed."""
        contrasts = self._contrasts.get(rung, [])
        if len(contrasts) < MIN_CONTRASTS:
            return None
        if rung not in self._deviations:
            middle = statistics.median(contrasts)
            spread = statistics.median(abs(value - middle) for value in contrasts)
            self._deviations[rung] = _MAD_TO_DEVIATION * spread
        return self._deviations[rung]
