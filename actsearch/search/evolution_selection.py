"""Parents and survivors by NSGA-II: good, cheap and small formulas side by side.

Three objectives: the place in the order by score, the modelled cost (which is the same number in
every process; a measured one would make every search another), and the size. DEAP sorts the fronts
and measures the crowding.

Deb, Pratap, Agarwal and Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II, IEEE Transactions on Evolutionary Computation 6(2).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from deap import base, tools

from actsearch.expressions import parse
from actsearch.expressions.cost import modelled_cost


class _Scored(Protocol):
    @property
    def formula(self) -> str: ...


_P = TypeVar("_P", bound=_Scored)


class _Objectives(base.Fitness):
    weights = (-1.0, -1.0, -1.0)  # place, cost, size: the less the better


class _Candidate:
    """A parent's place in the order by score, with the fitness that DEAP sorts by."""

    def __init__(self, place: int, formula: str) -> None:
        expression = parse(formula)
        self.place = place
        self.fitness = _Objectives((place, modelled_cost(expression), expression.size))


def select_survivors(parents: Sequence[_P], n: int) -> list[_P]:
    """Return the ``n`` that NSGA-II keeps: front by front, the last one by crowding distance.

    Args:
        parents: The best by score first, as the order is one of the objectives.
        n: How many; all where there are no more.

    Returns:
        The survivors in the order of ``parents``.
    """
    if len(parents) <= n:
        return list(parents)
    kept = tools.selNSGA2(_candidates(parents), n)
    return [parents[place] for place in sorted(candidate.place for candidate in kept)]


class Ranking:
    """Front and crowding distance of each of a population, and the tournament by them.

    Args:
        parents: The best by score first.
    """

    def __init__(self, parents: Sequence[_Scored]) -> None:
        #: Place -> (front from 0, minus the crowding distance): the less the better.
        self.merits: list[tuple[int, float]] = [(0, 0.0)] * len(parents)
        candidates = _candidates(parents)
        for front, members in enumerate(tools.sortNondominated(candidates, len(candidates))):
            tools.emo.assignCrowdingDist(members)
            for candidate in members:
                self.merits[candidate.place] = (front, -candidate.fitness.crowding_dist)

    def tournament(self) -> int:
        """Return the place of the better of two, drawn from the global generator."""
        n = len(self.merits)
        drawn = random.sample(range(n), 2) if n > 1 else [0]
        return min(drawn, key=lambda place: self.merits[place])


def _candidates(parents: Sequence[Any]) -> list[_Candidate]:
    return [_Candidate(place, parent.formula) for place, parent in enumerate(parents)]
