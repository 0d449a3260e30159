"""The ``[[conditions]]`` tables of a space file: one model a kind, and what contradicts what.

A table says which kind it is of (``is = "bounded"``), its settings, and with ``penalty`` that it is
a wish, not a must: so much is taken off a score for each unit of violation wherever candidates are
ranked. What the kinds mean is said by ``expressions/conditions.py``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from actsearch.errors import nearest, shorten
from actsearch.expressions import KNOWN, FormulaError, parse
from actsearch.expressions.conditions import Condition, Violation, violations
from actsearch.expressions.known import formula_of

_Number = Annotated[float, Field(ge=-1e6, le=1e6)]
_Positive = Annotated[float, Field(gt=0, le=1e6)]


class ConditionModel(BaseModel):
    """What all tables share: ``penalty`` in units of the score for each unit of violation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]

    penalty: float | None = Field(default=None, gt=0, le=1e6)

    @property
    def plain(self) -> Condition:
        """The condition as a plain value."""
        settings = tuple(
            (name, value)
            for name, value in dict(self).items()
            if name != "penalty" and value is not None
        )
        return Condition(self.kind, settings, self.penalty)

    @model_serializer(mode="plain")
    def _table(self) -> dict[str, Any]:
        given = {name: value for name, value in dict(self).items() if value is not None}
        return {"is": self.kind} | given


class Bounded(ConditionModel):
    """Values between ``low`` and ``high``, either of which may be left out."""

    kind = "bounded"
    low: _Number | None = None
    high: _Number | None = None

    @model_validator(mode="after")
    def _some_room(self) -> Bounded:
        if self.low is None and self.high is None:
            raise ValueError("give low, high, or both")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        return self


class Positive(ConditionModel):
    """Above 0."""

    kind = "positive"


class Odd(ConditionModel):
    """f(-x) = -f(x)."""

    kind = "odd"


class Even(ConditionModel):
    """f(-x) = f(x)."""

    kind = "even"


class Monotone(ConditionModel):
    """Never falling, or never rising; ``direction`` says which."""

    kind = "monotone"
    direction: Literal["increasing", "decreasing"] | None = None


class ZeroAtZero(ConditionModel):
    """f(0) = 0."""

    kind = "zero-at-zero"


class ZeroCentred(ConditionModel):
    """A mean under N(0, 1) of at most ``at_most`` in magnitude."""

    kind = "zero-centred"
    at_most: float = Field(default=0.1, ge=0, le=1e6)


class Sparse(ConditionModel):
    """Exact zeros for a share ``at_least`` of N(0, 1)."""

    kind = "sparse"
    at_least: float = Field(default=0.25, gt=0, le=1)


class Lipschitz(ConditionModel):
    """Slopes of at most ``at_most`` in magnitude."""

    kind = "lipschitz"
    at_most: _Positive = 1.0


class Smooth(ConditionModel):
    """No kinks and no steps."""

    kind = "smooth"


class Slope(ConditionModel):
    """Slopes of a mean magnitude ``at_least`` over [-far, -near] and over [near, far]."""

    kind = "slope"
    at_least: _Positive = 0.01
    near: float = Field(default=2.0, ge=0, le=100)
    far: float = Field(default=8.0, gt=0, le=100)

    @model_validator(mode="after")
    def _some_width(self) -> Slope:
        if not self.near < self.far:
            raise ValueError(f"near must be below far, got {self.near:g} and {self.far:g}")
        return self


class Cost(ConditionModel):
    """A modelled cost of at most ``factor`` times that of a function, forward and backward."""

    kind = "cost"
    at_most_of: str
    factor: _Positive = 1.0

    @field_validator("at_most_of")
    @classmethod
    def _a_function(cls, text: str) -> str:
        try:
            parse(formula_of(text))
        except FormulaError:
            guess = nearest(text, KNOWN)
            hint = f"; did you mean '{guess}'?" if guess else ""
            raise ValueError(
                f"'{shorten(text)}' is no known activation and no formula{hint}"
            ) from None
        return text


