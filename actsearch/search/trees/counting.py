"""How many expressions a finite grammar has, exactly, and the k-th of them.

A grammar says for each symbol what may stand there: an item and the symbols of its arguments.
Symbols are finite (they carry the size or depth that is left), so counts are sums of products, and
the k-th expression is found by walking down with what is left of k: mixed-radix digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol

#: What may stand at a symbol: an item of a tree, and the symbols of its arguments.
Alternative = tuple[Any, tuple[Hashable, ...]]


class Grammar(Protocol):
    """Says what may stand where."""

    def alternatives(self, symbol: Hashable) -> Iterable[Alternative]:
        """Return what may stand at a symbol, always in the same order."""
        ...


class Counter:
    """Counts the expressions of a grammar's symbols, and finds them by number."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._alternatives: dict[Hashable, tuple[Alternative, ...]] = {}
        self._counts: dict[Hashable, int] = {}

    def count(self, symbol: Hashable) -> int:
        """Return how many expressions there are of a symbol."""
        if symbol not in self._counts:
            self._counts[symbol] = sum(
                math.prod(self.count(argument) for argument in arguments)
                for _, arguments in self._of(symbol)
            )
        return self._counts[symbol]

    def at(self, symbol: Hashable, number: int) -> list[Any]:
        """Return expression ``number`` (from 0) of a symbol as items in prefix order.

        Raises:
            IndexError: There are not so many.
        """
        for item, arguments in self._of(symbol):
            counts = [self.count(argument) for argument in arguments]
            n = math.prod(counts)
            if number < n:
                tree = [item]
                for argument, count in zip(arguments, counts, strict=True):
                    n //= count
                    digit, number = divmod(number, n)
                    tree += self.at(argument, digit)
                return tree
            number -= n
        raise IndexError(number)

    def _of(self, symbol: Hashable) -> tuple[Alternative, ...]:
        if symbol not in self._alternatives:
            self._alternatives[symbol] = tuple(self._grammar.alternatives(symbol))
        return self._alternatives[symbol]


def splits(total: int, n: int, least: int = 0) -> Iterable[tuple[int, ...]]:
    """Yield the ways to split ``total`` into ``n`` parts of at least ``least``, in order."""
    if n == 0:
        if total == 0:
            yield ()
        return
    for first in range(least, total - least * (n - 1) + 1):
        for rest in splits(total - first, n - 1, least):
            yield (first, *rest)


def shares(total: int, allowed: Sequence[bool]) -> Iterable[tuple[int, ...]]:
    """Yield the ways to split ``total`` where only some parts may be above 0."""
    n = sum(allowed)
    if n == 0 and total > 0:
        return
    for parts in splits(total, n):
        rest = iter(parts)
        yield tuple(next(rest) if may else 0 for may in allowed)


class Limited:
    """A grammar whose expressions have a stated number of marked items. Implements ``Grammar``.

    Its symbols are pairs of a symbol of the grammar beneath and that number.

    Args:
        grammar: What it limits.
        is_marked: Tells whether an item counts.
    """

    def __init__(self, grammar: Grammar, is_marked: Callable[[Any], bool]) -> None:
        self._grammar = grammar
        self._is_marked = is_marked

    def alternatives(self, symbol: Hashable) -> Iterable[Alternative]:
        """Return what may stand at a pair of symbol and number."""
        assert isinstance(symbol, tuple)
        beneath, n = symbol
        for item, arguments in self._grammar.alternatives(beneath):
            for parts in splits(n - self._is_marked(item), len(arguments)):
                yield item, tuple(zip(arguments, parts, strict=True))
