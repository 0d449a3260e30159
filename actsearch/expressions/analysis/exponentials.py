"""Limits of quotients of exponentials, without series: what most activation functions are far out.

Where all exponentials of a form are powers of one, E = exp(-r*t), and the rest grows and falls by
powers of t at most, the lowest powers of E in numerator and denominator decide: E to any power
outweighs them. So does erfc(c*t), which falls faster than all these, before them. That is a proof,
and takes a hundredth of what SymPy's limit does. Where infinity can be put for t, it is.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

#: Polynomials in E are kept dense.
_MOST_POWER = 200
#: Digits of a limit whose sign is asked for, and how small it may be.
_DIGITS, _LEAST = 60, sympy.Rational(1, 10**40)
#: Functions that neither grow nor fall faster than some power of their argument.
_SLOW = (sympy.atan, sympy.log, sympy.asinh)


def limit(form: Any, t: Any) -> Any:
    """Return the limit of a form as t, which is positive, goes to infinity."""
    found = _put(form, t)
    if found is not None:
        return found
    found = _by_powers(form, t) if form.has(sympy.exp, sympy.erfc) else None
    return _plain(form, t) if found is None else found


def _put(form: Any, t: Any) -> Any:
    """Return what infinity for t gives, None where that is not defined or no number.

    Functions are continuous here, so it is the limit; waves have none of their own.
    """
    if form.has(sympy.sin, sympy.cos):
        return None
    found = form.subs(t, sympy.oo)
    if found in (sympy.oo, -sympy.oo) or (found.is_number and found.is_real and found.is_finite):
        return found
    return None


def sign(form: Any, t: Any) -> int | None:
    """Return the sign that a form has from some t on: -1, 0 or 1; None where it is not proved."""
    if form.is_zero:
        return 0
    if form.is_positive or form.is_negative:
        return 1 if form.is_positive else -1
    found = limit(form, t)
    if found is not None and found.is_zero:  # it comes near 0 from one side
        found = limit(1 / form, t)
    if found in (sympy.oo, -sympy.oo):
        return 1 if found == sympy.oo else -1
    if found is None or not (found.is_number and found.is_real and found.is_finite):
        return None
    number = sympy.N(found, _DIGITS)
    return int(sympy.sign(number)) if abs(number) > _LEAST else None


def _plain(form: Any, t: Any) -> Any:
    """Return the limit of a form: of a quotient of polynomials by its highest powers."""
    try:
        above, below = (sympy.Poly(part, t) for part in sympy.fraction(sympy.together(form)))
    except sympy.PolynomialError:
        return sympy.limit(form, t, sympy.oo)
    if above.is_zero or above.degree() < below.degree():
        return sympy.Integer(0)
    ratio = above.LC() / below.LC()
    return ratio if above.degree() == below.degree() else sympy.sign(ratio) * sympy.oo


def _by_powers(form: Any, t: Any) -> Any:
    above: Any
    below: Any
    e, z = sympy.Dummy("E", positive=True), sympy.Dummy("Z", positive=True)
    rational = _without_erfc(z, form, t)
    if rational is not None:
        rational = _in_powers_of(e, rational, t)
    if rational is None:
        return None
    try:
        # What falls as erfc does comes before what falls as E does.
        above, below = sympy.fraction(sympy.together(rational))
        i = k = 0
        for small in (z, e):
            if i == k:
                (i, above), (k, below) = _lowest(above, small), _lowest(below, small)
    except sympy.PolynomialError:
        return None
    if above == 0 or below == 0:
        return above if below != 0 else None
    ratio = above / below
    slow = all(isinstance(one, _SLOW) for one in ratio.subs(e, 1).atoms(sympy.Function))
    if not slow or (i < k and ratio.has(e)):
        return None
    if i > k:
        return sympy.Integer(0)
    found = _plain(ratio, t)
    if i == k:
        return found
    sign = sympy.sign(found)
    return sign * sympy.oo if sign in (1, -1) else None


def _lowest(form: Any, small: Any) -> tuple[int, Any]:
    """Return the lowest power of a variable in a polynomial, and its coefficient."""
    ((power,), coefficient) = sympy.Poly(form, small).terms()[-1]
    return power, coefficient


def _without_erfc(z: Any, form: Any, t: Any) -> Any:
    """Put ``z`` for erfc of a multiple of t; None where it is of several, or of anything else."""
    seen = {one.args[0] for one in form.atoms(sympy.erfc)}
    if len(seen) > 1 or not all((one / t).is_positive and (one / t).is_number for one in seen):
        return None
    return form.xreplace({sympy.erfc(one): z for one in seen})


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
    if not rates:
        return form
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
