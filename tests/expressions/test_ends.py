"""What happens far out is what the function does in the end, not where numbers are on the way."""

from __future__ import annotations

import math

import pytest

from actsearch.expressions import parse
from actsearch.expressions.analysis import Analysis


def analysis(formula: str) -> Analysis:
    return parse(formula).analyze()


@pytest.mark.parametrize(
    ("formula", "form", "how"),
    [
        # asinh(1e80) is 185 only, and asinh of that not yet 6.
        ("min(asinh(x), 200)", "200", "exact"),
        ("clip(asinh(x)/200, 0, 1)", "1", "exact"),
        ("min(log_abs(x), 200)", "200", "exact"),
        ("min(gpow(x, 0.1), 1e9)", "1e+09", "exact"),
        ("relu(asinh(asinh(x)) - 6)", "inf", "exact"),
        ("relu(asinh(asinh(x)) - 6)**2", "inf", "exact"),
        ("sign(asinh(x) - 300)", "1", "exact"),
        ("step(log_abs(x) - 500)*x", "inf", "exact"),
        ("abs(asinh(x) - 300) - asinh(x)", "-300", "exact"),
        ("max(tanh(x), exp(-x))", "1", "exact"),
        # SymPy isn't asked about Bessel functions: numbers alone.
        ("min(asinh(x) + i0e(x), 200)", "200", "high precision"),
        ("relu(asinh(asinh(x) + i0e(x)) - 6)", "0", "grid"),
    ],
)
def test_a_branch_is_the_one_taken_in_the_end(formula: str, form: str, how: str) -> None:
    right = analysis(formula).ends[1]
    assert (right.form, right.how) == (form, how)


def test_a_limit_that_is_reached_beyond_all_numbers_is_attained() -> None:
    found = analysis("clip(asinh(x)/200, 0, 1)")
    assert (found.range, found.range_attained) == ((0, 1), (True, True))
    assert (found.saturation.left, found.saturation.right) == ("hard", "hard")
    assert [end.reached for end in found.ends] == [True, True]
    assert [end.reached for end in analysis("tanh(x)").ends] == [False, False]


def test_what_has_no_value_far_out_has_no_limit_that_is_exact() -> None:
    right = analysis("log(200 - asinh(x))").ends[1]  # undefined beyond sinh(200)
    assert right.how == "grid"
    assert not math.isfinite(right.value)


@pytest.mark.parametrize("formula", ["sqrt(1 + x**2) - x + i0e(x)", "x*(sqrt(x**2 + 1) - x)"])
def test_lost_digits_deny_nothing(formula: str) -> None:
    """At 1e1000 the 1 is lost beside x**2 in any number of digits that is worth its time."""
    left, right = analysis(formula).ends
    assert left.how in ("exact", "high precision")
    assert right.value == pytest.approx(0.5 if "i0e" not in formula else 0)
