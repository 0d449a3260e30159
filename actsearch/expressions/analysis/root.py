"""A place where a function is 0, to fifty digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp

#: Digits of the search, and what is left of the values beside a place that was found.
DIGITS, LEFT = 60, "1e-45"
#: More than the method needs, whose digits grow by half a round.
_N_ROUNDS = 30


def root(function: Callable[[Any], Any], a: Any, b: Any) -> Any:
    """Return where a function is 0 between two points of different sign; None where it jumps."""
    with mp.workdps(DIGITS):
        left, right = mp.mpf(a), mp.mpf(b)
        try:
            at_left, at_right = function(left), function(right)
            if not at_left * at_right < 0:
                return None
            found = mp.findroot(
                lambda x: function(x),  # mpmath tries both points as two arguments
                (left, right),
                solver="illinois",
                tol=mp.mpf("1e-100"),
                maxsteps=_N_ROUNDS,
                verify=False,
            )
            scale = max(abs(at_left), abs(at_right))
            inside = left <= found <= right
            return found if inside and abs(function(found)) <= mp.mpf(LEFT) * scale else None
        except (ValueError, ZeroDivisionError, TypeError, OverflowError):
            return None
