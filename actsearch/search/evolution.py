"""What DEAP does for the search: random trees, parents by selection, offspring by operators.

One birth is a pure function of (seed, number of the birth, scored individuals): the global
generator that DEAP draws from is seeded for each birth and put back afterwards, so no generator
state has to be stored and an interrupted search goes on exactly as it would have.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from deap import base, gp, tools

from actsearch.expressions import Expression, parse
from actsearch.search.evolution_selection import Ranking
from actsearch.search.space import SearchSpace
from actsearch.search.trees import (
    constant_leaf,
    fill,
    from_node,
    opened_forms,
    primitive_set,
    round_constant,
    to_node,
)

#: How often an operator is tried until its child differs from the parent and fits the shape.
_TRIES = 20


class _Fitness(base.Fitness):
    weights = (1.0,)


class _Individual(gp.PrimitiveTree):
    """A tree with its id and fitness."""

    def __init__(self, content: Sequence[Any], birth_id: int = -1, merit: float | None = None):
        super().__init__(content)
        self.birth_id = birth_id
        self.fitness = _Fitness(() if merit is None else (merit,))


@dataclass(frozen=True)
class Parent:
    """A scored formula that may have offspring; scores are compared and nothing else."""

    birth_id: int
    formula: str
    score: float | tuple[float, ...]


@dataclass(frozen=True)
class Offspring:
    """A formula that was bred, with what made it from whom."""

    expression: Expression
    operator: str
    parents: tuple[int, ...]


@contextmanager
def _seeded(*key: int) -> Iterator[None]:
    """Seed the global generator from a key, and restore it afterwards."""
    state = random.getstate()
    digest = hashlib.sha256(repr(key).encode()).digest()
    random.seed(int.from_bytes(digest[:16], "big"))
    try:
        yield
    finally:
        random.setstate(state)


class Breeder:
    """Breeds formulas of a space."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._pset = primitive_set(space)
        shape = space.shape
        self._random_tree = partial(
            gp.genHalfAndHalf,
            self._pset,
            min_=shape.min_random_depth,
            max_=shape.max_random_depth,
        )
        self._mutations: dict[str, Callable[[_Individual], Any]] = {
            "insert": lambda tree: gp.mutInsert(tree, self._pset),
            "delete": gp.mutShrink,
            "replace": lambda tree: gp.mutNodeReplacement(tree, self._pset),
            "regrow": lambda tree: gp.mutUniform(tree, self._subtree, self._pset),
            "perturb": self._perturb,
            "open": self._open,
        }
        self._opened = opened_forms(space)
        self._material: dict[str, Callable[[Any], bool]] = {
            "perturb": _is_number,
            "open": lambda node: node.name in self._opened,
        }
        self._trees: dict[str, list[Any]] = {}

    def share(self, number: int) -> float:
        """Draw a number in [0, 1) for a choice that belongs to the ``number``-th birth."""
        with _seeded(self._seed, number, -1):
            return random.random()

    def random(self, number: int) -> Offspring:
        """Draw the ``number``-th birth from the ramp of random trees."""
        with _seeded(self._seed, number):
            return self._fresh()

    def breed(self, number: int, parents: Sequence[Parent], litter: int | None = None) -> Offspring:
        """Breed the ``number``-th birth.

        Args:
            number: The id that the birth will have; with the seed it decides every draw but one.
            parents: The population, best first; a random tree is drawn where it is empty.
            litter: The id of the first birth that it was bred with, None for its own; it decides
                who the mother is, so that siblings compete with each other and families do not.
        """
        with _seeded(self._seed, number if litter is None else litter, -2):
            mother = self._selector(parents)() if parents else None
        with _seeded(self._seed, number):
            operator = "fresh" if mother is None else self._operator(mother)
            if operator == "fresh" or mother is None:
                return self._fresh()
            if operator == "crossover":
                return self._crossover(mother, self._selector(parents))
            return self._mutate(operator, mother)

    def _operator(self, mother: _Individual) -> str:
        """Draw one of the operators that find in the mother what they work on."""
        frequencies = {
            name: frequency
            for name, frequency in self._space.evolution.operators
            if name not in self._material or any(map(self._material[name], mother))
        }
        if not sum(frequencies.values()) > 0:
            return "fresh"
        (operator,) = random.choices(list(frequencies), list(frequencies.values()))
        return operator

    def _fresh(self) -> Offspring:
        tree = self._random_tree()
        for _ in range(_TRIES):
            fill(tree, self._space)
            if self._fits(tree):
                break
            tree = self._random_tree()
        return Offspring(Expression(to_node(tree)), "random", ())

    def _subtree(self, pset: gp.PrimitiveSetTyped, type_: type) -> list[Any]:
        tree: list[Any] = gp.genHalfAndHalf(pset, min_=0, max_=2, type_=type_)
        return tree

    def _selector(self, parents: Sequence[Parent]) -> Callable[[], _Individual]:
        """Return what draws a parent, as the space's ``selection`` says."""
        merits = {score: float(k) for k, score in enumerate(sorted({p.score for p in parents}))}
        population = [self._individual(parent, merits[parent.score]) for parent in parents]
        if self._space.evolution.selection == "tournament":
            return partial(self._double_tournament, population)
        ranking = Ranking(parents)
        return lambda: population[ranking.tournament()]

    def _individual(self, parent: Parent, merit: float) -> _Individual:
        if parent.formula not in self._trees:
            self._trees[parent.formula] = from_node(parse(parent.formula).root)
        return _Individual(self._trees[parent.formula], parent.birth_id, merit)

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
            if self._fits(child) and not _same(child, mother) and not _same(child, father):
                ids = (mother.birth_id, father.birth_id)
                return Offspring(Expression(to_node(child)), "crossover", ids)
        return self._fresh()

    def _mutate(self, operator: str, mother: _Individual) -> Offspring:
        for _ in range(_TRIES):
            child = _Individual(mother)
            try:
                self._mutations[operator](child)
            except IndexError:
                continue  # the space has no primitive of the kind that the operator looks for
            fill(child, self._space)
            if self._fits(child) and not _same(child, mother):
                return Offspring(Expression(to_node(child)), operator, (mother.birth_id,))
        return self._fresh()

    def _perturb(self, tree: _Individual) -> None:
        """Scale one constant by a log-normal factor, now and then with the other sign."""
        place = random.choice([i for i, node in enumerate(tree) if _is_number(node)])
        factor = random.lognormvariate(0, 0.5) * (-1 if random.random() < 0.1 else 1)
        value = tree[place].value or 0.1
        tree[place] = constant_leaf(round_constant(value * factor), tree[place].ret)

    def _open(self, tree: _Individual) -> None:
        """Write one primitive out as what it consists of, and replace a part of that."""
        place = random.choice([i for i, node in enumerate(tree) if node.name in self._opened])
        whole = tree.searchSubtree(place)
        form = list(self._opened[tree[place].name])
        part = random.choice([i for i, node in enumerate(form) if node.arity])
        alike = [
            one
            for one in self._pset.primitives[form[part].ret]
            if one.args == form[part].args and one.name != form[part].name
        ]
        form[part] = random.choice(alike)
        argument = tree[place + 1 : whole.stop]
        tree[whole] = [
            below for node in form for below in (argument if node.name == "x" else [node])
        ]

    def _fits(self, tree: Any) -> bool:
        shape = self._space.shape
        return len(tree) <= shape.max_nodes and gp.PrimitiveTree(tree).height <= shape.max_depth


def _is_number(node: Any) -> bool:
    return not node.arity and isinstance(getattr(node, "value", None), float | int)


def _same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return to_node(list(a)) == to_node(list(b))
