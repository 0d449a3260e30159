"""Candidates with a formula for each group of layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.expressions import Expression, FormulaError, Layered, parse, parse_candidate
from actsearch.expressions.layered import GROUPS, mean_over_parts, parts_of
from actsearch.expressions.likeness import (
    WIDTH,
    curve,
    multiple_of,
    nearly_multiple_of,
    squared_distances,
)
from tests.expressions.strategies import trees

THREE = "input: relu(x) | hidden: silu(x) | last: p0*tanh(x); p0=0.5"


def layered(text: str) -> Layered:
    found = parse_candidate(text)
    assert isinstance(found, Layered)
    return found


def test_it_is_read_and_printed() -> None:
    one = layered(THREE)
    assert str(one) == THREE
    assert parse_candidate(str(one)) == one
    assert [str(part) for part in one.parts] == ["relu(x)", "silu(x)", "p0*tanh(x); p0=0.5"]
    assert one.size == 2 + 2 + 4
    assert one.depth == 2
    assert one.parameters == ("p0",)
    assert one.inputs == ("x",)
    assert str(layered("last: x*tanh(x)|input:relu(x)")) == "input: relu(x) | last: x*tanh(x)"
    assert r"f_{\mathrm{hidden}}" in one.latex()


def test_one_formula_in_all_groups_is_that_formula() -> None:
    one = parse_candidate("input: relu(x) | hidden: relu(x) | last: relu(x)")
    assert one == parse("relu(x)")
    assert parts_of(one) == (one,)
    assert isinstance(parse_candidate("relu(x)"), Expression)


@given(st.tuples(trees(6, leaves=("x",)), trees(6, leaves=("x",))))
def test_round_trip(pair: tuple[object, object]) -> None:
    formulas = [Expression(tree) for tree in pair]  # type: ignore[arg-type]
    text = " | ".join(f"{g}: {f}" for g, f in zip(("input", "last"), formulas, strict=True))
    again = parse_candidate(text)
    assert parse_candidate(str(again)) == again
    assert set(parts_of(again)) == set(formulas)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu(x) | tanh(x)", "each group once"),
        ("input: relu(x) | input: tanh(x)", "each group once"),
        ("first: relu(x) | last: tanh(x)", "of input, hidden, last"),
        ("input: relu(x) | last: tnah(x)", "did you mean 'tanh'"),
        ("input: relu(x) | last: x*u", "that of last reads x, u"),
        ("input: relu(x) |", "each group once"),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse_candidate(text)


def test_groups_and_places() -> None:
    one = layered(THREE)
    assert [str(one.at(k, 3)) for k in range(3)] == [str(part) for part in one.parts]
    assert [str(one.at(k, 5)) for k in range(5)][1:4] == ["silu(x)"] * 3
    two = layered("input: relu(x) | last: tanh(x)")
    assert [str(two.at(k, 2)) for k in range(2)] == ["relu(x)", "tanh(x)"]
    rest = layered("hidden: relu(x) | last: tanh(x)")
    assert [str(rest.at(k, 3)) for k in range(3)] == ["relu(x)", "relu(x)", "tanh(x)"]
    assert GROUPS == ("input", "hidden", "last")


def test_fingerprints_tell_where_a_function_stands() -> None:
    prints = {
        layered(text).fingerprint()
        for text in (
            "input: relu(x) | last: tanh(x)",
            "input: tanh(x) | last: relu(x)",
            "hidden: relu(x) | last: tanh(x)",
            "input: relu(x) | last: tanh(2*x)",
        )
    }
    assert len(prints) == 4
    same = layered("input: max(x, 0) | last: tanh(x)")
    assert same.fingerprint() == layered("input: relu(x) | last: tanh(x)").fingerprint()


def test_checks_name_the_group() -> None:
    assert layered(THREE).check() is None
    reason = layered("input: relu(x) | hidden: x + 1 | last: tanh(x)").check()
    assert reason == "affine: 1*x + 1 (in the group hidden)"
    assert layered(THREE).check(max_size=3) == ("over size: 4 nodes, at most 3 (in the group last)")


def test_curves_lie_side_by_side_and_means_are_over_parts() -> None:
    one = layered("input: relu(x) | hidden: silu(x) | last: tanh(x)")
    assert curve(one).shape == (3 * WIDTH,)
    np.testing.assert_array_equal(curve(one)[WIDTH : 2 * WIDTH], curve(parse("silu(x)")))
    assert mean_over_parts(lambda part: part.size)(one) == 2
    assert multiple_of(one, [parse("relu(x)"), parse("silu(x)")]) is None


def test_swapped_groups_are_far_apart() -> None:
    one = layered("input: abs(x) | hidden: relu(x) | last: tanh(x)")
    other = layered("input: tanh(x) | hidden: relu(x) | last: abs(x)")
    assert squared_distances(curve(one)[None], curve(other))[0] > 0.5
    assert squared_distances(curve(one)[None], curve(one))[0] == 0
    rivals = [parse("relu(x)"), parse("silu(x)*u"), parse("silu(x)")]
    nearly = layered("input: silu(x) | hidden: silu(1.001*x) | last: silu(x)")
    assert nearly_multiple_of(nearly, rivals, 0.05) == 2


def test_one_function_in_all_groups_has_its_fingerprint() -> None:
    one = layered("input: x*sigmoid(x) | hidden: silu(x) | last: silu(x)")
    assert one.fingerprint() == parse("silu(x)").fingerprint()
