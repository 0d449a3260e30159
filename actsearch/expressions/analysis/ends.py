"""Limits and asymptotes: numbers from mpmath far out, and their proof by SymPy where it has one.

The definition of a function is run on two kinds of values at once: numbers at 1e20, 1e40 and 1e80,
and SymPy forms. The numbers decide which branch of ``max``, ``abs`` and the like a form takes, so
that SymPy sees an elementary function; what it answers is believed where the numbers agree.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
import sympy

from actsearch.expressions.analysis import exponentials
from actsearch.expressions.analysis.bounded import Budget
from actsearch.expressions.analysis.grid import LIMIT_POINTS, limit
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, EXACT, GRID, Asymptote, End
from actsearch.expressions.dialects import run
from actsearch.expressions.reference import OPS

#: Digits of the numbers: a slope is known to some 80, and an offset at 1e40 to 40.
_WORK_DIGITS = 260
#: Numbers count as settled where those at 1e40 are within this of those at 1e80.
_SETTLED = 1e-6
_INFINITE = 1e12
#: What comes near a limit slowly goes at most this part of the way before, and counts as known to
#: so small a number.
_SLOW, _SHOWN = 0.1, 1e-5
#: Larger or smaller constants, powers and longer programs are not SymPy's: a single call of it
#: could then take for ever.
_LEAST, _MOST, _MOST_POWER, _MOST_STEPS = 1e-9, 1e9, 16, 120
#: Calls for all limits of a function, more than any of the zoo takes: half a second or so.
_N_CALLS = 1_600_000
_MAX_FORM_CHARS = 24

_Numbers = tuple[Any, ...]


@dataclass(frozen=True)
class _Far:
    """A value far out: numbers at the points, and its SymPy form; None where it has none."""

    at: _Numbers
    form: Any


def ends(subject: Subject) -> tuple[End, End]:
    """Return what happens as x goes to -infinity and to infinity."""
    budget = Budget(_N_CALLS)
    return _end(subject, -1, budget), _end(subject, 1, budget)


def _end(subject: Subject, sign: int, budget: Budget) -> End:
    with mp.workdps(_WORK_DIGITS):
        points = tuple(sign * one for one in _points())
        t = sympy.Dummy("t", positive=True)
        far = _far(subject, points, sign * t)
        seen = limit(subject.value(sign * LIMIT_POINTS))
        value, how = _limit(far.at, _has_waves(subject), seen)
        line = _asymptote(far, points, t, sign, budget) if np.isinf(value) else None
        if line is not None and line.how == EXACT:  # the proof of the line is one of the limit
            return End(seen, seen, value, EXACT, line)
        found = None
        if far.form is not None:
            found = budget.spend(lambda: exponentials.limit(far.form, t))
        if found is not None and _agrees(found, value, far.at):
            text = closed(found)
            value = float(found)
            if np.isfinite(value):
                line = Asymptote(0.0, value, text, EXACT)
            return End(_number(value), text, value, EXACT, line)
        if found is not None and seen == "oscillates" and found.has(sympy.AccumBounds):
            return End(seen, seen, value, EXACT, None)
        text = seen if how == GRID else _number(value)
        if how == DIGITS and np.isfinite(value):
            line = Asymptote(0.0, value, text, how)
        return End(text, text, value, how, line)


@functools.cache
def _points() -> _Numbers:
    """Return the magnitudes: four in each of three decades far apart."""
    return tuple(
        mp.mpf(10) ** decade * mp.mpf(factor)
        for decade in (20, 40, 80)
        for factor in ("1", "1.37", "2.11", "3.3")
    )


def _rows(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + 4] for start in range(0, len(values), 4)]


def _settled(before: Sequence[Any], last: Sequence[Any]) -> bool:
    """Tell whether numbers come to rest at ``last[-1]``."""
    if not all(mp.isfinite(one) for one in (*before, *last)):
        return False
    scale = max(mp.mpf(1), abs(last[-1]))
    off_before = max(abs(one - last[-1]) for one in before) / scale
    off = max(abs(one - last[-1]) for one in last) / scale
    return bool(off_before <= _SETTLED and off <= max(off_before / 10, mp.mpf("1e-60")))


def _slow_limit(at: _Numbers) -> float | None:
    """Return the limit of what comes near it by a power of x, to the digits that it shows.

    From one decade of those far apart to the next it goes a small part of the way before; what
    goes by logarithms goes at least half.
    """
    if not all(mp.isfinite(one) for one in at):
        return None
    steps = [b - a for a, b in itertools.pairwise(at)]
    way, rest = at[7] - at[3], at[11] - at[7]
    if way == 0 or not (all(s > 0 for s in steps) or all(s < 0 for s in steps)):
        return None
    share = rest / way
    if share > _SLOW or abs(rest * share) > _SHOWN:
        return None
    return float(mp.nint(at[-1] / _SHOWN) * _SHOWN) + 0.0


def _has_waves(subject: Subject) -> bool:
    return any(step.op in ("sin", "cos") for step in subject.program.instructions)


def _limit(at: _Numbers, waves: bool, seen: str) -> tuple[float, str]:
    """Return the limit that the numbers show, and how it was had.

    Where they show none it is what was seen between 1e4 and 1e8.
    """
    first, before, last = _rows(at)
    if _settled(before, last):
        rest = abs(last[-1]) <= max(abs(one - last[-1]) for one in before)  # of the way to 0
        return 0.0 if rest else float(last[-1]), DIGITS
    slow = _slow_limit(at)
    if slow is not None:
        return slow, DIGITS
    for sign in (1, -1):
        low = [min(sign * one for one in row) for row in (first, before, last)]
        if low[0] < low[1] < low[2] or low[1] == low[2] == mp.inf:
            end = "inf" if sign > 0 else "-inf"
            if low[2] > _INFINITE and (not waves or seen == end):
                return float(end), DIGITS
    try:
        return float(seen), GRID
    except ValueError:
        return float("nan"), GRID


def _asymptote(far: _Far, points: _Numbers, t: Any, sign: int, budget: Budget) -> Asymptote | None:
    """Return the line that the function comes near as t, which is ``sign*x``, goes to infinity."""
    if not all(mp.isfinite(one) for one in far.at):
        return None
    ratios = _rows([one / x for one, x in zip(far.at, points, strict=True)])
    slope = (far.at[-1] - far.at[-4]) / (points[-1] - points[-4])
    rest = _rows([one - slope * x for one, x in zip(far.at, points, strict=True)])
    if abs(slope) < 1e-15 or not _settled(ratios[1], ratios[2]) or not _settled(rest[0], rest[1]):
        return None
    offset = rest[1][-1]
    found, steep = None, _rational(slope)
    if steep is not None and far.form is not None:
        found = budget.spend(lambda: exponentials.limit(far.form - sign * steep * t, t))
    if found is not None and _agrees(found, float(offset), ()):
        return Asymptote(float(slope), float(found), _line(closed(steep), closed(found)), EXACT)
    values = float(slope), round(float(offset), 15) + 0.0
    return Asymptote(*values, _line(*map(_number, values)), DIGITS)


def _rational(number: Any) -> Any:
    """Return a number as a fraction or a decimal of SymPy's, None where it is neither."""
    decimal = sympy.Rational(mp.nstr(number, 40))
    candidates = (decimal.limit_denominator(1000), sympy.Rational(mp.nstr(number, 20)))
    near = mp.mpf("1e-30") * abs(number)
    return next((one for one in candidates if abs(mp.mpf(one.p) / one.q - number) <= near), None)


