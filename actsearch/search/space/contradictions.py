"""Which hard conditions of a space no function meets together, by their settings alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from actsearch.search.space.conditions import (
    Bounded,
    ConditionModel,
    Limits,
    Lipschitz,
    Monotone,
    Slope,
)


def contradictions(models: Sequence[ConditionModel]) -> list[str]:
    """Return which hard conditions no function worth training meets together, a sentence each.

    What the settings alone tell; a search finds out about the others.
    """
    hard = [model for model in models if model.penalty is None]
    found = []
    for one, other in itertools.combinations(hard, 2):
        for first, second in ((one, other), (other, one)):
            rule = _RULES.get((first.kind, second.kind))
            reason = rule(first, second) if rule else None
            if reason is not None:
                found.append(f"'{first.plain}' and '{second.plain}' contradict: {reason}")
                break
    return found


def _always(reason: str) -> Callable[[Any, Any], str | None]:
    return lambda _first, _second: reason


def _bounds(bounded: Bounded) -> tuple[float, float]:
    low = -math.inf if bounded.low is None else bounded.low
    return low, math.inf if bounded.high is None else bounded.high


def _ends(limits: Limits) -> list[tuple[str, float | None]]:
    """Return both limits as numbers, None where that is open."""
    return [
        (end, None if value in (None, "finite") else float(value))
        for end, value in (("left", limits.left), ("right", limits.right))
    ]


def _apart(one: Bounded, other: Bounded) -> str | None:
    low = max(_bounds(one)[0], _bounds(other)[0])
    high = min(_bounds(one)[1], _bounds(other)[1])
    if low < high:
        return None
    return "no value lies in both" if low > high else f"only the constant {low:g} lies in both"


def _zero_outside(_first: Any, bounded: Bounded) -> str | None:
    low, high = _bounds(bounded)
    return None if low <= 0 <= high else "it takes the value 0, which the bounds leave out"


def _one_sign(_odd: Any, bounded: Bounded) -> str | None:
    low, high = _bounds(bounded)
    return None if low < 0 < high else "an odd function has both signs"


def _not_above_zero(_positive: Any, bounded: Bounded) -> str | None:
    return None if _bounds(bounded)[1] > 0 else "no value above 0 is left"


def _limit_outside(limits: Limits, bounded: Bounded) -> str | None:
    low, high = _bounds(bounded)
    for end, value in _ends(limits):
        if value is not None and not low <= value <= high:
            return f"the limit on the {end}, {value:g}, is outside the bounds"
    return None


def _limit_below_zero(limits: Limits, _positive: Any) -> str | None:
    for end, value in _ends(limits):
        if value is not None and value < 0:
            return f"the limit on the {end}, {value:g}, is below 0"
    return None


def _other_limit(one: Limits, other: Limits) -> str | None:
    for end in ("left", "right"):
        first, second = getattr(one, end), getattr(other, end)
        if None in (first, second) or first == second:
            continue
        endless = {"inf", "-inf"}
        if "finite" not in (first, second) or {first, second} & endless:
            return f"there is one limit on the {end}"
    return None


def _limits_not(sign: int) -> Callable[[Limits, Any], str | None]:
    def rule(limits: Limits, _symmetry: Any) -> str | None:
        (_, left), (_, right) = _ends(limits)
        endless = [isinstance(v, str) and v != "finite" for v in (limits.left, limits.right)]
        if left is not None and right is not None:
            return None if left == sign * right else "the limits on both sides do not agree"
        if "finite" in (limits.left, limits.right) and any(endless):
            return "the limits on both sides do not agree"
        return None

    return rule


def _limits_against(limits: Limits, monotone: Monotone) -> str | None:
    (_, left), (_, right) = _ends(limits)
    if left is None or right is None:
        starts, stops = (right, left) if monotone.direction == "decreasing" else (left, right)
        if monotone.direction and (starts == math.inf or stops == -math.inf):
            return f"a function that is {monotone.direction} does not come from or end there"
        return None
    if left == right:
        return "with the same limit on both sides it is constant"
    rises = "increasing" if left < right else "decreasing"
    return None if monotone.direction in (None, rises) else f"with these limits it is {rises}"


def _other_way(one: Monotone, other: Monotone) -> str | None:
    ways = {one.direction, other.direction} - {None}
    return "only a constant is both" if len(ways) > 1 else None


def _too_steep(slope: Slope, lipschitz: Lipschitz) -> str | None:
    if slope.at_least <= lipschitz.at_most:
        return None
    return "the mean slope is to be above the greatest"


#: (kind, kind) -> what tells whether two conditions contradict each other.
_RULES: dict[tuple[str, str], Callable[[Any, Any], str | None]] = {
    ("odd", "even"): _always("only 0 is both"),
    ("odd", "positive"): _always("an odd function is 0 at 0 and has both signs"),
    ("positive", "zero-at-zero"): _always("0 is not positive"),
    ("positive", "sparse"): _always("exact zeros are not positive"),
    ("even", "monotone"): _always("only a constant is both"),
    ("bounded", "bounded"): _apart,
    ("odd", "bounded"): _one_sign,
    ("zero-at-zero", "bounded"): _zero_outside,
    ("sparse", "bounded"): _zero_outside,
    ("positive", "bounded"): _not_above_zero,
    ("limits", "bounded"): _limit_outside,
    ("limits", "positive"): _limit_below_zero,
    ("limits", "limits"): _other_limit,
    ("limits", "odd"): _limits_not(-1),
    ("limits", "even"): _limits_not(1),
    ("limits", "monotone"): _limits_against,
    ("monotone", "monotone"): _other_way,
    ("slope", "lipschitz"): _too_steep,
}