class Limits(ConditionModel):
    """What f(x) goes to as x goes to -inf (``left``) and to inf (``right``)."""

    kind = "limits"
    left: _Number | Literal["inf", "-inf", "finite"] | None = None
    right: _Number | Literal["inf", "-inf", "finite"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _infinities(cls, values: Any) -> Any:
        """Take TOML's own ``inf`` for the word."""
        if not isinstance(values, dict):
            return values
        endless = {math.inf: "inf", -math.inf: "-inf"}
        return {
            key: endless.get(value, value) if isinstance(value, float) else value
            for key, value in values.items()
        }

    @model_validator(mode="after")
    def _some(self) -> Limits:
        if self.left is None and self.right is None:
            raise ValueError("give left, right, or both: a number, 'inf', '-inf' or 'finite'")
        return self


_MODELS: tuple[type[ConditionModel], ...] = (
    Bounded, Positive, Odd, Even, Monotone, ZeroAtZero, ZeroCentred, Sparse, Lipschitz, Smooth,
    Slope, Cost, Limits,
)  # fmt: skip
#: What ``is`` may say.
MODELS: dict[str, type[ConditionModel]] = {model.kind: model for model in _MODELS}


def read_condition(table: Any) -> Any:
    """Return the model of a ``[[conditions]]`` table.

    Raises:
        ValueError: With everything that is wrong with it, and what is accepted.
    """
    if isinstance(table, ConditionModel):
        return table
    if not isinstance(table, dict) or "is" not in table:
        raise ValueError(f"a condition is a table with 'is' (one of: {', '.join(MODELS)})")
    kind, settings = table["is"], {key: value for key, value in table.items() if key != "is"}
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        guess = nearest(str(kind), MODELS)
        hint = f"; did you mean '{guess}'?" if guess else ""
        raise ValueError(
            f"unknown condition '{shorten(str(kind))}'{hint} (known: {', '.join(MODELS)})"
        )
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        problems = [_explain(problem, model) for problem in error.errors()]
        raise ValueError(f"{kind}: {'; '.join(dict.fromkeys(problems))}") from None


#: The type of one table in a space's model.
AnyCondition = Annotated[SerializeAsAny[ConditionModel], BeforeValidator(read_condition)]


def _explain(problem: Any, model: type[ConditionModel]) -> str:
    where = str(problem["loc"][0]) if problem["loc"] else ""
    known = list(model.model_fields)
    if problem["type"] == "extra_forbidden":
        guess = nearest(where, known)
        hint = f"; did you mean '{guess}'?" if guess else ""
        return f"unknown key '{shorten(where)}'{hint} (known: {', '.join(known)})"
    if model is Limits and where in ("left", "right"):
        return f"{where} is a number from -1e6 to 1e6, 'inf', '-inf' or 'finite', got {problem['input']!r}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    got = problem.get("input")
    shown = f", got {got!r}" if isinstance(got, str | int | float) else ""
    return f"{f'{where}: ' if where else ''}{message[:1].lower()}{message[1:]}{shown}"


def plain_conditions(models: Sequence[ConditionModel]) -> tuple[Condition, ...]:
    """Return conditions as plain values, in their order."""
    return tuple(model.plain for model in models)


def seeds_that_break(
    seeds: Sequence[str], models: Sequence[ConditionModel]
) -> list[tuple[str, Violation]]:
    """Return which seeds of a space violate a hard condition, each with its first violation.

    Args:
        seeds: Formulas, as ``SearchSpace.seeds`` has them.
        models: As ``SearchSpace.conditions`` has them.
    """
    hard = [condition for condition in plain_conditions(models) if condition.is_hard]
    found = ((text, violations(parse(text), hard)) for text in seeds)
    return [(text, broken[0]) for text, broken in found if broken]


# -- contradictions ----------------------------------------------------------------------------


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
    return None if low < min(_bounds(one)[1], _bounds(other)[1]) else "no value lies in both"


def _zero_outside(_first: Any, bounded: Bounded) -> str | None:
    low, high = _bounds(bounded)
    return None if low <= 0 <= high else "it takes the value 0, which the bounds leave out"


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
    ("odd", "bounded"): _zero_outside,
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
