"""Which functions are alike to a network: mirror images, factors, and what is too few to choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from actsearch.expressions import KNOWN, Expression, parse
from actsearch.expressions.likeness import (
    WIDTH,
    curve,
    curves,
    multiple_of,
    nearly_multiple_of,
    squared_distances,
    unlike,
)
from actsearch.expressions.node import Node
from tests.expressions.strategies import trees


@given(trees())
def test_any_expression_has_a_finite_curve(tree: Node) -> None:
    expression = Expression(tree)
    found = curve(expression)
    assert found.shape == (WIDTH * (1 if expression.inputs == ("x",) else 4),)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("twin", ["gelu(-x)", "-gelu(x)", "-gelu(-x)"])
def test_mirror_images_are_one_function(twin: str) -> None:
    known = curve(parse("gelu(x)"))[None]
    assert squared_distances(known, curve(parse(twin)))[0] == pytest.approx(0, abs=1e-12)


def test_a_factor_is_a_difference_in_scale_alone() -> None:
    known, scaled = curve(parse("tanh(x)"))[None], curve(parse("3*tanh(x)"))
    assert squared_distances(known, scaled)[0] == pytest.approx(0.3 * np.log(3) ** 2)
    assert squared_distances(known, scaled, scale_weight=0)[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("formula", "place"),
    [
        ("1.21*gelu(x)", 1),
        ("-3*gelu(-x)", 1),
        ("x*(erf(x/sqrt(2)) + 1)", 1),  # however it is written
        ("p0*gelu(x)", 1),  # a learned factor is one as well
        ("gelu(1.01*x)", None),
        ("gelu(x) + 0.001*x", None),
        ("gelu(p0*x)", None),
        ("min(gelu(x), 6)", None),  # differs far out alone
        ("2*p0*x", 2),
        ("2*p0*x; p0=0.5", None),  # it begins elsewhere
        ("2*p0*x; per channel", None),
        ("2*x", 2),
        ("0*x", None),
    ],
)
def test_what_is_a_multiple_of_another(formula: str, place: int | None) -> None:
    others = [parse(one) for one in ("tanh(x)", "gelu(x)", "p0*x", "relu(x)")]
    assert multiple_of(parse(formula), others) == place


@pytest.mark.parametrize(
    ("formula", "place"),
    [("2*silu(1.7*x)", 1), ("-gelu(1.02*x)", 1), ("silu(x)", None), ("p0*gelu(x)", None)],
)
def test_what_is_nearly_another(formula: str, place: int | None) -> None:
    others = [parse("tanh(x)"), parse("gelu(x)")]
    assert nearly_multiple_of(parse(formula), others, 0.05) == place
    assert nearly_multiple_of(parse(formula), [], 0.05) is None


def test_no_two_known_activations_are_one_but_for_a_factor_besides_e_swish() -> None:
    known = {parse(formula).fingerprint(): name for name, formula in KNOWN.items()}
    names = list(known.values())
    expressions = [parse(KNOWN[name]) for name in names]
    pairs = {
        (names[place], names[found])
        for place, expression in enumerate(expressions)
        if (found := multiple_of(expression, expressions[:place])) is not None
    }
    assert pairs == {("E-Swish", "SiLU")}


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


def test_a_curve_is_that_at_the_start() -> None:
    assert np.array_equal(curve(parse("silu(p0*x); p0=1.7")), curve(parse("silu(1.7*x)")))
    assert np.array_equal(curve(parse("silu(p0*x); per channel")), curve(parse("silu(x)")))


def test_further_inputs_tell_functions_apart() -> None:
    texts = [
        "silu(x)*u",
        "silu(x)",
        "silu(x)*u**2",
        "max(x, u)",
        "relu(x)*o",
        "relu(x)*sqrt_abs(o)",
    ]
    known = curves([parse(text) for text in texts])
    for place in range(len(texts)):
        squares = squared_distances(known, known[place])
        assert squares[place] == 0
        assert np.delete(squares, place).min() > 0.05


@pytest.mark.parametrize("twin", ["max(x, -u)", "max(-x, u)", "-max(x, u)"])
def test_the_sign_of_a_second_projection_does_not_count(twin: str) -> None:
    known = curves([parse("max(x, u)")])
    assert squared_distances(known, curve(parse(twin)))[0] == pytest.approx(0, abs=1e-12)
    assert multiple_of(parse(f"3*({twin})"), [parse("x*u"), parse("max(x, u)")]) == 1


def test_among_functions_of_x_alone_nothing_changes_by_what_reads_more() -> None:
    alone = [parse(text) for text in ("gelu(x)", "tanh(x)", "relu(x)")]
    narrow, wide = curves(alone), curves([*alone, parse("x*u")])
    assert wide.shape[1] == 4 * narrow.shape[1]
    one = curve(parse("silu(1.5*x)"))
    np.testing.assert_array_equal(squared_distances(wide, one)[:3], squared_distances(narrow, one))


def test_a_multiple_is_one_at_every_value_of_further_inputs() -> None:
    assert multiple_of(parse("silu(x)*u**2"), [parse("silu(x)*u")]) is None
    assert multiple_of(parse("2*u*silu(x)"), [parse("silu(x)*u")]) == 0
    assert multiple_of(parse("silu(x)"), [parse("silu(x)*u")]) is None
