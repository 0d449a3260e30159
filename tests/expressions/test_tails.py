"""Means that exist are found, and those that do not are not made up."""

from __future__ import annotations

import math

import pytest

from actsearch.expressions import parse
from actsearch.expressions.analysis import Analysis

INF, NAN = math.inf, math.nan


def analysis(formula: str) -> Analysis:
    return parse(formula).analyze()


@pytest.mark.parametrize("a", [0.05, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6])
def test_powers_of_a_normal_density(a: float) -> None:
    """E exp(a*z^2) is 1/sqrt(1 - 2*a), and infinite from a = 1/2 on; its square has 2*a."""
    found = analysis(f"exp({a}*x**2)")
    mean, square = (1 / math.sqrt(1 - 2 * b) if b < 0.5 else INF for b in (a, 2 * a))
    assert found.mean == pytest.approx(mean, rel=1e-9)
    if mean < INF:
        assert found.variance == pytest.approx(square - mean * mean, rel=1e-9)
    assert (found.centred == "undefined") == (square == INF)
    assert math.isnan(found.gain) == (square == INF)


def test_means_that_are_not_whole_within_reach_are_not_given() -> None:
    # E exp(0.48*z^2) is 5, a hundred-thousandth of which lies beyond 20.
    found = analysis("exp(0.24*x**2)")
    assert found.mean == pytest.approx(1 / math.sqrt(0.52))
    assert math.isnan(found.variance)


@pytest.mark.parametrize(
    ("formula", "mean"),
    [
        ("exp(exp(x))", INF),
        ("-exp(x**2)", -INF),
        ("x*exp(x**2/2)", NAN),  # both sides are infinite, and of different sign
        ("exp(x**2/2)/(1 + abs(x))", INF),
        ("0.001*x*exp(0.7*x**2)", NAN),
    ],
)
def test_a_mean_that_does_not_exist(formula: str, mean: float) -> None:
    found = analysis(formula)
    assert found.mean == mean or (math.isnan(found.mean) and math.isnan(mean))
    assert found.centred == "undefined"
    assert math.isnan(found.gain)


@pytest.mark.parametrize("formula", ["exp(exp(x))", "exp(exp(x)) - exp(1)"])
def test_what_no_weights_keep_whole_has_no_edge_of_chaos(formula: str) -> None:
    field = analysis(formula).mean_field
    assert math.isnan(field.critical_weight_variance)
    assert math.isnan(field.critical_q)


def test_fast_functions_that_have_means_keep_them() -> None:
    found = analysis("exp(4*x)")
    assert found.mean == pytest.approx(math.exp(8), rel=1e-12)
    assert found.variance == pytest.approx(math.exp(32) - math.exp(16), rel=1e-10)
