"""Scores of births from their trainings, and the order of the hall of fame.

Pure functions of the records, so that the search, the tables and the report cannot disagree on
who leads.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actsearch.runs.ranking import Leaderboard, Result
from actsearch.runs.records import ACCEPTED, OK, Birth, TrainingRow

#: Status of a birth that has no training yet.
INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Scored:
    """A birth with what its trainings at its highest rung say.

    ``mean`` is None unless every training there ended "ok"; ``standard_error`` (that of the mean)
    is None with a single training. ``penalty`` is that of the birth; the mean is as it was trained.
    ``status`` is "ok", "incomplete", or the status of the first
    training that failed; ``n`` counts the trainings at ``rung``, ``time_s`` sums up all of them.
    """

    id: int
    formula: str
    size: int
    mean: float | None
    standard_error: float | None
    n: int
    operator: str
    parents: tuple[int, ...]
    fingerprint: str | None
    status: str
    time_s: float
    rung: str = ""
    penalty: float = 0.0

    @property
    def ranked_by(self) -> float:
        """The mean less the penalty: what it is ranked by. Only for one that has a score."""
        assert self.mean is not None
        return self.mean - self.penalty


def scores(
    births: Iterable[Birth],
    trainings: Iterable[TrainingRow],
    *,
    ladder: Sequence[str] | None = None,
) -> list[Scored]:
    """Score every accepted birth, in the order of ``births``.

    Args:
        births: the births; the rejected, the duplicates and the screened are passed over.
        trainings: their trainings, in any order.
        ladder: names of the rungs, the shortest first, as a run's configuration has them. None:
            by how many births were trained there, as fewer get to the longer ones.

    Returns:
        One ``Scored`` an accepted birth, those without a score included.
    """
    by_birth = _by_birth(trainings)
    if ladder is None:
        ladder = _ladder_of(by_birth)
    return [
        _scored(birth, by_birth.get(birth.id, []), ladder)
        for birth in births
        if birth.status == ACCEPTED
    ]


def hall_of_fame(
    births: Iterable[Birth],
    trainings: Iterable[TrainingRow],
    n: int | None = None,
    *,
    ladder: Sequence[str] | None = None,
) -> list[Scored]:
    """Return the ``n`` best births (all: None) that have a score, the best first.

    Order: see ``runs/ranking.py``. The arguments are those of ``scores``.
    """
    trainings = list(trainings)
    if ladder is None:
        ladder = _ladder_of(_by_birth(trainings))
    found = scores(births, trainings, ladder=ladder)
    by_id = {one.id: one for one in found if one.mean is not None}
    ranking = Leaderboard(result_of(one, ladder) for one in by_id.values())
    return [by_id[id_] for id_ in itertools.islice(ranking, n)]


def result_of(scored: Scored, ladder: Sequence[str]) -> Result:
    """Return what a birth that has a score is ranked by."""
    return Result(
        id=scored.id,
        size=scored.size,
        rung=ladder.index(scored.rung),
        n=scored.n,
        mean=scored.ranked_by,
        error=scored.standard_error,
    )


def _by_birth(trainings: Iterable[TrainingRow]) -> dict[int, list[TrainingRow]]:
    by_birth: dict[int, list[TrainingRow]] = {}
    for training in trainings:
        by_birth.setdefault(training.birth_id, []).append(training)
    return by_birth


def _ladder_of(by_birth: Mapping[int, list[TrainingRow]]) -> tuple[str, ...]:
    """Return the rungs that occur, the one with the most births first."""
    counts: Counter[str] = Counter()
    for trainings in by_birth.values():
        counts.update({training.rung for training in trainings})
    return tuple(sorted(counts, key=lambda rung: (-counts[rung], rung)))


def _scored(birth: Birth, all_trainings: list[TrainingRow], ladder: Sequence[str]) -> Scored:
    reached = {training.rung for training in all_trainings}
    rung = next((rung for rung in reversed(ladder) if rung in reached), "")
    trainings = sorted((t for t in all_trainings if t.rung == rung), key=lambda t: t.seed)
    status = next((training.status for training in trainings if training.status != OK), OK)
    if not trainings:
        status = INCOMPLETE
    mean = error = None
    if status == OK:
        mean, error = mean_and_error([t.score for t in trainings if t.score is not None])
    return Scored(
        id=birth.id,
        formula=birth.formula,
        size=birth.size,
        mean=mean,
        standard_error=error,
        n=len(trainings),
        operator=birth.operator,
        parents=birth.parents,
        fingerprint=birth.fingerprint,
        status=status,
        time_s=math.fsum(training.time_s for training in all_trainings),
        rung=rung,
        penalty=birth.penalty,
    )


def mean_and_error(values: list[float]) -> tuple[float, float | None]:
    """Return the mean of ``values`` (at least one) and its standard error, None for one value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, None
    if min(values) == max(values):  # a sum over n may miss the value by a bit
        return values[0], 0.0
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, math.sqrt(variance / n)
