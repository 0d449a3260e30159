"""The tables of a space file: constants, parameters, shape, evolution, operators, screening."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from actsearch.expressions.layered import GROUPS
from actsearch.expressions.node import MAX_PARAMETERS
from actsearch.search.space.template import MAX_DEPTH, read_template

MAX_REPEATS = 8
Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Probability = Annotated[float, Field(ge=0, le=1)]
Frequency = Annotated[float, Field(ge=0, le=1e6)]


class Part(BaseModel):
    """A table: unknown keys are errors, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Constants(Part):
    """Where constants come from: half of them from ``values``, half from N(0, ``scale``).

    With ``scale = 0`` all are of ``values``, and a space may be finite.
    """

    values: tuple[Number, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
    scale: float = Field(default=1.0, ge=0, le=1e6)
    share: Probability = 0.25  # of the leaves; the others are x

    @model_validator(mode="after")
    def _some(self) -> Constants:
        if not self.values and self.scale == 0:
            raise ValueError("no values, and scale = 0: there is no constant to draw")
        return self


class Shape(Part):
    """Which formulas there are: free trees or templates, drawn or enumerated.

    Free trees have ``max_nodes`` and ``max_depth`` at most, random ones a ramp of depths. With
    ``template`` a formula is one of the given forms (``template.py`` has their language), where
    ``core`` stands for the form again, ``repeats`` times in all (from, to); the limits of free
    trees don't count then. ``enumerate`` walks through a finite space in an order that the seed
    decides, instead of breeding. With ``layers`` a candidate has a formula for each of these groups
    of a network's activation layers, two or three of them.
    """

    template: tuple[str, ...] = ()
    repeats: tuple[int, int] = (1, 1)
    enumerate: bool = False
    layers: tuple[Literal["input", "hidden", "last"], ...] = ()
    max_nodes: int = Field(default=20, ge=1, le=200)
    max_depth: int = Field(default=8, ge=1, le=40)
    min_random_depth: int = Field(default=1, ge=0, le=10)
    max_random_depth: int = Field(default=3, ge=0, le=10)

    @field_validator("template", mode="before")
    @classmethod
    def _one_or_more(cls, given: Any) -> Any:
        if isinstance(given, str):
            return (given,)
        return tuple(given) if isinstance(given, list) else given

    @field_validator("template")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        read: dict[str, None] = {}
        problems = []
        for text in texts:
            try:
                read[str(read_template(text))] = None
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("; ".join(problems))
        return tuple(read)

    @model_validator(mode="after")
    def _repeated(self) -> Shape:
        low, high = self.repeats
        if not 1 <= low <= high <= MAX_REPEATS:
            raise ValueError(
                f"repeats are two whole numbers from 1 to {MAX_REPEATS}, the smaller first"
            )
        has_core = any(read_template(text).n_cores for text in self.template)
        if high > 1 and not has_core:
            raise ValueError(
                "repeats above 1 need a template with 'core' in it, as in b(u(core), u(core))"
            )
        deepest = max((read_template(text).depth for text in self.template), default=0)
        if high * deepest > 2 * MAX_DEPTH:
            raise ValueError(
                f"a form of {deepest} places one in another is repeated {high} times: repeats "
                f"times depth is {2 * MAX_DEPTH} at most"
            )
        if low > 1 and not all(read_template(text).n_cores for text in self.template):
            raise ValueError("with repeats from 2 on every template needs 'core' in it")
        return self

    @field_validator("layers")
    @classmethod
    def _groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if groups and len(set(groups)) < 2:
            raise ValueError(f"layers are two or three of {', '.join(GROUPS)}")
        return tuple(group for group in GROUPS if group in groups)

    @model_validator(mode="after")
    def _ramp(self) -> Shape:
        if self.min_random_depth > self.max_random_depth:
            raise ValueError("min_random_depth is above max_random_depth")
        return self


class Parameters(Part):
    """Learnable parameters: how many the operators may put into a formula, and where they start.

    ``per`` says whether each has one value a layer or one a channel, ``share`` which part of the
    leaves of random trees are parameters. With ``max = 0`` formulas have those alone that seeds or
    primitives bring.
    """

    max: int = Field(default=0, ge=0, le=MAX_PARAMETERS)
    per: Literal["layer", "channel"] = "layer"
    starts: tuple[Number, ...] = Field(default=(1.0,), min_length=1)
    share: Probability = 0.0


class Operators(Part):
    """Relative frequencies of what makes an offspring."""

    crossover: Frequency = 0.25
    insert: Frequency = 0.15
    delete: Frequency = 0.1
    replace: Frequency = 0.15
    regrow: Frequency = 0.1
    perturb: Frequency = 0.1
    open: Frequency = 0.1
    add_parameter: Frequency = 0.1
    drop_parameter: Frequency = 0.05
    free: Frequency = 0.1
    freeze: Frequency = 0.1
    fresh: Frequency = 0.05

    @model_validator(mode="after")
    def _some(self) -> Operators:
        if not sum(dict(self).values()) > 0:
            raise ValueError("at least one operator needs a frequency above 0")
        return self


class Evolution(Part):
    """How parents are chosen.

    ``selection``: "tournament" among the best by score, smaller ones preferred by ``parsimony``; or
    "nsga2", where good, cheap and small formulas stand side by side (a tournament of two by front
    and crowding distance over ``objectives``).
    ``lag``: the k-th decision (a candidate, or its next trainings) sees the results of those before
    k - lag only, so that the order in which workers finish never matters; there can be at most
    ``lag`` workers.
    """

    population: int = Field(default=40, ge=2, le=100_000)
    random_births: int = Field(default=30, ge=0, le=1_000_000)
    selection: Literal["tournament", "nsga2"] = "tournament"
    objectives: tuple[Literal["score", "cost", "size"], ...] = Field(
        default=("score", "cost", "size"), min_length=1
    )
    tournament: int = Field(default=4, ge=1, le=1000)
    parsimony: float = Field(default=1.2, ge=1, le=2)
    lag: int = Field(default=16, ge=1, le=10_000)
    operators: Operators = Operators()


class Screening(Part):
    """How many offspring are bred for one that is trained: the most promising by the surrogate.

    Offspring bred together have one mother; with 1 there is nothing to choose from. The share
    ``unscreened`` of the trainings is given to what is bred first, so that the surrogate also
    learns where it would not have looked. A guess, and what a short score stands for at the last
    rung, may be exceeded by as much as functions at that distance differ in score; ``exploration``
    times that is added, where it is chosen what is trained and what goes on to a longer rung.

    Two distances between functions (``likeness.curve``; 0 turns either off): a function nearer
    than ``twin`` to a trained one is not trained; of those nearer than ``niche`` to each other only
    the best breeds and goes on to longer trainings.
    """

    offspring: int = Field(default=10, ge=1, le=1000)
    unscreened: Probability = 0.2
    exploration: float = Field(default=1.0, ge=0, le=100)
    twin: float = Field(default=0.02, ge=0, le=10)
    niche: float = Field(default=0.1, ge=0, le=10)
