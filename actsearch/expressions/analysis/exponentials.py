"""Limits of quotients of exponentials, without series: what most activation functions are far out.

Where all exponentials of a form are powers of one, E = exp(-r*t), and the rest grows and falls by
powers of t at most, the lowest powers of E in numerator and denominator decide: E to any power
outweighs them. That is a proof, and takes a hundredth of what SymPy's limit does.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

#: Polynomials in E are kept dense.
_MOST_POWER = 200
#: Functions that neither grow nor fall faster than some power of their argument.
_SLOW = (sympy.atan, sympy.log, sympy.asinh)


def limit(form: Any, t: Any) -> Any:
    """Return the limit of a form as t, which is positive, goes to infinity."""
    found = _by_powers(form, t) if form.has(sympy.exp) else None
    return sympy.limit(form, t, sympy.oo) if found is None else found


def _by_powers(form: Any, t: Any) -> Any:
    e = sympy.Dummy("E", positive=True)
    rational = _in_powers_of(e, form, t)
    if rational is None:
        return None
    try:
        top, bottom = (sympy.Poly(part, e) for part in sympy.fraction(sympy.together(rational)))
    except sympy.PolynomialError:
        return None
    if top.is_zero or bottom.is_zero:
        return sympy.Integer(0) if top.is_zero and not bottom.is_zero else None
    ((i,), above), ((j,), below) = top.terms()[-1], bottom.terms()[-1]
    ratio = above / below
    if any(not isinstance(one, _SLOW) for one in ratio.atoms(sympy.Function)):
        return None
    if i > j:
        return sympy.Integer(0)
    found = sympy.limit(ratio, t, sympy.oo)
    if i == j:
        return found
    sign = sympy.sign(found)
    return sign * sympy.oo if sign in (1, -1) else None


def _in_powers_of(e: Any, form: Any, t: Any) -> Any:
    """Put powers of ``e`` for all exponentials; None where they are not such of one alone."""
    rates: dict[Any, tuple[Fraction, Any]] = {}
    for one in form.atoms(sympy.exp):
        argument = sympy.expand(one.args[0])
        rate = argument.coeff(t, 1)
        rest = argument - rate * t
        if not rate.is_Rational or rate == 0 or rest.has(t):
            return None
        rates[one] = Fraction(int(rate.p), int(rate.q)), rest
    unit = reduce(_common, (abs(rate) for rate, _ in rates.values()))
    powers = {one: (-rate / unit, rest) for one, (rate, rest) in rates.items()}
    if any(abs(power) > _MOST_POWER for power, _ in powers.values()):
        return None
    put = {one: sympy.exp(rest) * e ** int(power) for one, (power, rest) in powers.items()}
    return form.xreplace(put)


def _common(a: Fraction, b: Fraction) -> Fraction:
    """Return the greatest number that both are multiples of."""
    return Fraction(
        math.gcd(a.numerator * b.denominator, b.numerator * a.denominator),
        a.denominator * b.denominator,
    )
