"""The ``[[conditions]]`` tables of a space file: one model a kind.

A table says which kind it is of (``is = "bounded"``), its settings, and with ``penalty`` that it is
a wish, not a must: so much is taken off a score for each unit of violation wherever candidates are
ranked. What the kinds mean is said by ``expressions/conditions.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from actsearch.expressions.conditions import Condition
from actsearch.expressions.known import formula_of
from actsearch.search.space.messages import explained
from actsearch.search.space.parts import Number

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
    low: Number | None = None
    high: Number | None = None

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
    at_least: float = Field(default=0.25, gt=0, lt=1)


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
    left: Number | Literal["inf", "-inf", "finite"] | None = None
    right: Number | Literal["inf", "-inf", "finite"] | None = None

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
        return model.model_validate(settings, strict=True)
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
        accepted = "a number from -1e6 to 1e6, 'inf', '-inf' or 'finite'"
        return f"{where} is {accepted}, got {problem['input']!r}"
    return f"{f'{where}: ' if where else ''}{explained(problem)}"


def plain_conditions(models: Sequence[ConditionModel]) -> tuple[Condition, ...]:
    """Return conditions as plain values, in their order."""
    return tuple(model.plain for model in models)
