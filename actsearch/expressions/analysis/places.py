"""Single places of a function: zeros, extrema, kinks and steps.

The grid shows between which points they lie; mpmath then finds them in the mathematical definition,
to some fifty digits, and a number that is known in closed form to all of these is named by it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis import grid
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.value import DIGITS, GRID, Extremum, Kink, Zero

Array = NDArray[np.float64]

#: Digits of the search for a root, and what is left at one that was found.
_DIGITS, _LEFT = 60, "1e-45"
#: More than the method needs, whose digits grow by half a round.
_N_ROUNDS = 30
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
#: Distances from a kink at which slopes are taken; an upright tangent grows from one to the next.
_NEAR, _NEARER, _SMALL = "1e-9", "1e-12", "1e-15"
_UPRIGHT = 5.0


def zeros(subject: Subject, f: Array, extrema: tuple[Extremum, ...]) -> tuple[Zero, ...]:
    """Return isolated zeros on the window: those where the sign changes, and extrema of value 0.

    Args:
        subject: The function.
        f: Its values on the grid.
        extrema: Those that were found.
    """
    x, exact = grid.GRID, f == 0
    alone = np.flatnonzero(exact[1:-1] & ~exact[:-2] & ~exact[2:]) + 1
    change = np.flatnonzero((f[:-1] * f[1:] < 0) & (np.abs(np.diff(f)) < 1e3))
    found: dict[float, Zero] = {}
    refine = len(alone) + len(change) <= _MOST_REFINED
    for place in (x[alone] + 0.0).tolist():
        sure = refine and subject.exact(place) == 0
        found[place] = Zero(place, _closed(mp.mpf(place)) if sure else "", _how(sure))
    for i in change.tolist():
        a, b = x[i : i + 2].tolist()
        root = _root(subject.exact, a, b) if refine else None
        if root is not None:
            found.setdefault(float(root), Zero(float(root), _closed(root), DIGITS))
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
    found: dict[float, Extremum] = {}
    for kink in kinks:
        if kink.left_slope * kink.right_slope < 0:
            value = value_at(subject, kink.x)
            kind = "minimum" if kink.right_slope > 0 else "maximum"
            form = _closed(mp.mpf(kink.x))
            found[kink.x] = Extremum(kind, kink.x, value, form, DIGITS)
    brackets = [
        (a, b, sign)
        for a, b, sign in _turns(d)
        if not any(a <= x <= b for x in found) and _is_smooth(subject, a, b)
    ]
    refine = len(brackets) <= _MOST_REFINED
    for a, b, sign in brackets:
        root = _root(subject.exact_slope, a, b) if refine else None
        x = float(_between(subject, a, b) if root is None else root)
        kind = "minimum" if sign > 0 else "maximum"
        form = "" if root is None else _closed(root)
        at = x if root is None else root
        found[x] = Extremum(kind, x, value_at(subject, at), form, _how(root is not None))
    return tuple(found[x] for x in sorted(found))


def _turns(d: Array) -> list[tuple[float, float, int]]:
    """Return between which points the slope changes its sign, and the sign behind."""
    sign = np.sign(np.where(np.isfinite(d), d, 0.0)).astype(int)
    x = grid.GRID
    turns = [(i, i + 1) for i in np.flatnonzero(sign[:-1] * sign[1:] < 0).tolist()]
    alone = (sign[1:-1] == 0) & (sign[:-2] * sign[2:] < 0)
    turns += [(i, i + 2) for i in np.flatnonzero(alone).tolist()]
    return [(float(x[a]), float(x[b]), int(sign[b])) for a, b in turns]


def _is_smooth(subject: Subject, a: float, b: float) -> bool:
    """Tell whether a slope goes through 0 and doesn't leap over it."""
    inner = np.abs(subject.slope(np.linspace(a, b, 1025)))
    return bool(np.nanmin(inner) <= 0.1 * min(inner[0], inner[-1]))


def _between(subject: Subject, a: float, b: float) -> float:
    """Return where the slope goes through 0, by straight interpolation."""
    left, right = subject.slope([a, b]).tolist()
    return a - left * (b - a) / (right - left)


def value_at(subject: Subject, x: Any) -> float:
    """Return the true value at one point, 0 where it is that to some fifty digits."""
    value = subject.exact(x)
    if not mp.isfinite(value):
        return float(subject.value(float(x)))
    return 0.0 if abs(value) < mp.mpf(_LEFT) else float(value)


def kinks(subject: Subject, d: Array, steps: tuple[float, ...]) -> tuple[Kink, ...]:
    """Return where the slope jumps on the window though the value does not.

    Args:
        subject: The function.
        d: Its slopes on the grid.
        steps: Where the value jumps.
    """
    places = grid.located_jumps(grid.GRID, d, subject.slope)
    return tuple(
        Kink(x, _side(subject, x, -1), _side(subject, x, 1))
        for x in (_rounded(place) for place in places)
        if not any(abs(x - step) < 1e-6 for step in steps)
    )


def _rounded(place: float) -> float:
    """Return the round number beside a place that bisection came to."""
    decimal = round(place, 9) + 0.0
    return decimal if abs(decimal - place) <= 4e-15 * max(1.0, abs(place)) else place


def _side(subject: Subject, x: float, side: int) -> float:
    """Return the slope on one side: at two distances, and from there straight to the kink."""
    with mp.workdps(_DIGITS):
        far, close = mp.mpf(_NEAR), mp.mpf(_NEARER)
        near, nearer = (
            subject.exact_slope(mp.mpf(x) + side * distance) for distance in (far, close)
        )
        if abs(nearer) > _UPRIGHT * max(mp.mpf(1), abs(near)):
            return float(mp.sign(nearer) * mp.inf)
        slope = nearer + (nearer - near) * close / (far - close)
        return 0.0 if abs(slope) < mp.mpf(_SMALL) else float(slope)


def steps(subject: Subject, f: Array) -> tuple[float, ...]:
    """Return where the value jumps, and single points where it is infinite."""
    x = grid.GRID
    poles = np.isinf(f[1:-1]) & np.isfinite(f[:-2]) & np.isfinite(f[2:])
    return tuple(sorted({*grid.jumps(x, f, subject.value), *(x[1:-1][poles] + 0.0).tolist()}))


# --- to fifty digits


def _root(function: Callable[[Any], Any], a: float, b: float) -> Any:
    """Return where a function is 0 between two points of different sign; None where it jumps."""
    with mp.workdps(_DIGITS):
        left, right = mp.mpf(a), mp.mpf(b)
        try:
            at_left, at_right = function(left), function(right)
            if not at_left * at_right < 0:
                return None
            root = mp.findroot(
                lambda x: function(x),  # mpmath tries both points as two arguments
                (left, right),
                solver="illinois",
                tol=mp.mpf("1e-100"),
                maxsteps=_N_ROUNDS,
                verify=False,
            )
            scale = max(abs(at_left), abs(at_right))
            inside = left <= root <= right
            return root if inside and abs(function(root)) <= mp.mpf(_LEFT) * scale else None
        except (ValueError, ZeroDivisionError, TypeError, OverflowError):
            return None


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
