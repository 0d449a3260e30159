"""Single steps of SymPy and mpmath that may take for ever or all memory, told by their arguments.

Counting calls bounds work whose calls are short. A power of two whole numbers is one call, and may
be a number of a billion digits; so is a polynomial's dense list of coefficients. What is here says
before such a call how large it would be.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

#: Bits of a whole number, of a precision and of an exponent of 2.
_MOST_BITS = 4000
#: Degree of a polynomial that is written out.
_MOST_DEGREE = 500

Locals = Mapping[str, Any]


def _is_large_power(given: Locals) -> bool:
    base, power = given["self"], given["expt"]
    if not power.is_Rational:
        return False
    bits = max(int(base.p).bit_length(), int(base.q).bit_length())
    # SymPy knows 0, 1 and their inverses before, so that a power is as long as it seems.
    return bool(bits * (abs(int(power.p)) // int(power.q) + 1) > _MOST_BITS)


def _is_large_expansion(given: Locals) -> bool:
    power = given["self"].exp
    return bool(power.is_Rational and abs(power) > _MOST_DEGREE)


def _has_high_degree(given: Locals) -> bool:
    for monomial in given["f"]:
        degrees = monomial if isinstance(monomial, tuple) else (monomial,)
        if any(degree > _MOST_DEGREE for degree in degrees):
            return True
    return False


def _is_high(name: str, most: int) -> Callable[[Locals], bool]:
    return lambda given: bool(given[name] > most)


def _is_far(name: str) -> Callable[[Locals], bool]:
    """Tell whether a number, sign, mantissa, exponent and bits, is so large, or asked so exactly.

    Of exponentials and waves the digits before the point are computed before those behind it.
    """

    def is_far(given: Locals) -> bool:
        _, _, exponent, bits = given[name]
        return bool(exponent + bits > _MOST_BITS or given.get("prec", 0) > 2 * _MOST_BITS)

    return is_far


@functools.cache
def heavy() -> Mapping[CodeType, Callable[[Locals], bool]]:
    """Return what tells of a function's arguments that it is not to be called, by its code."""
    from mpmath.libmp import libelefun, libmpf
    from sympy.core import evalf, numbers, power
    from sympy.polys import densearith, densebasic, rings

    rules: tuple[tuple[Callable[..., Any], Callable[[Locals], bool]], ...] = (
        (numbers.Integer._eval_power, _is_large_power),
        (numbers.Rational._eval_power, _is_large_power),
        (power.Pow._eval_expand_multinomial, _is_large_expansion),
        (densebasic.dup_from_dict, _has_high_degree),
        (densebasic.dup_from_raw_dict, _has_high_degree),
        (densebasic.dmp_from_dict, _has_high_degree),
        (densearith.dup_pow, _is_high("n", _MOST_DEGREE)),
        (densearith.dmp_pow, _is_high("n", _MOST_DEGREE)),
        (rings.PolyElement.__pow__, _is_high("n", _MOST_DEGREE)),
        (evalf.evalf, _is_high("prec", _MOST_BITS)),
        (libelefun.mpf_exp, _is_far("x")),
        (libelefun.mpf_cos_sin, _is_far("x")),
        (libelefun.mpf_cosh_sinh, _is_far("x")),
        (libmpf.to_int, _is_far("s")),
        (libmpf.to_fixed, _is_far("s")),
        (libmpf.to_rational, _is_far("s")),
    )
    return {inspect.unwrap(function).__code__: rule for function, rule in rules}
