"""Single places of a function: zeros and extrema.

The grid shows between which points they lie; mpmath then finds them in the mathematical definition,
to some fifty digits, and a number that is known in closed form to all of these is named by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis import grid
from actsearch.expressions.analysis.root import DIGITS as _DIGITS
from actsearch.expressions.analysis.root import LEFT as _LEFT
from actsearch.expressions.analysis.root import root
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, GRID, Extremum, Kink, Zero

Array = NDArray[np.float64]

#: Of more places than this none is refined: a wave has thousands.
_MOST_REFINED = 24
#: What a closed form is made of: its text, a number's image that is then a fraction, and back.
_FORMS: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("{}", lambda z: z, lambda q: q),
    ("{}*pi", lambda z: z / mp.pi, lambda q: q * mp.pi),
    ("log({})", mp.exp, mp.log),
    ("{sign}sqrt({})", lambda z: z * z, mp.sqrt),
)
_MAX_DENOMINATOR = 64
#: Points between two of the grid that tell whether something goes through 0 there.
_N_INNER, _N_INNER_OF_MANY = 1025, 17


def zeros(subject: Subject, f: Array, extrema: tuple[Extremum, ...]) -> tuple[Zero, ...]:
    """Return isolated zeros on the window: those where the sign changes, and extrema of value 0.

    Args:
        subject: The function.
        f: Its values on the grid.
        extrema: Those that were found.
    """
    x, exact = grid.GRID, f == 0
    alone = np.flatnonzero(exact[1:-1] & ~exact[:-2] & ~exact[2:]) + 1
    change = np.flatnonzero(np.sign(f[:-1]) * np.sign(f[1:]) < 0)
    found: dict[float, Zero] = {}
    refine = len(alone) + len(change) <= _MOST_REFINED
    for place in (x[alone] + 0.0).tolist():
        sure = refine and subject.exact(place) == 0
        found[place] = Zero(place, _closed(mp.mpf(place)) if sure else "", _how(sure))
    for i in change.tolist():
        a, b = x[i : i + 2].tolist()
        true = root(subject.exact, a, b) if refine else None
        if true is not None:
            found.setdefault(float(true), Zero(float(true), _closed(true), DIGITS))
        elif not refine or _is_passed(subject, a, b):
            place = float(a - f[i] * (b - a) / (f[i + 1] - f[i]))
            found.setdefault(place, Zero(round(place, 6) + 0.0, "", GRID))
    for one in extrema:
        if one.value == 0 and not any(abs(one.x - x) < 1e-9 for x in found):
            found[one.x] = Zero(one.x, one.form, one.how)
    return tuple(found[x] for x in sorted(found))


def _how(sure: bool) -> str:
    return DIGITS if sure else GRID


def _is_passed(subject: Subject, a: float, b: float) -> bool:
    """Tell whether a change of sign is no jump: values between are smaller than those beside."""
    inner = np.abs(subject.value(np.linspace(a, b, 1025)))
    return bool(inner.min() < 0.1 * min(inner[0], inner[-1]))


def extrema(subject: Subject, d: Array, kinks: tuple[Kink, ...]) -> tuple[Extremum, ...]:
    """Return isolated local extrema on the window, those at kinks included.

    Args:
        subject: The function.
        d: Its slopes on the grid.
        kinks: Those that were found.
    """
    corners = [kink for kink in kinks if kink.left_slope * kink.right_slope < 0]
    refine = len(corners) <= _MOST_REFINED
    found: dict[float, Extremum] = {}
    values = subject.value([kink.x for kink in corners]).tolist()
    for kink, near in zip(corners, values, strict=True):
        kind = "minimum" if kink.right_slope > 0 else "maximum"
        value = value_at(subject, kink.x) if refine else near
        form = _closed(mp.mpf(kink.x)) if refine else ""
        found[kink.x] = Extremum(kind, kink.x, value, form, _how(refine))
    lows, highs, signs = _turns(d)
    at = np.array(sorted(found))
    smooth = np.searchsorted(at, lows, "left") == np.searchsorted(at, highs, "right")
    lows, highs, signs = lows[smooth], highs[smooth], signs[smooth]
    refine = len(lows) <= _MOST_REFINED
    smooth = _is_smooth(subject, lows, highs, _N_INNER if refine else _N_INNER_OF_MANY)
    lows, highs, signs = lows[smooth], highs[smooth], signs[smooth]
    between = _between(subject, lows, highs)
    kinds = ["minimum" if sign > 0 else "maximum" for sign in signs.tolist()]
    if not refine:
        values = subject.value(between).tolist()
        for kind, x, value in zip(kinds, between.tolist(), values, strict=True):
            found[x] = Extremum(kind, x, value, "", GRID)
        return tuple(found[x] for x in sorted(found))
    for kind, a, b, x in zip(kinds, lows.tolist(), highs.tolist(), between.tolist(), strict=True):
        place = root(subject.exact_slope, a, b)
        if place is None:
            found[x] = Extremum(kind, x, value_at(subject, x), "", GRID)
        else:
            value = value_at(subject, place)
            if not math.isnan(value):  # sin(x)/x has none at 0
                found[float(place)] = Extremum(kind, float(place), value, _closed(place), DIGITS)
    return tuple(found[x] for x in sorted(found))


def _turns(d: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return between which points the slope changes its sign, and the sign behind."""
    sign = np.sign(np.where(np.isfinite(d), d, 0.0)).astype(int)
    x = grid.GRID
    turns = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    alone = np.flatnonzero((sign[1:-1] == 0) & (sign[:-2] * sign[2:] < 0))
    low, high = np.concatenate([turns, alone]), np.concatenate([turns + 1, alone + 2])
    return x[low], x[high], sign[high]


