"""The definition of a function, run far out on numbers and on SymPy forms at once.

Which branch ``max``, ``abs`` and the like take there is a question of a sign: it is proved, by the
limit of what decides it, and numbers far out must bear the proof out. From then on the value is
that branch, for the numbers as well: ``min(asinh(x), 200)`` is 200 though at 1e80 it is not yet.
Where nothing is proved the numbers choose, and there is no form.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy

from actsearch.expressions.analysis import exponentials
from actsearch.expressions.analysis.bounded import Budget
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.dialects import run
from actsearch.expressions.reference import OPS

#: Digits of the numbers: a slope is known to some 80, and an offset at 1e40 to 40.
WORK_DIGITS = 260
#: A sum that is smaller than its parts by so many digits is but what rounding left.
_LOST_DIGITS = 240
_VAST = 600
#: Larger or smaller constants, powers and longer programs are not SymPy's: they take it too long.
_LEAST, _MOST, _MOST_POWER, _MOST_STEPS = 1e-9, 1e9, 16, 120

Numbers = tuple[Any, ...]


@dataclass(frozen=True)
class Prover:
    """What SymPy is asked, and what is left for its answers.

    Attributes:
        sign: A form's sign, -1, 0 or 1 from somewhere on; None where it can't be proved.
        budget: What forms are made by.
    """

    sign: Callable[[Any], int | None]
    budget: Budget


@dataclass(frozen=True)
class Far:
    """A value far out.

    Attributes:
        at: Numbers at the points.
        beyond: Numbers much further out, NaN where rounding or overflow leaves none: they can say
            that the others are not yet what happens in the end, and no more.
        form: It as a SymPy form; None where it has none.
    """

    at: Numbers
    beyond: Numbers
    form: Any


@functools.cache
def near_points() -> Numbers:
    """Return the magnitudes: four in each of three decades far apart."""
    return tuple(
        mp.mpf(10) ** decade * mp.mpf(factor)
        for decade in (20, 40, 80)
        for factor in ("1", "1.37", "2.11", "3.3")
    )


@functools.cache
def _beyond_points() -> Numbers:
    """Return magnitudes at which logarithms of logarithms are large, too."""
    return (mp.mpf(10) ** 1000, mp.mpf(10) ** 100_000, mp.ldexp(1, 2**40), mp.ldexp(1, 2**1000))


def far(subject: Subject, sign: int, t: Any, budget: Budget) -> Far:
    """Return a function at ``sign`` times the points, and at ``sign*t``, which is positive."""
    tame = len(subject.program.instructions) <= _MOST_STEPS
    at, beyond = (
        tuple(sign * one for one in points) for points in (near_points(), _beyond_points())
    )
    prove = functools.cache(lambda form: budget.spend(lambda: exponentials.sign(form, t)))
    ops = {name: functools.partial(_step, name, Prover(prove, budget)) for name in OPS}
    (found,) = run(subject.program, ops, [Far(at, beyond, sign * t if tame else None)])
    return _lifted(found)


def _lifted(value: Any) -> Far:
    """Return a constant as what it is far out."""
    if isinstance(value, Far):
        return value
    decimal = mp.nstr(value, 20)
    tame = value == 0 or _LEAST <= abs(value) <= _MOST
    form = sympy.Rational(decimal) if tame else None
    return Far((value,) * len(near_points()), (value,) * len(_beyond_points()), form)


def _step(name: str, prove: Prover, *args: Any) -> Far:
    values = [_lifted(arg) for arg in args]
    if name in _BRANCHES:
        proved = _BRANCHES[name](prove, *values)
        if proved is not None:
            return proved
    at = tuple(OPS[name](*each) for each in zip(*(one.at for one in values), strict=True))
    beyond = tuple(
        _beyond(name, each) for each in zip(*(one.beyond for one in values), strict=True)
    )
    form = _FORMS.get(name)
    if form is None or any(one.form is None for one in values):
        return Far(at, beyond, None)
    whole = name == "pow" and _is_whole(values[1].form)
    if name in _POSITIVE and not whole and _sign(prove, values[0]) not in _POSITIVE[name]:
        return Far(at, beyond, None)
    return Far(at, beyond, prove.budget.spend(lambda: form(*values)))


def _beyond(name: str, args: Numbers) -> Any:
    """Return a result, NaN where it comes of one that is or has lost its digits."""
    if any(mp.isnan(one) for one in args):
        return mp.nan
    value = OPS[name](*args)
    if name in _LOSES and _LOSES[name](value, *args):
        return mp.nan
    return value


def _cancels(value: Any, a: Any, b: Any) -> bool:
    if not (a and b and mp.isfinite(a) and mp.isfinite(b)):
        return False
    return bool(abs(value) <= mp.mpf(10) ** -_LOST_DIGITS * abs(a))


def _is_vast(value: Any) -> bool:
    """Tell whether a number's exponent takes as many digits as there are."""
    return bool(mp.isfinite(value) and value and abs(mp.mag(value)) > 2**_VAST)


def _same(_value: Any, a: Any, b: Any) -> bool:
    return bool(a == b and a != 0)


