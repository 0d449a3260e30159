"""How fast a function grows beside a normal density, which says whether it has means at all.

``exp(x**2/2)`` has none under N(0, 1), though every quadrature on some stretch gives a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mpmath as mp
import numpy as np

from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.expression import Expression
from actsearch.expressions.reference import value

#: Where growth is looked at. What stays below the bound at the first is not of that kind.
_FIRST, _BOUND = 1e4, 1e60
_FAR = (25.0, 50.0, 100.0, 1e3, 1e6, 1e9)
#: x times a density times a function has to fall at least like this power of 1/x.
_FALL = 0.1
_DIGITS = 60


@dataclass(frozen=True)
class Tail:
    """A function on one side as far out as it can be computed.

    Attributes:
        x: The distance from 0.
        size: Logarithm of the magnitude there.
        sign: Sign of the function there.
    """

    x: float
    size: float
    sign: int

    def has_mean(self, power: int, q: float) -> bool:
        """Tell whether a power of the function has a mean under N(0, q)."""
        if self.size == math.inf:
            return False
        density = -self.x * self.x / (2 * q)
        return power * self.size + density < -(1 + _FALL) * math.log(self.x)


@dataclass(frozen=True)
class Tails:
    """Tails of a function, and those of its slope; none where it grows too slowly to matter."""

    value: tuple[Tail, ...]
    slope: tuple[Tail, ...]

    def has_squares(self, q: float) -> bool:
        """Tell whether f^2 and f'^2 have means under N(0, q)."""
        return all(tail.has_mean(2, q) for tail in (*self.value, *self.slope))


def tails(subject: Subject) -> Tails:
    """Return the tails of a function."""
    found = []
    for function in (subject.function, subject.derivative):
        with np.errstate(all="ignore"):
            near = np.abs(function.evaluate(np.array([-_FIRST, _FIRST])))
        sides = [side for side, size in zip((-1, 1), near, strict=True) if not size < _BOUND]
        each = [_tail(function, side) for side in sides]
        found.append(tuple(tail for tail in each if tail is not None))
    return Tails(*found)


def _tail(function: Expression, side: int) -> Tail | None:
    """Return the tail at the last of the points where the function has a value."""
    last = None
    for x in _FAR:
        number = value(function.root, {"x": side * x}, digits=_DIGITS)
        if not mp.isnan(number):
            size = float(mp.log(abs(number))) if mp.isfinite(number) and number else math.inf
            last = Tail(x, -math.inf if number == 0 else size, int(mp.sign(number)))
    return last


def instead_of_mean(sides: tuple[Tail, ...], power: int) -> float | None:
    """Return what the mean under N(0, 1) of a power is, where it is no number; else None.

    Infinite where the tails that are too heavy go the same way, else NaN: there is none.
    """
    signs = {tail.sign**power for tail in sides if not tail.has_mean(power, 1.0)}
    if not signs:
        return None
    return signs.pop() * math.inf if len(signs) == 1 else math.nan
