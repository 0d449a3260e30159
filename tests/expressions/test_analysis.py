"""Properties of functions that are in every textbook, and of some that have none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from actsearch.expressions import KNOWN, Expression, parse
from actsearch.expressions.analysis import Analysis
from actsearch.expressions.analysis.grid import LIMIT_POINTS, limit
from tests.expressions.strategies import random_trees
from tests.expressions.test_analysis_algebra import check

#: Names of a function that the zoo lists under another name before.
SAME_AS = {"CELU": "ELU"}


def analysis(text: str) -> Analysis:
    return parse(text).analyze()


def zeros(found: Analysis) -> list[float]:
    return [zero.x for zero in found.zeros]


def kinks(found: Analysis) -> list[float]:
    return [kink.x for kink in found.kinks]


def test_relu() -> None:
    found = analysis("relu(x)")
    assert (found.formula, found.derivative, found.size) == ("relu(x)", "step(x)", 2)
    assert (found.range, found.window_range) == ((0, math.inf), (0, 10))
    assert found.limits == ("0", "inf")
    assert kinks(found) == [0]
    assert found.dead == ((-math.inf, 0.0),)
    assert found.dead_share == 0.5
    assert (found.monotone, found.symmetry, found.lipschitz) == ("increasing", "none", 1)
    assert found.zeros == ()  # an interval of zeros is no isolated zero
    assert found.slope_at_0 == 0
    assert found.mean == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-5)
    assert found.gain == pytest.approx(math.sqrt(2), abs=1e-5)  # He et al. 2015
    assert (found.nearest_known, found.nearest_distance) == ("ReLU", 0)


def test_tanh() -> None:
    found = analysis("tanh(x)")
    assert found.limits == ("-1", "1")
    assert (found.symmetry, found.monotone, found.kinks) == ("odd", "increasing", ())
    assert (zeros(found), found.slope_at_0, found.lipschitz) == ([0], 1, 1)
    assert found.dead == ()
    assert found.mean == pytest.approx(0, abs=1e-12)
    assert found.variance == pytest.approx(0.394294, abs=1e-5)


def test_the_minimum_of_gelu() -> None:
    found = analysis("gelu(x)")
    assert found.range[0] == pytest.approx(-0.169971, abs=1e-6)
    assert found.limits == ("0", "inf")
    assert (found.monotone, found.slope_at_0, found.kinks) == ("no", 0.5, ())
    assert found.mean == pytest.approx(1 / (2 * math.sqrt(math.pi)), abs=1e-6)


def test_silu() -> None:
    found = analysis("x*sigmoid(x)")
    assert found.range[0] == pytest.approx(-0.278465, abs=1e-6)
    assert found.lipschitz == pytest.approx(1.0998, abs=1e-4)
    assert found.nearest_known == "SiLU"
    assert found.nearest_distance == pytest.approx(0, abs=1e-12)


def test_the_kinks_of_hardswish() -> None:
    found = analysis("hardswish(x)")
    assert kinks(found) == [-3, 3]
    assert found.range[0] == pytest.approx(-0.375, abs=1e-9)
    assert found.dead == ((-math.inf, -3.0),)
    assert zeros(found) == [0]


def test_sigmoid_saturates() -> None:
    found = analysis("sigmoid(x)")
    assert found.limits == ("0", "1")
    assert found.range == (0.0, 1.0)
    assert found.window_range == pytest.approx((4.539787e-5, 0.9999546), abs=1e-8)
    assert (found.slope_at_0, found.lipschitz) == (0.25, 0.25)
    assert found.mean == pytest.approx(0.5)
    wide = analysis("sigmoid(10*x)")
    assert found.saturated_share < 1e-4
    assert 0.4 < wide.saturated_share < 0.6


def test_elu() -> None:
    found = analysis("elu(x)")
    assert found.limits == ("-1", "inf")
    assert found.kinks == ()  # its slope is continuous
    assert kinks(analysis("selu(x)")) == [0]
    assert analysis("selu(x)").variance == pytest.approx(1, abs=1e-6)  # what it was made for
    assert analysis("selu(x)").mean == pytest.approx(0, abs=1e-6)


def test_sin() -> None:
    found = analysis("sin(x)")
    assert found.limits == ("oscillates", "oscillates")
    assert zeros(found) == pytest.approx([k * math.pi for k in range(-3, 4)], abs=1e-5)
    assert found.symmetry == "odd"
    assert analysis("cos(x)").symmetry == "even"
    assert found.variance == pytest.approx((1 - math.exp(-2)) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("x**2", ("inf", "inf")),
        ("-x**3", ("inf", "-inf")),
        ("exp(x)", ("0", "inf")),
        ("log_abs(x)", ("inf", "inf")),
        ("sqrt(x)", ("undefined", "inf")),
        ("x*cos(x)", ("oscillates", "oscillates")),
        ("x*(1 + sin(x))", ("oscillates", "oscillates")),
        ("x*(1.5 + sin(x))", ("-inf", "inf")),
        ("asinh(x) + 3*sin(x)", ("-inf", "inf")),
        ("sinh(x)*cos(x)", ("oscillates", "oscillates")),
        ("exp(x)*sin(x)", ("0", "oscillates")),
        ("exp(x/100000)", ("0", "inf")),
        ("atan(x)", ("-1.5708", "1.5708")),
    ],
)
def test_limits(text: str, limits: tuple[str, str]) -> None:
    assert analysis(text).limits == limits


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("abs(x)", (0,)),
        ("clip(x, -1, 2)", (-1, 2)),
        ("max(x, 0.1*x) + relu(x - 5)", (0, 5)),
        ("tanh(100*x)", ()),  # steep, but a bend
        ("softplus(50*x)/50", ()),
    ],
)
def test_kinks(text: str, places: tuple[float, ...]) -> None:
    assert [kink.x for kink in analysis(text).kinks] == pytest.approx(places, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "symmetry", "monotone"),
    [
        ("cosh(3*x) + 1000*tanh(x)", "none", "no"),
        ("sinh(2*x) + 0.05", "none", "increasing"),
        ("cosh(3*x)**8 + sin(x)", "none", "no"),
        ("exp(3*x)**4 + 0.1*gauss(x + 1)", "none", "no"),
        ("sinh(3*x) - 1e5*x", "odd", "no"),
        ("1e9*sigmoid(x) - 5e8", "odd", "increasing"),
        ("exp(3*x) - x + exp(-3*x) + x", "even", "no"),
    ],
)
def test_what_is_large_elsewhere_hides_nothing(text: str, symmetry: str, monotone: str) -> None:
    assert (analysis(text).symmetry, analysis(text).monotone) == (symmetry, monotone)


def test_values_that_are_not_finite_pass_for_nothing() -> None:
    for text in ("exp(exp(x))", "log(x)", "cos(x)/x"):
        found = analysis(text)
        assert (found.symmetry, found.monotone) == ("none", "no")
        assert math.isnan(found.gain)


def test_further_inputs_and_parameters_stand_at_one() -> None:
    assert analysis("u*relu(x)").window_range == (0, 10)
    assert analysis("max(x, p0*x/100)").nearest_known == "Leaky ReLU"
    assert kinks(analysis("u*relu(x)")) == [0]
    assert analysis("o + tanh(x)").limits == ("0", "2")


def test_every_known_function_is_nearest_to_itself() -> None:
    for name, formula in KNOWN.items():
        found = analysis(formula)
        assert (found.nearest_known, found.nearest_distance) == (SAME_AS.get(name, name), 0)


def test_any_formula_can_be_analysed_without_a_warning() -> None:
    for tree in random_trees(25, seed=9):
        check(Expression(tree))  # the gate makes any warning an error


@pytest.mark.parametrize(
    ("formula", "left", "right"),
    [
        ("i0e(x)", "0", "0"),
        ("i1e(x)", "0", "0"),
        ("1 + 1/sqrt(1 + x**2)**0.5", "1", "1"),
        ("asinh(x)", "-inf", "inf"),
        ("gpow(x, 0.1)", "inf", "inf"),
        ("log_abs(x)", "inf", "inf"),
        ("atan(x) + 1/gpow(x, 0.3)", "-1.5708", "1.5708"),
    ],
)
def test_limits_that_are_come_near_slowly(formula: str, left: str, right: str) -> None:
    assert parse(formula).analyze().limits == (left, right)


def test_waves_have_no_finite_limit_by_chance() -> None:
    rng = np.random.default_rng(0)
    for scale, shift in rng.uniform(0.1, 10, (2000, 2)):
        for wave in (np.sin, lambda x: np.sin(x) + np.cos(2.3 * x)):
            assert limit(wave(scale * LIMIT_POINTS + shift)) in ("oscillates", "inf", "-inf")


@pytest.mark.parametrize(
    ("formula", "steps"),
    [
        ("sign(x)", (0,)),
        ("relu(x) + step(x - 1)", (1,)),
        ("1/x", (0,)),
        ("x/(x - 1)", (1,)),
        ("tanh(100*x)", ()),
        ("abs(x)", ()),
        ("gelu(x)", ()),
    ],
)
def test_where_the_value_jumps(formula: str, steps: tuple[float, ...]) -> None:
    assert parse(formula).analyze().steps == pytest.approx(steps, abs=1e-3)


@pytest.mark.parametrize("text", ["0.7", "7.77", "1000.1", "abs(sign(x))*7.7"])
def test_a_constant_has_no_variance(text: str) -> None:
    assert analysis(text).variance == 0.0
    assert analysis(f"{text} + x/1000").variance == pytest.approx(1e-6, rel=1e-2)
