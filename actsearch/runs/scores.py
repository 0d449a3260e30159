"""Scores of births from their trainings, and the order of the hall of fame.

Pure functions of the records, so that the search, the tables and the report cannot disagree on
who leads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from actsearch.runs.records import ACCEPTED, OK, Birth, TrainingRow

#: Status of a birth that lacks some of the trainings it is to be judged by.
INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Scored:
    """A birth with what its trainings say.

    ``mean`` is None unless every training ended "ok" and none is missing; ``standard_error`` (that
    of the mean) is None with a single training. ``status`` is "ok", "incomplete", or the status of
    the first training that failed; ``n`` counts the trainings, ``time_s`` is their sum.
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


def scores(
    births: Iterable[Birth],
    trainings: Iterable[TrainingRow],
    *,
    seeds: Collection[int] | None = None,
    rung: str | None = None,
) -> list[Scored]:
    """Score every accepted birth, in the order of ``births``.

    Args:
        births: the births; the rejected and the duplicates are passed over.
        trainings: their trainings, in any order.
        seeds: the seeds a birth must have been trained with (further ones count too). None: every
            seed that occurs in ``trainings``, so that births are compared on equal terms.
        rung: the rung that counts; None for all of them together.

    Returns:
        One ``Scored`` an accepted birth, those without a score included.
    """
    by_birth: dict[int, list[TrainingRow]] = {}
    occurring: set[int] = set()
    for training in trainings:
        if rung is None or training.rung == rung:
            by_birth.setdefault(training.birth_id, []).append(training)
            occurring.add(training.seed)
    required = occurring if seeds is None else set(seeds)
    return [
        _scored(birth, by_birth.get(birth.id, []), required)
        for birth in births
        if birth.status == ACCEPTED
    ]


def hall_of_fame(
    births: Iterable[Birth],
    trainings: Iterable[TrainingRow],
    n: int | None = None,
    *,
    seeds: Collection[int] | None = None,
    rung: str | None = None,
) -> list[Scored]:
    """Return the ``n`` best births (all: None) that have a score, the best first.

    Order: higher mean, then smaller formula, then earlier birth. The arguments are those of
    ``scores``.
    """
    ranked = [
        (-one.mean, one.size, one.id, one)
        for one in scores(births, trainings, seeds=seeds, rung=rung)
        if one.mean is not None
    ]
    ranked.sort(key=lambda entry: entry[:3])
    return [one for *_, one in ranked[:n]]


def _scored(birth: Birth, trainings: list[TrainingRow], required: set[int]) -> Scored:
    trainings = sorted(trainings, key=lambda training: (training.rung, training.seed))
    status = next((training.status for training in trainings if training.status != OK), OK)
    if status == OK and (not trainings or required - {training.seed for training in trainings}):
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
        time_s=math.fsum(training.time_s for training in trainings),
    )


def mean_and_error(values: list[float]) -> tuple[float, float | None]:
    """Return the mean of ``values`` (at least one) and its standard error, None for one value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, None
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, math.sqrt(variance / n)
