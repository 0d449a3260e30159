"""The constants of self-tests: true, tight, and refused where the program disagrees with them."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

from actsearch.errors import ActsearchError
from actsearch.export import points
from actsearch.expressions import KNOWN, Expression, parse

TRUE = {
    "silu(x)": lambda x: x / (1 + mp.exp(-x)),
    "gelu(x)": lambda x: x * mp.ncdf(x),
    "x*tanh(softplus(x))": lambda x: x * mp.tanh(mp.log(1 + mp.exp(x))),
    "x*sin(x)": lambda x: x * mp.sin(x),
}


@pytest.mark.parametrize("formula", TRUE)
def test_values_and_slopes_are_those_of_the_textbook(formula: str) -> None:
    with mp.workdps(400):
        for point in points.of(parse(formula)).common:
            (x,) = point.arguments
            if abs(x) < 100:
                assert point.value == pytest.approx(float(TRUE[formula](mp.mpf(x))), rel=1e-14)
                slope = float(mp.diff(TRUE[formula], mp.mpf(x)))
                assert point.slopes[0] == pytest.approx(slope, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("formula", KNOWN.values())
def test_slack_is_tight_enough_to_find_a_fault(formula: str) -> None:
    """In float32, 12 of the 16 moderate points would show an error of one part in 5,000."""
    found = points.of(parse(formula))
    moderate = [p for p in found.common if 0.001 < abs(p.arguments[0]) < 40]
    assert len(moderate) >= 14
    tight = [p for p in moderate if 2.0**-23 * p.slack[0] <= 2e-4 * abs(p.value) + 1e-9]
    assert len(tight) >= 12


def test_points_are_the_same_number_in_every_format() -> None:
    for point in points.of(parse("silu(x)")).common:
        (x,) = point.arguments
        if 0.001 < abs(x) < 1e5:
            assert math.ldexp(math.frexp(x)[0], 8).is_integer()


def test_where_float32_overflows_float64_is_asked_alone() -> None:
    found = points.of(parse("sqrt(1 + x**2)"))
    assert all(abs(p.arguments[0]) < 1e19 for p in found.common)
    assert any(abs(p.arguments[0]) > 1e19 for p in found.wide)


def test_folded_constants_may_have_lost_digits() -> None:
    formula = parse("relu(gpow(gauss(0.00935), mix(x, x, p0)))")
    assert len(points.of(formula).common) >= 12


def test_a_program_that_differs_from_the_definition_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Expression, "derivative", lambda _self, _wrt: parse("1.001*cos(x)"))
    with pytest.raises(ActsearchError, match="disagrees with its definition at 16 of 16 points"):
        points.of(parse("sin(x) + 0"))
