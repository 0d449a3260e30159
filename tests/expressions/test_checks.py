"""What is turned away before training: every reason, and what must not be turned away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from actsearch.expressions.checks import check
from actsearch.expressions.poles import AT_ZERO
from tests.expressions.strategies import random_trees

REFUSED = {
    "x + x + x": "over size: 5 nodes, at most 4",
    "log(x)": "non-finite: nan at x = -10",
    "1/x": "non-finite: inf at x = 0",
    "exp(x**2)": "non-finite: 2.69e+43 at x = -10",
    "exp(100*x)": "non-finite: 1.22e+39 at x = 0.9",
    "x - x": "constant: 0",
    "2.5": "constant: 2.5",
    "sin(x)**2 + cos(x)**2": "constant: 1",
    "1e20 + x": "constant: 1e+20",
    "x": "affine: 1*x + 0",
    "3*x - 2": "affine: 3*x + -2",
    "relu(x) - relu(-x)": "affine: 1*x + 0",
    "x + 1e-9*tanh(x)": "affine: 1*x + 0",
    "u*sign(x)": "gradient zero: it changes with x nowhere, or in steps alone",
    "sign(x)": "gradient zero: nothing would flow back through it",
    "heaviside(x)": "gradient zero: nothing would flow back through it",
    "x + u": "affine: a sum of multiples of x, u",
    "2*x - u + 0.5*o - 3": "affine: a sum of multiples of x, u, o",
    "x*sqrt(abs(u) - 3)": "non-finite: nan at x = -10",
    "p0": "constant: 0.7",
    "exp(p0*x); p0=50": "non-finite: 4.28e+48 at x = 1.25",
    "p0*sin(x); p0=0": "gradient zero: nothing would flow back through it",
    "p0*x + p1": "affine: 0.7*x + 1.07082",
    "tanh(u)": "gradient zero: it changes with x nowhere, or in steps alone",
    "sqrt(abs(x))": "gradient non-finite: nan at x = 0",
    "sqrt(relu(x))": "gradient non-finite: nan at x = -10",
    "abs(x)**0.5": "gradient non-finite: nan at x = 0",
    # Finite in float64, but on the way there float32 has nothing left.
    "asinh(x**2*exp(x**2))": "non-finite: inf at x = -10 in float32",
    "min(x, 0)/(atan(x) + 1e-6)": "non-finite: -inf at x = -1e-06 in float32",
    "atan(sinh(-x**2))": "gradient non-finite: nan at x = -10 in float32",
    # Between the points that are looked at.
    "1/(x - 0.12345)": "non-finite: a pole at x = 0.12345",
    "x/(exp(x) - 2)": "non-finite: a pole at x = 0.693147",
    "tanh(x)/(softplus(x) - 1)": "non-finite: a pole at x = 0.541325",
    "1/(sin(x) - 0.3)": "non-finite: a pole at x = -9.72947",
    "x/(gelu(x) + 1e-6)": "non-finite: a pole at x = -5.07167",
    "x/(atan(sinc(x)*(x + p0)) + 1e-6)": "non-finite: a pole at x = -9.42478",
    "x/(tanh(x) - 0.8*p0)": "non-finite: a pole at x = 0.423649",  # p0 at half its start
    "tanh(u)/(x - 0.12345)": "non-finite: a pole at x = 0.12345",
    "x/(x - o - 0.5)": "non-finite: a pole at x = 0.624356",
    "tanh(1/(x - 9.9999)**3)/(x - 9.9999)": "non-finite: a pole at x = 9.9999",
    # The denominator touches zero, or has two zeros beside each other.
    "(x - 0.12345)**(-2)": "non-finite: a pole at x = 0.12345",
    "1/abs(x - 0.123)": "non-finite: a pole at x = 0.123",
    "abs(x - 0.123)**(-0.5)": "non-finite: a pole at x = 0.123",
    "x/(cosh(x - 0.123) - 1)": "non-finite: a pole at x = 0.123",
    "x/(1e-6 - sin(x)**2)": "non-finite: a pole at x = -9.42378",
    # The value is finite there, or hardly grows.
    "log(abs(x - 0.123))": "gradient non-finite: a pole at x = 0.123",
    "sqrt(abs(x - 0.123))": "gradient non-finite: a pole at x = 0.123",
    "abs(x - 0.123)**0.5": "gradient non-finite: a pole at x = 0.123",
}

ACCEPTED = [
    *KNOWN.values(),
    "x*sigmoid(p0*x)",
    "max(x, p0*x); p0=0",
    "max(x, p0*x); p0=-0.5, per channel",
    "x + exp(p0*x); p0=0.01",
    "x*u",
    "relu(x)*o",
    "x + u*o",
    "x + sin(x)",
    "sqrt_abs(x)",
    "inv(x)",
    "log_abs(x)",
    "1e-09*tanh(x)",
    "x + 0.001*tanh(x)",
    "cube(x)",
    "exp(x)",
    "max(x, p0*x)",
    "p0*relu(x) + p1*min(x, 0); p1=0.25",
    # A denominator is zero, and the function finite on both sides.
    "sin(x - 0.123)/(x - 0.123)",
    "expm1(x - 0.123)/(x - 0.123)",
    "min(1/abs(x - 0.123), 5)",
    "abs(x - 0.123)**1.5",
    # Nothing is zero: guarded, or a dip that ends above.
    "inv(x - 0.123)",
    "aq(x, x - 0.123)",
    "gpow(x - 0.123, -1)",
    "log_abs(x - 0.123)",
    "sqrt_abs(x - 0.123)",
    "sqrt((x - 0.123)**2 + 0.01)",
    "1/(abs(x - 0.123) + 1e-6)",
    "relu(x)/(sqrt_abs(x - 0.123) + 1e-6)",
    "x/(x**2 + 1e-6)",
    "tanh(x)/(p0*x*x + 0.5)",
]


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_each_reason(text: str, reason: str) -> None:
    max_size = 4 if reason.startswith("over size") else None
    assert parse(text).check(max_size) == reason


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_worth_training_passes(text: str) -> None:
    assert parse(text).check(max_size=16) is None


def test_the_limit_itself_is_allowed() -> None:
    expression = parse("x*sigmoid(x)")
    assert expression.check(max_size=4) is None
    assert expression.check(max_size=3) == "over size: 4 nodes, at most 3"


def test_any_tree_gets_a_verdict_without_a_warning() -> None:
    verdicts = [Expression(tree).check(max_size=12) for tree in random_trees(300, seed=8)]
    kinds = {verdict.split(":")[0] for verdict in verdicts if verdict}
    assert {"over size", "non-finite", "constant", "gradient non-finite"} <= kinds
    assert None in verdicts


def test_a_pole_where_a_parameter_starts_is_seen() -> None:
    reason = parse("tanh(x)/(p0*x + 1e-6)").check()
    assert reason is not None
    assert reason.startswith("non-finite: ")
    assert parse("tanh(x)/(p0*x*x + 1)").check() is None
    # In the slope alone: the value is finite everywhere.
    slope = parse("sqrt(abs(p0*x + 1e-6))*x").check()
    assert slope is not None
    assert slope.startswith("gradient non-finite")


@given(st.floats(-9.99, 9.99))
@settings(max_examples=200, deadline=None)
def test_no_pole_slips_between_the_points(place: float) -> None:
    for text in (f"1/(x - {place!r})", f"1/(x - {place!r})**2", f"x + 1/(erf(x - {place!r}))"):
        reason = parse(text).check()
        assert reason is not None, text
        assert reason.startswith("non-finite: "), text
    assert parse(f"1/(abs(x - {place!r}) + 0.1)").check() is None


@given(st.floats(-9.9, 9.9).filter(lambda place: abs(place) > 1e-3))
@settings(max_examples=100, deadline=None)
def test_nor_does_one_where_nothing_is_written_of_its_place(place: float) -> None:
    text = f"tanh(x)/(exp(x) - {np.exp(place)!s})"
    reason = parse(text).check()
    assert reason is not None, text
    assert reason.startswith("non-finite: "), text


def test_who_gives_points_is_told_of_them_alone() -> None:
    points = np.linspace(-1, 1, 51)
    assert check(parse("1/(x - 0.12345)"), points=points) is None
    assert parse("1/(x - 0.12345)").check(slopes=False) is None


def test_poles_are_looked_for_in_all_that_is_not_defined_everywhere() -> None:
    bare = {row.name for row in PRIMITIVES.values() if row.domain != "R" and not row.internal}
    assert set(AT_ZERO) == bare