def _agrees(found: Any, value: float, at: _Numbers) -> bool:
    """Tell whether numbers bear out what SymPy found: a limit, or ever smaller distances to it."""
    if found in (sympy.oo, -sympy.oo):
        return float(found) == value
    if not (found.is_number and found.is_real and found.is_finite):
        return False
    true = mp.mpf(str(sympy.N(found, 60)))
    if np.isfinite(value) and abs(true - value) <= 1e-12 * max(1.0, abs(value)):
        return True
    off = [abs(one - true) for one in at if mp.isfinite(one)]
    closer = all(a > b for a, b in itertools.pairwise(off))
    return len(off) == len(_points()) and closer and off[-1] < off[0] / 2


def _line(slope: str, offset: str) -> str:
    steep = {"1": "x", "-1": "-x"}.get(slope, f"{slope}*x")
    if offset == "0":
        return steep
    return f"{steep} - {offset[1:]}" if offset.startswith("-") else f"{steep} + {offset}"


def closed(form: Any) -> str:
    """Write a limit in closed form where that is short, else as a number."""
    number = _number(float(form))
    if form.is_Rational and (form.q > 1000 or sympy.Rational(number) == form):
        return number
    text = str(form)
    return number if "oo" in text or len(text) > _MAX_FORM_CHARS else text


def _number(value: float) -> str:
    """Write a number with at most six digits; one that is 0 but for rounding as 0."""
    return f"{round(value, 12) + 0.0:.6g}" if np.isfinite(value) else str(value)


# --- the definition, run on numbers and forms


def _far(subject: Subject, points: _Numbers, x: Any) -> _Far:
    tame = len(subject.program.instructions) <= _MOST_STEPS
    given = _Far(points, x if tame else None)
    ops = {name: functools.partial(_step, name) for name in OPS}
    (found,) = run(subject.program, ops, [given])
    return _lifted(found, len(points))


