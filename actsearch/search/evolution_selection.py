"""Parents and survivors by NSGA-II: good, cheap and small formulas side by side.

Three objectives: the place in the order by score, the modelled cost (which is the same number in
every process; a measured one would make every search another), and the size. DEAP sorts the fronts
and measures the crowding.

Deb, Pratap, Agarwal and Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II, IEEE Transactions on Evolutionary Computation 6(2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from deap import base, tools

from actsearch.expressions import Candidate
from actsearch.expressions.cost import modelled_cost
from actsearch.expressions.layered import mean_over_parts
from actsearch.search.evolution_draws import draws
from actsearch.search.formulas import read


class _Scored(Protocol):
    @property
    def formula(self) -> str: ...


_P = TypeVar("_P", bound=_Scored)


#: What a candidate may be chosen by, from its place and its expression: the less the better.
OBJECTIVES: dict[str, Callable[[int, Candidate], float]] = {
    "score": lambda place, _candidate: place,
    "cost": lambda _place, candidate: mean_over_parts(modelled_cost)(candidate),
    "size": lambda _place, candidate: candidate.size,
}
ALL = tuple(OBJECTIVES)


class _Fitness(base.Fitness):
    weights = (-1.0,) * len(OBJECTIVES)


class _Candidate:
    """A parent's place in the order by score, with the fitness that DEAP sorts by."""

    def __init__(self, place: int, formula: str, objectives: Sequence[str]) -> None:
        candidate = read(formula)
        self.place = place
        # What is no objective is equal in all.
        values = [OBJECTIVES[name](place, candidate) if name in objectives else 0 for name in ALL]
        self.fitness = _Fitness(values)


def select_survivors(parents: Sequence[_P], n: int, objectives: Sequence[str] = ALL) -> list[_P]:
    """Return the ``n`` that NSGA-II keeps: front by front, the last one by crowding distance.

    Args:
        parents: The best by score first, as the order is one of the objectives.
        n: How many; all where there are no more.
        objectives: Names of ``OBJECTIVES``.

    Returns:
        The survivors in the order of ``parents``.
    """
    if len(parents) <= n:
        return list(parents)
    kept = tools.selNSGA2(_candidates(parents, objectives), n)
    return [parents[place] for place in sorted(candidate.place for candidate in kept)]


class Ranking:
    """Front and crowding distance of each of a population, and the tournament by them.

    Args:
        parents: The best by score first.
        objectives: Names of ``OBJECTIVES``.
    """

    def __init__(self, parents: Sequence[_Scored], objectives: Sequence[str] = ALL) -> None:
        #: Place -> (front from 0, minus the crowding distance): the less the better.
        self.merits: list[tuple[int, float]] = [(0, 0.0)] * len(parents)
        candidates = _candidates(parents, objectives)
        for front, members in enumerate(tools.sortNondominated(candidates, len(candidates))):
            tools.emo.assignCrowdingDist(members)
            for candidate in members:
                self.merits[candidate.place] = (front, -candidate.fitness.crowding_dist)

    def tournament(self) -> int:
        """Return the place of the better of two, drawn from the global generator."""
        n = len(self.merits)
        drawn = draws.sample(range(n), 2) if n > 1 else [0]
        return min(drawn, key=lambda place: self.merits[place])


def _candidates(parents: Sequence[Any], objectives: Sequence[str]) -> list[_Candidate]:
    return [_Candidate(place, one.formula, objectives) for place, one in enumerate(parents)]
