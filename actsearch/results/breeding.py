"""What formulas are made of, and what each operator of a search was good for, as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.errors import ActsearchError
from actsearch.expressions import parse_candidate, parts_of
from actsearch.results.hall import SEEDED
from actsearch.runs import Birth, TrainingRow

_BEST = 0.1  # share of those with a score that are called the best
_LEAST_BEST = 5


@dataclass(frozen=True)
class Success:
    """What an operator made.

    Of its ``births`` some were ``trained``, which are those with a training; of those that have a
    score in the shortest training as one of their parents has, which are ``compared``, some are
    ``improved``, better than the best of their parents. ``gain`` is the mean difference to it, None
    where none is compared.
    """

    operator: str
    births: int
    trained: int
    compared: int
    improved: int
    gain: float | None


def mean_scores(trainings: Iterable[TrainingRow], rung: str) -> dict[int, float]:
    """Return birth id -> mean score at a rung, of the births whose trainings there all have one."""
    scores: dict[int, list[float | None]] = {}
    for row in trainings:
        if row.rung == rung:
            scores.setdefault(row.birth_id, []).append(row.score)
    complete = {
        id_: [s for s in of if s is not None] for id_, of in scores.items() if None not in of
    }
    return {id_: sum(of) / len(of) for id_, of in complete.items()}


def usage(births: Iterable[Birth]) -> dict[str, float]:
    """Return primitive -> share of the formulas that have it."""
    counts: Counter[str] = Counter()
    n = 0
    read: dict[str, frozenset[str]] = {}
    for birth in births:
        if birth.formula not in read:
            read[birth.formula] = _primitives(birth.formula)
        counts.update(read[birth.formula])
        n += 1
    return {name: count / n for name, count in counts.items()}


def _primitives(formula: str) -> frozenset[str]:
    try:
        parts = parts_of(parse_candidate(formula))
    except ActsearchError:  # a rejected birth may be no formula
        return frozenset()
    return frozenset(node.op for part in parts for node in part.root.walk() if node.args)


def best_births(ranked: Sequence[Mapping[str, Any]], births: Iterable[Birth]) -> list[Birth]:
    """Return the best tenth of the births that have a score, at least five."""
    n = max(_LEAST_BEST, round(_BEST * len(ranked)))
    best = {row["id"] for row in ranked[:n]}
    return [birth for birth in births if birth.id in best]


def successes(
    births: Iterable[Birth], scores: Mapping[int, float], trained: Container[int]
) -> list[Success]:
    """Return what each operator made, the one of the most births first.

    Args:
        births: Of the run; those that were given are passed over.
        scores: Birth id -> score, of trainings of one length.
        trained: Ids of those that have a training; others that passed all checks may wait for one.
    """
    by_operator: dict[str, list[Birth]] = {}
    for birth in births:
        if birth.operator not in SEEDED:
            by_operator.setdefault(birth.operator, []).append(birth)
    found = []
    for operator, own in by_operator.items():
        gains = [
            scores[birth.id] - max(known)
            for birth in own
            if birth.id in scores and (known := [scores[p] for p in birth.parents if p in scores])
        ]
        found.append(
            Success(
                operator,
                births=len(own),
                trained=sum(birth.id in trained for birth in own),
                compared=len(gains),
                improved=sum(gain > 0 for gain in gains),
                gain=sum(gains) / len(gains) if gains else None,
            )
        )
    return sorted(found, key=lambda one: (-one.births, one.operator))