def _lifted(value: Any, n_points: int) -> _Far:
    """Return a constant as what it is far out."""
    if isinstance(value, _Far):
        return value
    decimal = mp.nstr(value, 20)
    tame = value == 0 or _LEAST <= abs(value) <= _MOST
    return _Far((value,) * n_points, sympy.Rational(decimal) if tame else None)


def _step(name: str, *args: Any) -> _Far:
    n_points = next((len(arg.at) for arg in args if isinstance(arg, _Far)), len(_points()))
    values = [_lifted(arg, n_points) for arg in args]
    at = tuple(OPS[name](*each) for each in zip(*(one.at for one in values), strict=True))
    form = _FORMS.get(name)
    if form is None:
        return _Far(at, None)
    try:
        return _Far(at, form(*values))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return _Far(at, None)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation on forms, of arguments that all have one."""

    def formed(*args: _Far) -> Any:
        forms = [one.form for one in args]
        return None if any(form is None for form in forms) else function(*forms)

    return formed


def _sign(value: _Far) -> int:
    """Return the sign of all numbers.

    Raises:
        ValueError: They differ, or are 0.
    """
    signs = {int(mp.sign(one)) if not mp.isnan(one) else 0 for one in value.at}
    if len(signs) != 1 or 0 in signs:
        raise ValueError("no one sign")
    return signs.pop()


def _less(a: _Far, b: _Far) -> bool:
    return _sign(_Far(tuple(x - y for x, y in zip(a.at, b.at, strict=True)), None)) < 0


def _differ(a: _Far, b: _Far) -> bool:
    if all(x != y for x, y in zip(a.at, b.at, strict=True)):
        return True
    raise ValueError("equal somewhere")


def _power(a: _Far, b: _Far) -> Any:
    if a.form is None or b.form is None:
        return None
    if b.form.is_Rational and abs(b.form) <= _MOST_POWER:
        whole = b.form.is_Integer
        return a.form**b.form if whole or _sign(a) > 0 else None
    return sympy.exp(b.form * sympy.log(a.form)) if _sign(a) > 0 else None


def _tanh(a: _Far) -> Any:
    """Write tanh by what falls: 1 - exp(-2|a|) over 1 + exp(-2|a|).

    Either sign gives the function; the right one is easier to take a limit of.
    """
    if a.form is None:
        return None
    sign = -1 if all(one < 0 for one in a.at) else 1
    small = sympy.exp(-2 * sign * a.form)
    return sign * (1 - small) / (1 + small)


def _erfc(a: _Far) -> Any:
    """Write erfc by what falls, erfc of a positive argument."""
    if a.form is None:
        return None
    return 2 - sympy.erfc(-a.form) if all(one < 0 for one in a.at) else sympy.erfc(a.form)


def _erf(a: _Far) -> Any:
    """Write erf by erfc where its argument grows."""
    if a.form is None or not all(abs(one) > 1 for one in a.at):
        return _plain(sympy.erf)(a)
    sign = _sign(a)
    return sign * (1 - sympy.erfc(sign * a.form))


def _choice(condition: _Far, a: _Far, b: _Far) -> Any:
    return a.form if condition.form else b.form


_FORMS: dict[str, Callable[..., Any]] = {
    "add": _plain(operator.add),
    "sub": _plain(operator.sub),
    "mul": _plain(operator.mul),
    "div": _plain(operator.truediv),
    "neg": _plain(operator.neg),
    "pow": _power,
    "abs": lambda a: _plain(operator.mul)(a, _Far((), sympy.Integer(_sign(a)))),
    "sign": lambda a: sympy.Integer(_sign(a)),
    "maximum": lambda a, b: b.form if _less(a, b) else a.form,
    "minimum": lambda a, b: a.form if _less(a, b) else b.form,
    "lt": lambda a, b: sympy.true if _less(a, b) else sympy.false,
    "gt": lambda a, b: sympy.true if _less(b, a) else sympy.false,
    "eq": lambda a, b: sympy.false if _differ(a, b) else sympy.true,
    "where": _choice,
    "cast": lambda condition, _like: sympy.Integer(int(bool(condition.form))),
    "sinh": _plain(lambda a: (sympy.exp(a) - sympy.exp(-a)) / 2),
    "cosh": _plain(lambda a: (sympy.exp(a) + sympy.exp(-a)) / 2),
    "tanh": _tanh,
    "erfc": _erfc,
    "erf": _erf,
    **{name: _plain(getattr(sympy, name)) for name in "sqrt exp log sin cos asinh atan".split()},
}
