"""Limits and asymptotes: numbers from mpmath far out, and their proof by SymPy where it has one.

``far`` runs the definition on both at once: numbers at 1e20, 1e40 and 1e80, and SymPy forms, for
which every branch of ``max``, ``abs`` and the like was proved. What SymPy answers is believed where
the numbers agree. Numbers alone are believed where those much further out don't deny them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import mpmath as mp
import numpy as np
import sympy

from actsearch.expressions.analysis import exponentials
from actsearch.expressions.analysis.bounded import Budget
from actsearch.expressions.analysis.far import WORK_DIGITS, Far, Numbers, far, near_points
from actsearch.expressions.analysis.grid import LIMIT_POINTS, limit
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, EXACT, GRID, Asymptote, End

#: Numbers count as settled where those at 1e40 are within this of those at 1e80.
_SETTLED = 1e-6
_INFINITE = 1e12
#: What comes near a limit slowly goes at most this part of the way before, and counts as known to
#: so small a number.
_SLOW, _SHOWN = 0.1, 1e-5
#: Calls for all limits of a function, more than any of the zoo takes: half a second or so.
_N_CALLS = 1_600_000
_MAX_FORM_CHARS = 24
#: A slope with more digits before the point is a number and not a fraction.
_MOST_BITS = 100


def ends(subject: Subject) -> tuple[End, End]:
    """Return what happens as x goes to -infinity and to infinity."""
    budget = Budget(_N_CALLS)
    return _end(subject, -1, budget), _end(subject, 1, budget)


def _end(subject: Subject, sign: int, budget: Budget) -> End:
    with mp.workdps(WORK_DIGITS):
        points = tuple(sign * one for one in near_points())
        t = sympy.Dummy("t", positive=True)
        there = far(subject, sign, t, budget)
        seen = limit(subject.value(sign * LIMIT_POINTS))
        value, how = _limit(there.at, _has_waves(subject), seen)
        line = _asymptote(there, points, t, sign, budget) if np.isinf(value) else None
        if line is not None and line.how == EXACT:  # the proof of the line is one of the limit
            return End(_number(value), _number(value), value, EXACT, line, False)
        found = None
        if there.form is not None:
            found = budget.spend(lambda: exponentials.limit(there.form, t))
        known = None if found is None else budget.spend(lambda: _known(found, value, there))
        if known is not None:
            value, text = known
            if np.isfinite(value):
                line = Asymptote(0.0, value, text, EXACT)
            reached = not there.form.has(t)
            return End(_number(value), text, value, EXACT, line, reached)
        if found is not None and seen == "oscillates" and found.has(sympy.AccumBounds):
            return End(seen, seen, value, EXACT, None, False)
        if how == GRID or _is_denied(value, there):
            line = None
            value, how = _last(there.beyond, seen)
        text = seen if how == GRID else _number(value)
        if how == DIGITS and np.isfinite(value):
            line = Asymptote(0.0, value, text, how)
        return End(text, text, value, how, line, False)


def _known(found: Any, value: float, there: Far) -> tuple[float, str] | None:
    """Return a limit of SymPy's as a number and in closed form, where the numbers bear it out."""
    return (float(found), closed(found)) if _agrees(found, value, there) else None


def _is_denied(value: float, there: Far) -> bool:
    """Tell whether numbers much further out are not where those before seemed to go."""
    known = [one for one in there.beyond if not mp.isnan(one)]
    if not known:
        return False
    if np.isfinite(value):
        return bool(abs(known[-1] - value) > _SETTLED * max(1.0, abs(value)))
    return bool(np.sign(value) * known[-1] < np.sign(value) * there.at[-1])


def _last(beyond: Numbers, seen: str) -> tuple[float, str]:
    """Return the limit where the furthest numbers alone have come to rest, and how it was had."""
    if not any(mp.isnan(one) for one in beyond) and _settled(beyond[1:3], beyond[3:]):
        return float(beyond[-1]), DIGITS
    return _grid(seen)


def _grid(seen: str) -> tuple[float, str]:
    try:
        return float(seen), GRID
    except ValueError:
        return float("nan"), GRID


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


def _slow_limit(at: Numbers) -> float | None:
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


def _limit(at: Numbers, waves: bool, seen: str) -> tuple[float, str]:
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
    return _grid(seen)


def _asymptote(there: Far, points: Numbers, t: Any, sign: int, budget: Budget) -> Asymptote | None:
    """Return the line that the function comes near as t, which is ``sign*x``, goes to infinity."""
    if not all(mp.isfinite(one) for one in there.at):
        return None
    ratios = _rows([one / x for one, x in zip(there.at, points, strict=True)])
    slope = (there.at[-1] - there.at[-4]) / (points[-1] - points[-4])
    rest = _rows([one - slope * x for one, x in zip(there.at, points, strict=True)])
    if abs(slope) < 1e-15 or not _settled(ratios[1], ratios[2]) or not _settled(rest[0], rest[1]):
        return None
    offset = rest[1][-1]
    steep = _rational(slope)

    def proved() -> Asymptote | None:
        found = exponentials.limit(there.form - sign * steep * t, t)
        if not _is_near(found, float(offset)):
            return None
        return Asymptote(float(slope), float(found), _line(closed(steep), closed(found)), EXACT)

    line = budget.spend(proved) if steep is not None and there.form is not None else None
    if line is not None:
        return line
    values = float(slope), round(float(offset), 15) + 0.0
    return Asymptote(*values, _line(*map(_number, values)), DIGITS)


def _rational(number: Any) -> Any:
    """Return a number as a fraction or a decimal of SymPy's, None where it is neither, or huge."""
    if mp.mag(number) > _MOST_BITS:
        return None
    decimal = sympy.Rational(mp.nstr(number, 40))
    candidates = (decimal.limit_denominator(1000), sympy.Rational(mp.nstr(number, 20)))
    near = mp.mpf("1e-30") * abs(number)
    return next((one for one in candidates if abs(mp.mpf(one.p) / one.q - number) <= near), None)


def _agrees(found: Any, value: float, there: Far) -> bool:
    """Tell whether numbers bear out what SymPy found: a limit, or ever smaller distances to it."""
    if found in (sympy.oo, -sympy.oo):
        return float(found) == value or _climbs(there, int(sympy.sign(found)))
    if not (found.is_number and found.is_real and found.is_finite):
        return False
    if _is_near(found, value):
        return True
    true = mp.mpf(str(sympy.N(found, 60)))
    off = [abs(one - true) for one in there.at if mp.isfinite(one)]
    closer = all(a > b for a, b in itertools.pairwise(off))
    return len(off) == len(near_points()) and closer and off[-1] < off[0] / 2


def _is_near(found: Any, value: float) -> bool:
    """Tell whether a form is a number, and a known one but for rounding."""
    if not (found.is_number and found.is_real and found.is_finite and np.isfinite(value)):
        return False
    true = mp.mpf(str(sympy.N(found, 60)))
    return bool(abs(true - value) <= 1e-12 * max(1.0, abs(value)))


def _climbs(there: Far, sign: int) -> bool:
    """Tell whether numbers go on to infinity, however slowly, in the end."""
    known = [sign * one for one in there.beyond if not mp.isnan(one)]
    before = max(sign * one for one in there.at)
    goes_on = all(a < b for a, b in itertools.pairwise(known))
    return len(known) > 2 and goes_on and known[-1] > max(before, 0)


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