def _is_smooth(subject: Subject, a: Array, b: Array, n_points: int) -> NDArray[np.bool_]:
    """Tell whether slopes go through 0 and don't leap over it."""
    if not a.size:
        return np.zeros(0, dtype=bool)
    inner = np.abs(subject.slope(np.linspace(a, b, n_points)))
    least = np.where(np.isnan(inner), np.inf, inner).min(axis=0)
    return np.asarray(least <= 0.1 * np.minimum(inner[0], inner[-1]))


def _between(subject: Subject, a: Array, b: Array) -> Array:
    """Return where slopes go through 0, by straight interpolation."""
    left, right = subject.slope(a), subject.slope(b)
    return np.asarray(a - left * (b - a) / (right - left))


def value_at(subject: Subject, x: Any) -> float:
    """Return the true value at one point, 0 where it is that to some fifty digits."""
    value = subject.exact(x)
    if not mp.isfinite(value):
        return float(subject.value(float(x)))
    return 0.0 if abs(value) < mp.mpf(_LEFT) else float(value)


# --- to fifty digits


def _closed(number: Any) -> str:
    """Return a number in closed form, empty where none of few symbols equals it."""
    with mp.workdps(_DIGITS):
        near = mp.mpf(_LEFT) * max(mp.mpf(1), abs(number))
        for template, image, back in _FORMS:
            fraction = _fraction(image(number))
            if fraction is None or (template != "{}" and fraction <= 0 and "pi" not in template):
                continue
            value = back(mp.mpf(fraction.numerator) / fraction.denominator)
            sign = "-" if "sign" in template and number < 0 else ""
            if abs((-value if sign else value) - number) <= near:
                return _written(template, fraction, sign)
    return ""


def _fraction(image: Any) -> Fraction | None:
    if not mp.isfinite(image) or abs(image) > 1000:
        return None
    near = Fraction(float(image)).limit_denominator(_MAX_DENOMINATOR)
    return near if abs(float(near) - float(image)) < 1e-12 else None


def _written(template: str, fraction: Fraction, sign: str) -> str:
    if "pi" in template:
        top = {1: "pi", -1: "-pi"}.get(fraction.numerator, f"{fraction.numerator}*pi")
        return top if fraction.denominator == 1 else f"{top}/{fraction.denominator}"
    return template.format(_decimal(fraction), sign=sign)


def _decimal(fraction: Fraction) -> str:
    decimal = f"{float(fraction):.6g}"
    return decimal if Fraction(decimal) == fraction else str(fraction)
