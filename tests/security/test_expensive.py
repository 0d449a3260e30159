"""Formulas that are accepted but expensive are answered after bounded work."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import sympy
from sympy.polys.densebasic import dup_from_dict

from actsearch.expressions import parse
from actsearch.expressions.analysis.bounded import Budget
from actsearch.expressions.analysis.subject import bounded_derivative
from tests.security.expensive import EXPENSIVE

#: Without bounds the first of them alone takes more than any machine has: a process that does not
#: end by itself is ended by the system, and the test fails.
_MOST_S = 100
_CHILD = """
import json, resource, sys
from actsearch.expressions import parse
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
found = [parse(text).analyze() for text in json.load(sys.stdin)]
print(json.dumps([[one.limits, one.convexity] for one in found]))
"""
_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no limit of processor time there")


@_POSIX
def test_each_is_analyzed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(_MOST_S)],
        input=json.dumps(list(EXPENSIVE.values())),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(zip(EXPENSIVE, json.loads(done.stdout), strict=True))
    assert found["nested exponentials"][1] == "not computed"
    assert found["many factors"] == [["inf", "inf"], "not computed"]


def test_a_single_step_that_is_too_large_is_not_begun() -> None:
    x = sympy.Symbol("x")
    budget = Budget(1_000_000)
    assert budget.spend(lambda: sympy.Integer(9) ** 99_999) is None
    assert budget.spend(lambda: sympy.Rational(2, 3) ** -99_999) is None
    assert budget.spend(lambda: dup_from_dict({10**12: sympy.ZZ(1)}, sympy.ZZ)) is None
    assert budget.spend(lambda: sympy.N(sympy.exp(sympy.exp(sympy.exp(9, evaluate=False))))) is None
    assert budget.spend(lambda: sympy.Integer(2) ** 100) == 2**100  # and the budget is not spent
    assert budget.spend(lambda: sympy.expand((x + 1) ** 2)) == x**2 + 2 * x + 1


def test_a_second_derivative_that_is_too_long_is_left_out() -> None:
    assert bounded_derivative(parse(EXPENSIVE["nested exponentials"]).derivative()) is None
    assert bounded_derivative(parse("x**2")) == parse("x**2").derivative()
