"""What shapes share that can be counted: their size, their trees by number, the leaves of slots."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from actsearch.search.space import SearchSpace
from actsearch.search.space.primitives import Entry
from actsearch.search.trees.counting import Alternative, Counter, Limited
from actsearch.search.trees.tree import (
    Learned,
    Parameter,
    Scalar,
    as_new,
    constant_leaf,
    is_learned,
    parameter_leaf,
)

SCALAR, LEARNED = ("scalar",), ("learned",)


class CountedShape(ABC):
    """A shape as a grammar (``counting.Grammar``), which has an end where no constant is drawn.

    Where operators add parameters, trees with more of them than the space allows don't count.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        most = space.parameters.max
        self._numbers = range(most + 1) if most else None
        self._counter = Counter(Limited(self, is_learned) if most else self)

    @property
    @abstractmethod
    def _draws(self) -> bool:
        """Whether constants stand in its trees."""

    @abstractmethod
    def _symbols(self) -> Iterable[Hashable]:
        """Yield the symbols that whole trees have."""

    @abstractmethod
    def _at(self, symbol: Any) -> Iterable[Alternative]:
        """Yield what may stand at a symbol that is no slot."""

    @functools.cached_property
    def size(self) -> int | None:
        """How many different trees there are, factors on edges left out; None for no end."""
        if self._draws and self._space.constants.scale > 0:
            return None
        return sum(map(self._counter.count, self._wholes()))

    def at(self, number: int) -> list[Any]:
        """Return tree ``number``, from 0, of a shape that is finite.

        Raises:
            IndexError: There are not so many.
        """
        for symbol in self._wholes():
            n = self._counter.count(symbol)
            if number < n:
                return as_new(self._counter.at(symbol, number))
            number -= n
        raise IndexError(number)

    def first(self, symbol: Hashable) -> list[Any]:
        """Return the first tree of a symbol, with as few parameters as there may be."""
        if self._numbers is None:
            return as_new(self._counter.at(symbol, 0))
        symbols = ((symbol, n) for n in self._numbers)
        found = next(one for one in symbols if self._counter.count(one) > 0)
        return as_new(self._counter.at(found, 0))

    def _wholes(self) -> Iterable[Hashable]:
        if self._numbers is None:
            return self._symbols()
        return ((symbol, n) for symbol in self._symbols() for n in self._numbers)

    def alternatives(self, symbol: Hashable) -> Iterable[Alternative]:
        """Return what may stand at a symbol, always in the same order."""
        if symbol == LEARNED:
            return ((leaf, ()) for leaf in self._parameters(Learned))
        if symbol == SCALAR:
            return ((leaf, ()) for leaf in self._constants(Scalar))
        return self._at(symbol)

    def _parameters(self, kind: type) -> list[Any]:
        starts = dict.fromkeys(self._space.parameters.starts)
        return [parameter_leaf(Parameter(start, "counted"), kind) for start in starts]

    def _constants(self, kind: type) -> list[Any]:
        values = dict.fromkeys(self._space.constants.values)  # named twice, drawn twice as often
        return [constant_leaf(value, kind) for value in values]


def takes_constants(entries: Iterable[Entry]) -> bool:
    """Tell whether one of the primitives takes numbers."""
    return any(entry.slots and not entry.learned for entry in entries)


def slots_of(entry: Entry) -> Sequence[Hashable]:
    """Return the symbols of a primitive's slots."""
    return (LEARNED if entry.learned else SCALAR,) * len(entry.slots)
