"""Limits by the lowest powers of an exponential, beside SymPy's own and beside textbooks."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

from actsearch.expressions.analysis.exponentials import _by_powers, limit

T = sympy.Dummy("t", positive=True)
EXP, OO = sympy.exp, sympy.oo


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (T / (1 + EXP(-T)) - T, 0),  # SiLU comes near x
        (-T / (1 + EXP(T)), 0),
        ((1 - EXP(-2 * T)) / (1 + EXP(-2 * T)), 1),  # tanh
        ((EXP(T) - EXP(-T)) * EXP(-T) / 2, sympy.Rational(1, 2)),
        (EXP(T) - EXP(2 * T), -OO),
        (T**5 * EXP(-T / 3), 0),
        ((3 * EXP(2 * T + 1) + T) / (EXP(2 * T) - T**9), 3 * sympy.E),
        (EXP(sympy.Rational(17, 10) * T) / EXP(sympy.Rational(8, 5) * T), OO),
        (sympy.atan(T) * (1 + EXP(-T)), sympy.pi / 2),
        ((1 + EXP(-T)) / (sympy.atan(T) - sympy.pi / 2), -OO),
        (T * (2 - sympy.erfc(T / sympy.sqrt(2))) / 2 - T, 0),  # GELU comes near x
        (EXP(9 * T) * sympy.erfc(T / 100), 0),
        ((2 - sympy.erfc(T)) / (1 + EXP(-T)), 2),
        ((EXP(T) + sympy.erfc(T)) / (2 * EXP(T) + T), sympy.Rational(1, 2)),
        (T * (2 - sympy.erfc(T)) / (1 + EXP(-T)) - 2 * T, 0),  # GRAFS-GELU's kind
    ],
)
def test_the_lowest_powers_decide(form: Any, expected: Any) -> None:
    assert _by_powers(form, T) == expected
    assert limit(form, T) == expected


@pytest.mark.parametrize(
    "form",
    [
        EXP(-T) * EXP(T**2),  # no powers of one exponential
        EXP(-T) / sympy.erfc(T),  # erfc falls faster than any: infinite
        sympy.erfc(T) + sympy.erfc(2 * T),
        sympy.erfc(sympy.log(T)) * T,
        EXP(T) * sympy.sin(T),  # which is 0 ever again
        EXP(-EXP(T)) + 1,
        sympy.log(1 + EXP(T)) - T,
        EXP(T) + EXP(sympy.Rational(1001, 1000) * T),  # a polynomial of a thousand terms
        EXP(-sympy.sqrt(2) * T) + EXP(-T),
    ],
)
def test_what_is_no_quotient_of_them_is_left_to_sympy(form: Any) -> None:
    assert _by_powers(form, T) is None


def test_the_others_are_sympy_s() -> None:
    assert limit(sympy.log(1 + EXP(T)) - T, T) == 0
    assert limit(sympy.sin(T) / T, T) == 0
    assert limit((3 * T**2 - 1) / (T**2 + T), T) == 3
    assert limit(T / 3 - T**3, T) == -OO
    assert limit(T / (1 + T**2), T) == 0
    assert limit(sympy.pi + T - T, T) == sympy.pi
