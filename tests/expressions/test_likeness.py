"""Which functions are alike to a network: mirror images, factors, and what is too few to choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from actsearch.expressions import Expression, parse
from actsearch.expressions.likeness import WIDTH, curve, squared_distances, unlike
from actsearch.expressions.node import Node
from tests.expressions.strategies import trees


@given(trees())
def test_any_expression_has_a_finite_curve(tree: Node) -> None:
    found = curve(Expression(tree))
    assert found.shape == (WIDTH,)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("twin", ["gelu(-x)", "-gelu(x)", "-gelu(-x)"])
def test_mirror_images_are_one_function(twin: str) -> None:
    known = curve(parse("gelu(x)"))[None]
    assert squared_distances(known, curve(parse(twin)))[0] == pytest.approx(0, abs=1e-12)


def test_a_factor_is_a_difference_in_scale_alone() -> None:
    known, scaled = curve(parse("tanh(x)"))[None], curve(parse("3*tanh(x)"))
    assert squared_distances(known, scaled)[0] == pytest.approx(0.3 * np.log(3) ** 2)
    assert squared_distances(known, scaled, scale_weight=0)[0] == pytest.approx(0, abs=1e-12)


FORMULAS = ["silu(x)", "2*silu(x)", "silu(-x)", "tanh(x)", "silu(p0*x)", "1.01*tanh(x)", "sin(x)"]


@pytest.mark.parametrize(
    ("n", "places"),
    [
        (0, []),
        (1, [0]),
        (2, [0, 3]),
        (3, [0, 3, 4]),  # what is learned may become something else
        (4, [0, 3, 4, 6]),
        (5, [0, 1, 3, 4, 6]),  # there is nothing else
        (99, [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_of_one_shape_the_first_is_chosen_while_there_are_others(n: int, places: list[int]) -> None:
    assert unlike([parse(formula) for formula in FORMULAS], n, 0.1) == places


def test_of_nothing_nothing_is_chosen() -> None:
    assert unlike([], 3, 0.1) == []
