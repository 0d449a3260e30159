"""How far functions go: what rounding makes is no value, and what is come near is not attained."""

from __future__ import annotations

import math

import pytest

from actsearch.expressions import parse
from actsearch.expressions.analysis import Analysis

INF = math.inf


def analysis(formula: str) -> Analysis:
    return parse(formula).analyze()


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # float64 rounds to the limit.
        ("tanh(x - 30)", "(-1, 1)"),
        ("tanh(5000*x)", "(-1, 1)"),
        ("erf(1e5*x)", "(-1, 1)"),
        ("tanh(1e9*x)", "(-1, 1)"),
        ("sigmoid(10000*x)", "(0, 1)"),
        ("clip(1000*x, -1, 1)", "[-1, 1]"),
        ("clip(x + i0e(x), 0, 1)", "[0, 1]"),
        ("square(x)*exp(-square(x))", f"[0, {math.exp(-1)})".replace(")", "]")),
        # Digits cancel.
        ("x*((x**2 + 1)**0.5 - x)", "(-inf, 0.5)"),
        ("x*log(1 + 1/abs(x))", "(-1, 1)"),
        ("exp(x)*exp(-x)", "[1, 1]"),
        # Poles and crests are between the points.
        ("1/(x**2 - 2)", "(-inf, inf)"),
        ("sin(x)/cos(x)", "(-inf, inf)"),
        ("0.001/(x**2 - 3)", "(-inf, inf)"),
        ("cos(x/1000)", "[-1, 1]"),
        ("sin(1000*x)", "[-1, 1]"),
        ("log(abs(x))", "(-inf, inf)"),
    ],
)
def test_ranges(formula: str, expected: str) -> None:
    found = analysis(formula)
    low, high = (float(one) for one in expected[1:-1].split(","))
    assert found.range == pytest.approx((low, high), rel=1e-15, abs=1e-15)
    assert found.range_attained == (expected[0] == "[", expected[-1] == "]")


def test_a_point_without_a_value_is_no_maximum() -> None:
    found = analysis("sin(x)/x")
    assert not any(math.isnan(one.value) or one.x == 0 for one in found.extrema)
    assert (found.range[1], found.range_attained) == (1, (True, False))
    assert found.lipschitz == pytest.approx(0.436181817, abs=1e-8)


def test_values_too_small_for_a_number_are_not_zero() -> None:
    found = analysis("exp(-1/x**2)")
    assert (found.sparsity, found.dead) == (0, ())
    assert [str(piece) for piece in found.pieces] == ["decreasing to 0", "increasing from 0"]
