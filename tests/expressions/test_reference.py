"""The truth is true: known values, exact constants, slopes, and an end to every computation."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

from actsearch.expressions import PRIMITIVES, Expression, parse, reference
from tests.expressions.strategies import node_of

KNOWN_VALUES = {
    ("gelu(x)", 1.0): "0.841344746068542948585232545632",
    ("erfc(x)", 10.0): "2.08848758376254475700078629496e-45",
    ("mish(x)", -20.0): "-0.0000000412230724062876140064029177401",
    ("i0e(x)", 1000.0): "0.01261724045589125658",
    ("sinc(x)", 1.0): "0.841470984807896506652502321630",
    ("tanh(x)", 1e30): "1",
    ("softplus(x)", 1e30): "1e30",
    ("softplus(x)", -100.0): "3.72007597602083596296e-44",
    ("logsigmoid(x)", -1e10): "-1e10",
    ("exp(x)", -1e5): "3.56294956530937517719830146822e-43430",
    ("x**-3", -2.0): "-0.125",
    ("x**1e30", -1.0): "1",
    ("x**0", 0.0): "1",
}


@pytest.mark.parametrize(("text", "x"), KNOWN_VALUES)
def test_known_values(text: str, x: float) -> None:
    true = reference.value(parse(text).root, {"x": x})
    expected = mp.mpf(KNOWN_VALUES[text, x])
    assert abs(true - expected) <= abs(expected) * mp.mpf(10) ** -15


def test_constants_are_not_folded_in_float64() -> None:
    # exp(a) - 1 of a small constant would lose half of its digits.
    true = reference.value(parse("elu(-1e-9)").root, {"x": 1.0})
    assert float(true) == math.expm1(-1e-9)
    tenth = reference.value(parse("0.1 + 0.2").root, {"x": 1.0})
    with mp.workdps(60):
        assert tenth == mp.mpf(0.1) + mp.mpf(0.2)


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("x**2", 3.0, 6.0),
        ("abs(x)", -1e-30, -1.0),
        ("tanh(x)", 0.0, 1.0),
        ("sin(x)", math.pi, -1.0),
        ("exp(x)", 1.0, math.e),
        ("heaviside(x)", 2.0, 0.0),
        ("log(x)", 1e30, 1e-30),
        ("max(x, u)", 2.0, 1.0),
    ],
)
def test_slopes(text: str, x: float, slope: float) -> None:
    found = reference.slope(parse(text).root, {"x": x, "u": 1.0}, "x")
    assert float(found) == pytest.approx(slope, rel=1e-15, abs=0)


def test_fewer_digits_give_the_same_where_nothing_cancels() -> None:
    for name in ("gelu", "mish", "i1e", "sinc", "atan"):
        node = node_of(PRIMITIVES[name])
        for digits in (64, 200):
            few = reference.value(node, {"x": 1.7}, digits=digits)
            assert abs(few - reference.value(node, {"x": 1.7})) < mp.mpf(10) ** -50
            slope = reference.slope(node, {"x": 1.7}, "x", digits=digits)
            assert abs(slope - reference.slope(node, {"x": 1.7}, "x")) < mp.mpf(10) ** -50


@pytest.mark.parametrize(
    "text", ["exp(exp(exp(x)))", "sin(exp(exp(x)))", "x**x**x", "(-2)**(x**9)"]
)
@pytest.mark.parametrize("x", [1e30, -1e30, 1e300])
def test_enormous_values_come_to_an_end(text: str, x: float) -> None:
    assert isinstance(reference.value(parse(text).root, {"x": x}), mp.mpf)


def test_what_is_undefined_is_nan() -> None:
    for text in ("log(x)", "sqrt(x)", "x**0.5", "0/(x - x)", "log(x) + 1"):
        assert mp.isnan(reference.value(parse(text).root, {"x": -2.0})), text
    assert mp.isinf(reference.value(parse("1/(x - x)").root, {"x": 1.0}))


@pytest.mark.parametrize("name", list(PRIMITIVES))
def test_definition_and_code_agree(name: str) -> None:
    """Two programs of one row: NumPy's of the code, high precision's of the definition."""
    node = node_of(PRIMITIVES[name])
    for x in (-2.3, -0.4, 0.7, 3.6):
        values = {arg.op: x + 0.5 * rank for rank, arg in enumerate(node.args)}
        true = reference.value(node, values)
        computed = float(Expression(node).evaluate(values["x"], values))
        if mp.isnan(true):
            assert math.isnan(computed)
        else:
            assert computed == pytest.approx(float(true), rel=1e-12, abs=1e-14)
