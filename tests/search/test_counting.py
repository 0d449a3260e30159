"""Counts of finite grammars, and their expressions by number."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.search.trees.counting import Alternative, Counter, shares, splits


class _Words:
    """Words over ``letters`` of a length: their number is known."""

    def __init__(self, letters: str) -> None:
        self.letters = letters

    def alternatives(self, symbol: Hashable) -> Iterable[Alternative]:
        assert isinstance(symbol, int)
        if symbol == 0:
            yield "", ()
            return
        yield from ((letter, (symbol - 1,)) for letter in self.letters)


@given(st.integers(1, 4), st.integers(0, 5))
def test_words(n_letters: int, length: int) -> None:
    counter = Counter(_Words("abcd"[:n_letters]))
    assert counter.count(length) == n_letters**length
    words = ["".join(counter.at(length, k)) for k in range(n_letters**length)]
    assert words == sorted(set(words))  # each once, in the order of the alternatives
    with pytest.raises(IndexError):
        counter.at(length, n_letters**length)


@given(st.integers(0, 7), st.integers(0, 4), st.integers(0, 2))
def test_splits_are_all_there_are(total: int, n: int, least: int) -> None:
    found = list(splits(total, n, least))
    assert len(set(found)) == len(found)
    assert all(
        len(one) == n and sum(one) == total and min(one, default=least) >= least for one in found
    )
    everything: list[tuple[int, ...]] = [()]
    for _ in range(n):
        everything = [(*one, k) for one in everything for k in range(least, total + 1)]
    assert sorted(found) == sorted(one for one in everything if sum(one) == total)


@given(st.integers(0, 5), st.lists(st.booleans(), max_size=4))
def test_shares_go_to_those_that_may(total: int, allowed: list[bool]) -> None:
    found = list(shares(total, allowed))
    assert all(sum(one) == total for one in found)
    assert all(not part or may for one in found for part, may in zip(one, allowed, strict=True))
    assert len(found) == len(list(splits(total, sum(allowed))))
