"""How numbers and stretches of x are written for people: short, and what is infinite in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

#: More items than this are counted, not listed.
_MOST = 6


def number(value: float, digits: int = 6) -> str:
    """Write a number with so many significant digits at most."""
    return f"{value:.{digits}g}"


def percent(share: float) -> str:
    """Write a share in per cent."""
    return "undefined" if math.isnan(share) else f"{number(100 * share, 4)} %"


def stretch(interval: tuple[float, float]) -> str:
    """Write a stretch of x: ``x <= 0``, ``[1, 2]``, ``everywhere``."""
    low, high = interval
    if math.isinf(low):
        return "everywhere" if math.isinf(high) else f"x <= {number(high)}"
    if math.isinf(high):
        return f"x >= {number(low)}"
    return number(low) if low == high else f"[{number(low)}, {number(high)}]"


def way(low: float, high: float) -> str:
    """Write from where to where something goes: ``to 0``, ``from 1 to 2``; empty for all x."""
    parts = [] if math.isinf(low) else [f"from {number(low)}"]
    parts += [] if math.isinf(high) else [f"to {number(high)}"]
    return " ".join(parts)


def place(x: float, form: str, how: str) -> str:
    """Write a place: in closed form, too, where that says more, and that the grid gave it."""
    digits = number(x, 9)
    if how == "grid":
        return f"{digits} (grid)"
    return digits if form in ("", digits) else f"{form} = {digits}"


def listed(items: Sequence[T], word: Callable[[T], str] = str) -> str:
    """Write items one after the other, the first few of many; empty where there are none."""
    shown = [word(item) for item in items[:_MOST]]
    more = [f"and {len(items) - _MOST} more"] if len(items) > _MOST else []
    return "; ".join([*shown, *more])