#: When a result beyond is but that of lost digits: what fell beside a 1, for example.
_LOSES: dict[str, Callable[..., bool]] = {
    "add": _cancels,
    "sub": _cancels,
    "log": lambda value, _a: value == 0,
    "pow": lambda value, a, b: (a == 1 and abs(b) > 1) or _is_vast(value),
    "exp": lambda value, _a: _is_vast(value),
    "lt": _same,
    "gt": _same,
    "eq": _same,
}


# --- branches


def _sign(prove: Prover, value: Far) -> int | None:
    """Return the sign of a value from somewhere on, None where it is not proved."""
    if value.form is None:
        return None
    sign = prove.sign(value.form)
    if sign is None:
        return None
    seen = [int(mp.sign(one)) for one in (*value.at, *value.beyond) if not mp.isnan(one)]
    return sign if seen and seen[-1] in (0, sign) else None


def _difference(prove: Prover, a: Far, b: Far) -> Far:
    at = tuple(x - y for x, y in zip(a.at, b.at, strict=True))
    beyond = tuple(_beyond("sub", each) for each in zip(a.beyond, b.beyond, strict=True))
    both = a.form is not None and b.form is not None
    return Far(at, beyond, prove.budget.spend(lambda: a.form - b.form) if both else None)


def _constant(value: Any, form: Any) -> Far:
    return Far((value,) * len(near_points()), (value,) * len(_beyond_points()), form)


def _number(value: int) -> Far:
    return _constant(mp.mpf(value), sympy.Integer(value))


def _by_sign(results: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., Far | None]:
    """Return a choice by the sign of the difference of all arguments but the results."""

    def chosen(prove: Prover, *args: Far) -> Far | None:
        found = _sign(prove, args[0] if len(args) == 1 else _difference(prove, *args))
        return None if found is None else results(*args)[found + 1]  # below, equal, above

    return chosen


def _negative(a: Far) -> Far:
    return Far(tuple(-one for one in a.at), tuple(-one for one in a.beyond), -a.form)


def _answers(*truths: bool) -> Callable[..., tuple[Any, Any, Any]]:
    below, equal, above = (_constant(one, sympy.true if one else sympy.false) for one in truths)
    return lambda _a, _b: (below, equal, above)


def _where(_prove: Prover, condition: Far, a: Far, b: Far) -> Far | None:
    if condition.form is None:
        return None
    return a if condition.form else b


def _cast(_prove: Prover, condition: Far, _like: Far) -> Far | None:
    return None if condition.form is None else _number(int(bool(condition.form)))


#: What a branch is far out, where that is proved; else None.
_BRANCHES: dict[str, Callable[..., Far | None]] = {
    "abs": _by_sign(lambda a: (_negative(a), a, a)),
    "sign": _by_sign(lambda _a: (_number(-1), _number(0), _number(1))),
    "maximum": _by_sign(lambda a, b: (b, a, a)),
    "minimum": _by_sign(lambda a, b: (a, a, b)),
    "lt": _by_sign(_answers(True, False, False)),
    "gt": _by_sign(_answers(False, False, True)),
    "eq": _by_sign(_answers(False, True, False)),
    "where": _where,
    "cast": _cast,
}
#: What has a form only of an argument with one of these signs.
_POSITIVE: dict[str, tuple[int, ...]] = {"pow": (1,), "log": (1,), "sqrt": (0, 1)}


# --- forms


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation on the forms of its arguments."""
    return lambda *args: function(*(one.form for one in args))


def _power(a: Far, b: Far) -> Any:
    if b.form.is_Rational and abs(b.form) <= _MOST_POWER:
        return a.form**b.form
    return sympy.exp(b.form * sympy.log(a.form))


def _is_whole(power: Any) -> bool:
    return bool(power.is_Integer and abs(power) <= _MOST_POWER)


def _tanh(a: Far) -> Any:
    """Write tanh by what falls: 1 - exp(-2|a|) over 1 + exp(-2|a|).

    Either sign gives the function; the right one is easier to take a limit of.
    """
    sign = -1 if all(one < 0 for one in a.at) else 1
    small = sympy.exp(-2 * sign * a.form)
    return sign * (1 - small) / (1 + small)


def _erfc(a: Far) -> Any:
    """Write erfc by what falls, erfc of a positive argument."""
    return 2 - sympy.erfc(-a.form) if all(one < 0 for one in a.at) else sympy.erfc(a.form)


def _erf(a: Far) -> Any:
    """Write erf by erfc where its argument grows, by either sign as above."""
    if not all(abs(one) > 1 for one in a.at):
        return sympy.erf(a.form)
    sign = -1 if a.at[-1] < 0 else 1
    return sign * (1 - sympy.erfc(sign * a.form))


_FORMS: dict[str, Callable[..., Any]] = {
    "add": _plain(operator.add),
    "sub": _plain(operator.sub),
    "mul": _plain(operator.mul),
    "div": _plain(operator.truediv),
    "neg": _plain(operator.neg),
    "pow": _power,
    "sinh": _plain(lambda a: (sympy.exp(a) - sympy.exp(-a)) / 2),
    "cosh": _plain(lambda a: (sympy.exp(a) + sympy.exp(-a)) / 2),
    "tanh": _tanh,
    "erfc": _erfc,
    "erf": _erf,
    **{name: _plain(getattr(sympy, name)) for name in "sqrt exp log sin cos asinh atan".split()},
}
