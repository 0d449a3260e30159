"""What DEAP does for the search: random trees, parents by selection, offspring by operators.

One birth is a pure function of (seed, number of the birth, scored individuals): the generator of
the search, from which DEAP draws, too, is seeded for each birth (``evolution_draws``). So no state
of it has to be stored, and an interrupted search goes on exactly as it would have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deap import base, gp, tools

from actsearch.expressions import Candidate, parse
from actsearch.expressions.expression import too_large
from actsearch.expressions.node import MAX_PARAMETERS
from actsearch.expressions.parser import MAX_DEPTH, MAX_NODES
from actsearch.search.evolution_draws import draws, seeded
from actsearch.search.evolution_operators import operators_of
from actsearch.search.evolution_selection import Ranking
from actsearch.search.formulas import read
from actsearch.search.space import SearchSpace
from actsearch.search.trees.shapes import shape_of
from actsearch.search.trees.tree import (
    extent,
    fill,
    opened_forms,
    order_bounds,
    parameters_of,
    subtrees,
    to_candidate,
    to_expression,
)

#: The operator of births that a walk through a finite space makes.
ENUMERATED = "enumerated"
#: How often an operator is tried until its child differs from the parent and fits the shape.
_TRIES = 20
#: How often a random formula is drawn until one keeps to the limits.
_RANDOM_TRIES, _FIRST_TRIES = 100, 1000
#: Trees of rows of the primitive table that are no larger are never too large to be read.
_SURELY_SMALL = 20


class _Fitness(base.Fitness):
    weights = (1.0,)


class _Individual(gp.PrimitiveTree):
    """A tree with its id, its fitness, and what its parameters were learned to be."""

    def __init__(
        self,
        content: Sequence[Any],
        birth_id: int = -1,
        merit: float | None = None,
        learned: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(content)
        self.birth_id = birth_id
        self.learned = learned or {}
        self.fitness = _Fitness(() if merit is None else (merit,))
        self.candidate: Candidate | None = None  # its formula, once it was asked for


@dataclass(frozen=True)
class Parent:
    """A scored formula that may have offspring; scores are compared and nothing else.

    ``learned`` holds the means of what its parameters became, by name.
    """

    birth_id: int
    formula: str
    score: float | tuple[float, ...]
    learned: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Offspring:
    """A formula that was bred, with what made it from whom."""

    expression: Candidate
    operator: str
    parents: tuple[int, ...]


class Breeder:
    """Breeds formulas of a space."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self.shape = shape_of(space)
        self._opened = {} if space.shape.template else opened_forms(space)
        self._operators = operators_of(space, self.shape, self._opened)
        self._trees: dict[str, list[Any] | None] = {}  # of the last parents, by formula
        self._bred_from: Sequence[Parent] = ()
        self._select: Callable[[], _Individual] | None = None
        self._permutation: list[int] = []
        self._has_plain_nodes = space.max_formula_nodes is not None

    def share(self, number: int) -> float:
        """Draw a number in [0, 1) for a choice that belongs to the ``number``-th birth."""
        with seeded(self._seed, number, -1):
            return draws.random()

    def random(self, number: int) -> Offspring:
        """Draw the ``number``-th birth from the ramp of random trees."""
        with seeded(self._seed, number):
            return self._fresh()

    def enumerated(self, count: int) -> Offspring:
        """Return the ``count``-th formula, from 0, of a finite space in the order of the seed."""
        tree = self.shape.at(self._order(count))
        return Offspring(self._expression(tree), ENUMERATED, ())

    def _order(self, count: int) -> int:
        if not self._permutation:
            size = self.shape.size
            assert size is not None
            with seeded(self._seed, -3):
                self._permutation.extend(draws.sample(range(size), size))
        return self._permutation[count]

    def breed(self, number: int, parents: Sequence[Parent], litter: int | None = None) -> Offspring:
        """Breed the ``number``-th birth.

        Args:
            number: The id that the birth will have; with the seed it decides every draw but one.
            parents: The population, best first; a random tree is drawn where it is empty. One that
                has not the form of the space has no offspring.
            litter: The id of the first birth that it was bred with, None for its own; it decides
                who the mother is, so that siblings compete with each other and families do not.
        """
        if parents is not self._bred_from:  # siblings are bred from one list
            self._bred_from, self._select = parents, self._selector(parents)
        select = self._select
        with seeded(self._seed, number if litter is None else litter, -2):
            mother = None if select is None else select()
        with seeded(self._seed, number):
            operator = "fresh" if mother is None else self._operator(mother)
            if operator == "fresh" or mother is None or select is None:
                return self._fresh()
            if operator == "crossover":
                return self._crossover(mother, select)
            return self._mutate(operator, mother)

    def _operator(self, mother: _Individual) -> str:
        """Draw one of the operators that find in the mother what they work on."""
        frequencies = {
            name: frequency
            for name, frequency in self._space.evolution.operators
            if name not in self._operators or self._operators[name].finds(mother)
        }
        if not sum(frequencies.values()) > 0:
            return "fresh"
        (operator,) = draws.choices(list(frequencies), list(frequencies.values()))
        return operator

    def _fresh(self) -> Offspring:
        # Where nothing fits the last one is born all the same, and the checks have their say.
        for _ in range(_RANDOM_TRIES):
            tree = self._drawn()
            if self._fits(tree):
                break
        else:
            if not self._can_be_read(tree):
                return Offspring(parse("x"), "random", ())  # as for them: it is affine
        return Offspring(self._expression(tree), "random", ())

    def _drawn(self) -> list[Any]:
        tree = self.shape.random()
        fill(tree, self._space)
        order_bounds(tree)
        return tree

    def can_begin(self) -> bool:
        """Tell whether random formulas keep to the limits of the space, now and then at least."""
        with seeded(self._seed, -4):
            return any(self._fits(self._drawn()) for _ in range(_FIRST_TRIES))

    def _expression(self, tree: Sequence[Any]) -> Candidate:
        return to_candidate(tree, per_channel=self._space.parameters.per == "channel")

    def _formula(self, parent: _Individual) -> Candidate:
        if parent.candidate is None:
            parent.candidate = self._expression(parent)
        return parent.candidate

    def _selector(self, parents: Sequence[Parent]) -> Callable[[], _Individual] | None:
        """Return what draws a parent, as the space's ``selection`` says; None where there is none.

        One that has not the form of the space is left out.
        """
        known = self._trees
        self._trees = {
            one.formula: known.get(one.formula) or self.shape.read(read(one.formula))
            for one in parents
        }
        parents = [parent for parent in parents if self._trees[parent.formula] is not None]
        if not parents:
            return None
        merits = {score: float(k) for k, score in enumerate(sorted({p.score for p in parents}))}
        population = [self._individual(parent, merits[parent.score]) for parent in parents]
        if self._space.evolution.selection == "tournament":
            return functools.partial(self._double_tournament, population)
        ranking = Ranking(parents, self._space.evolution.objectives)
        return lambda: population[ranking.tournament()]

    def _individual(self, parent: Parent, merit: float) -> _Individual:
        tree = self._trees[parent.formula]
        assert tree is not None
        return _Individual(tree, parent.birth_id, merit, parent.learned)

    def _double_tournament(self, population: Sequence[_Individual]) -> _Individual:
        evolution = self._space.evolution
        (chosen,) = tools.selDoubleTournament(
            population,
            k=1,
            fitness_size=evolution.tournament,
            parsimony_size=evolution.parsimony,
            fitness_first=True,
        )
        picked: _Individual = chosen
        return picked

    def _crossover(self, mother: _Individual, select: Callable[[], _Individual]) -> Offspring:
        for _ in range(_TRIES):
            father = select()
            child, _ = gp.cxOnePoint(_Individual(mother), _Individual(father))
            order_bounds(child)
            if not self._fits(child):
                continue
            found = self._expression(child)
            if found not in (self._formula(mother), self._formula(father)):
                return Offspring(found, "crossover", (mother.birth_id, father.birth_id))
        return self._fresh()

    def _mutate(self, operator: str, mother: _Individual) -> Offspring:
        for _ in range(_TRIES):
            child = _Individual(mother, learned=mother.learned)
            try:
                self._operators[operator].change(child)
            except IndexError:
                continue  # the space has no primitive of the kind that the operator looks for
            fill(child, self._space)
            order_bounds(child)
            if self._fits(child) and (found := self._expression(child)) != self._formula(mother):
                return Offspring(found, operator, (mother.birth_id,))
        return self._fresh()

    def _fits(self, tree: Any) -> bool:
        if not self._can_be_read(tree):  # first: it may be too large to be looked at
            return False
        most = self._space.parameters.max or MAX_PARAMETERS
        few = all(len(parameters_of(part)) <= most for part in subtrees(tree))
        return few and self.shape.fits(tree)

    def _can_be_read(self, tree: Sequence[Any]) -> bool:
        """Tell whether the text of a tree, by which it is stored and trained, can be read."""
        if len(tree) <= _SURELY_SMALL and self._has_plain_nodes:
            return True
        per_channel = self._space.parameters.per == "channel"
        for part in subtrees(tree):
            n_nodes, depth = extent(part)
            if n_nodes > MAX_NODES or depth > MAX_DEPTH:
                return False
            if too_large(to_expression(part, per_channel=per_channel)):
                return False
        return True
