"""Rows of a store that anyone may have written: a record of the right types, or malformed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.runs import rows
from tests.fuzz import promises, texts

#: Reading -> a row that it takes; JSON stands where text begins with a bracket.
READERS: dict[str, tuple[Callable[[tuple[Any, ...]], Any], tuple[Any, ...]]] = {
    "birth": (
        rows.birth_from_row,
        (3, "crossover", "[0,1]", "x*sin(x)", "ab", "duplicate", "", 1, 4, 1.5, 0.0),
    ),
    "training": (
        rows.training_from_row,
        (3, "full", 7, "ok", 0.5, '{"n":"NaN"}', '[[1,2.0,"Infinity"]]', 1.0, "cpu", ""),
    ),
    "trial": (
        rows.trial_from_row,
        ("t", "test", "relu(x)", 7, "ok", 0.5, '{"n":1}', "[[1,2,3]]", 1.0, "cpu", ""),
    ),
    "heat": (rows.heat_from_row, (0, 3, "full", "[0,1]", '[[5,"-Infinity"],[6,0.1]]', 2)),
    "session": (rows.session_from_row, (0, 1.0, None, 2.0, '{"workers":2}', "")),
}
_NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.just(10**400), st.just(-(10**4200))
)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=5) | st.sampled_from(["NaN", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
#: What SQLite gives back from a column, whatever it was declared to hold.
_CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=8),
    st.text(max_size=8),
    _JSON.map(json.dumps),
    texts.broken(st.sampled_from(["[[1,2.5,0.5]]", '{"a":"NaN","b":-1e300}', "[0,1,2]"])),
    st.integers(1, 20_000).map(lambda n: "[" * n),
)


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_a_row_is_a_record_of_its_types_or_malformed(kind: str, data: st.DataObject) -> None:
    read, row = READERS[kind]
    cells = list(row)
    for place in data.draw(st.sets(st.integers(0, len(row) - 1), min_size=1, max_size=3)):
        cells[place] = data.draw(_CELLS)
    try:
        record = read(tuple(cells))
    except rows.Malformed:
        return
    for name, value in dataclasses.asdict(record).items():
        json.dumps({name: value})  # plain values alone: no bytes
        assert not isinstance(value, bool)


@pytest.mark.parametrize("kind", READERS)
def test_the_rows_that_are_broken_are_right(kind: str) -> None:
    read, row = READERS[kind]
    read(row)


@given(st.one_of(_JSON.map(json.dumps), st.text(max_size=40), _CELLS.map(str)))
@example("[" * 100_000)
@example("9" * 4400)
@example('{"a":1' + "0" * 400 + "}")
def test_any_text_in_the_place_of_json_is_read_or_malformed(text: str) -> None:
    promises.row(text)
