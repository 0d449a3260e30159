"""Search spaces: what a TOML file says about which formulas may be evolved, checked in full.

Every key is checked and all errors are told at once, with the nearest valid name where a name is
wrong. The model is plain data; ``evolution.py`` gives it meaning.
"""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from actsearch.errors import BadInput, nearest, unknown
from actsearch.expressions import KNOWN, PRIMITIVES, FormulaError, parse
from actsearch.expressions.known import formula_of
from actsearch.expressions.node import INPUTS, MAX_PARAMETERS
from actsearch.search.conditions import AnyCondition
from actsearch.search.contradictions import contradictions
from actsearch.search.primitives import FORMALS, KINDS, entry, offered_primitives
from actsearch.search.racing import Racing
from actsearch.search.template import Slot, read_template

#: A file longer than this is no space file.
_MAX_FILE_BYTES = 1_000_000
MAX_REPEATS = 8
MAX_WEIGHT = 100
_Probability = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Constants(_Part):
    """Where constants come from: half of them from ``values``, half from N(0, ``scale``).

    With ``scale = 0`` all are of ``values``, and a space may be finite.
    """

    values: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
    scale: float = Field(default=1.0, ge=0, le=1e6)
    share: _Probability = 0.25  # of the leaves; the others are x

    @field_validator("values")
    @classmethod
    def _bounded(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(value) <= 1e6 for value in values):
            raise ValueError("constants lie between -1e6 and 1e6")
        return values

    @model_validator(mode="after")
    def _some(self) -> Constants:
        if not self.values and self.scale == 0:
            raise ValueError("no values, and scale = 0: there is no constant to draw")
        return self


class Shape(_Part):
    """Which formulas there are: free trees or templates, drawn or enumerated.

    Free trees have ``max_nodes`` and ``max_depth`` at most, random ones a ramp of depths. With
    ``template`` a formula is one of the given forms (``template.py`` has their language), where
    ``core`` stands for the form again, ``repeats`` times in all (from, to); the limits of free
    trees don't count then. ``enumerate`` walks through a finite space in an order that the seed
    decides, instead of breeding.
    """

    template: tuple[str, ...] = ()
    repeats: tuple[int, int] = (1, 1)
    enumerate: bool = False
    max_nodes: int = Field(default=20, ge=1, le=200)
    max_depth: int = Field(default=8, ge=1, le=40)
    min_random_depth: int = Field(default=1, ge=0, le=10)
    max_random_depth: int = Field(default=3, ge=0, le=10)

    @field_validator("template", mode="before")
    @classmethod
    def _one_or_more(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("template")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            read_template(text)
        return texts

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
        if low > 1 and not all(read_template(text).n_cores for text in self.template):
            raise ValueError("with repeats from 2 on every template needs 'core' in it")
        return self

    @model_validator(mode="after")
    def _ramp(self) -> Shape:
        if self.min_random_depth > self.max_random_depth:
            raise ValueError("min_random_depth is above max_random_depth")
        return self


class Parameters(_Part):
    """Learnable parameters: how many the operators may put into a formula, and where they start.

    ``per`` says whether each has one value a layer or one a channel, ``share`` which part of the
    leaves of random trees are parameters. With ``max = 0`` formulas have those alone that seeds or
    primitives bring.
    """

    max: int = Field(default=0, ge=0, le=MAX_PARAMETERS)
    per: Literal["layer", "channel"] = "layer"
    starts: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    share: _Probability = 0.0

    @field_validator("starts")
    @classmethod
    def _bounded(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(value) <= 1e6 for value in values):
            raise ValueError("parameters start between -1e6 and 1e6")
        return values


class Operators(_Part):
    """Relative frequencies of what makes an offspring."""

    crossover: float = Field(default=0.25, ge=0)
    insert: float = Field(default=0.15, ge=0)
    delete: float = Field(default=0.1, ge=0)
    replace: float = Field(default=0.15, ge=0)
    regrow: float = Field(default=0.1, ge=0)
    perturb: float = Field(default=0.1, ge=0)
    open: float = Field(default=0.1, ge=0)
    add_parameter: float = Field(default=0.1, ge=0)
    drop_parameter: float = Field(default=0.05, ge=0)
    free: float = Field(default=0.1, ge=0)
    freeze: float = Field(default=0.1, ge=0)
    fresh: float = Field(default=0.05, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Operators:
        if not sum(dict(self).values()) > 0:
            raise ValueError("at least one operator needs a frequency above 0")
        return self


class Evolution(_Part):
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
    objectives: tuple[Literal["score", "cost", "size"], ...] = ("score", "cost", "size")
    tournament: int = Field(default=4, ge=1, le=1000)
    parsimony: float = Field(default=1.2, ge=1, le=2)
    lag: int = Field(default=16, ge=1, le=10_000)
    operators: Operators = Operators()


class Screening(_Part):
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
    unscreened: _Probability = 0.2
    exploration: float = Field(default=1.0, ge=0, le=100)
    twin: float = Field(default=0.02, ge=0, le=10)
    niche: float = Field(default=0.1, ge=0, le=10)


class SearchSpace(_Part):
    """One search space.

    ``conditions`` are what candidates must meet to be trained or, with a penalty, what counts for
    their ranks; see ``search/conditions.py``.
    """

    name: str = Field(min_length=1, max_length=64)
    description: str = ""
    source: str = ""
    inputs: tuple[Literal["x", "u", "o"], ...] = ("x",)  # what formulas may read
    unary: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    ternary: tuple[str, ...] = ()
    weights: dict[str, float] = {}
    seeds: tuple[str, ...] = tuple(KNOWN.values())
    constants: Constants = Constants()
    parameters: Parameters = Parameters()
    shape: Shape = Shape()
    evolution: Evolution = Evolution()
    racing: Racing = Racing()
    screening: Screening = Screening()
    conditions: tuple[AnyCondition, ...] = ()

    @field_validator("unary", "binary", "ternary")
    @classmethod
    def _entries(cls, texts: tuple[str, ...], info: Any) -> tuple[str, ...]:
        n_operands = next(n for n, kind in KINDS.items() if kind == info.field_name)
        problems = []
        for text in texts:
            try:
                entry(text, n_operands)
            except BadInput as error:
                problems.append(f"'{text[:40]}': {error}" if text not in str(error) else str(error))
        if problems:
            known = ", ".join(offered_primitives(n_operands)) or "none"
            names = ", ".join(FORMALS[n_operands])
            raise ValueError(
                f"{'; '.join(problems)} (known: {known}; or a formula in {names} and learned "
                "parameters p0, p1 ...)"
            )
        return tuple(dict.fromkeys(text.strip() for text in texts))

    @field_validator("inputs")
    @classmethod
    def _with_x(cls, inputs: tuple[str, ...]) -> tuple[str, ...]:
        if "x" not in inputs:
            raise ValueError("inputs are x, and perhaps u and o: x, the pre-activation, is missing")
        return tuple(name for name in INPUTS if name in inputs)

    @field_validator("seeds")
    @classmethod
    def _formulas(cls, formulas: tuple[str, ...], info: Any) -> tuple[str, ...]:
        problems, inputs = [], info.data.get("inputs", INPUTS)
        for text in formulas:
            try:
                expression = parse(formula_of(text))
            except FormulaError as error:
                problems.append(f"'{text[:60]}': {error}")
                continue
            if not set(expression.inputs) <= set(inputs):
                problems.append(
                    f"'{text[:60]}' reads {', '.join(expression.inputs)}, and the space "
                    f"{', '.join(inputs)} alone; take it out, or say inputs = "
                    f"{list(expression.inputs)}"
                )
        if problems:
            raise ValueError("; ".join(problems))
        return tuple(formula_of(text) for text in formulas)

    @field_validator("conditions")
    @classmethod
    def _at_odds(cls, conditions: tuple[AnyCondition, ...]) -> tuple[AnyCondition, ...]:
        if problems := contradictions(conditions):
            raise ValueError("; ".join(problems))
        return conditions

    @model_validator(mode="after")
    def _something_to_evolve(self) -> SearchSpace:
        offers = {1: self.unary, 2: self.binary, 3: self.ternary}
        if not any(offers.values()):
            raise ValueError("no primitives: give at least one in 'unary', 'binary' or 'ternary'")
        listed = {text for texts in offers.values() for text in texts}
        for name, weight in self.weights.items():
            if name not in listed:
                guess = nearest(name, listed)
                hint = f"; did you mean '{guess}'?" if guess else ""
                raise ValueError(f"a weight for '{name[:40]}', which is no primitive here{hint}")
            if not 0 <= weight <= MAX_WEIGHT:
                raise ValueError(f"the weight of '{name[:40]}' must lie between 0 and {MAX_WEIGHT}")
        if not any(self.weights.get(text, 1.0) > 0 for text in listed):
            raise ValueError("all primitives have the weight 0: there is nothing to draw")
        for text in self.shape.template:
            self._check_filled(read_template(text), offers)
        return self

    @property
    def max_formula_nodes(self) -> int | None:
        """Most nodes that a formula may have written out; None where the form of trees decides."""
        rows = all(text in PRIMITIVES for text in (*self.unary, *self.binary, *self.ternary))
        return self.shape.max_nodes if rows and not self.shape.template else None

    def _check_filled(self, template: Slot, offers: dict[int, tuple[str, ...]]) -> None:
        for n_operands in sorted(template.kinds):
            if not any(self.weights.get(text, 1.0) > 0 for text in offers[n_operands]):
                raise ValueError(
                    f"template {template} can't be filled: there is no {KINDS[n_operands]} "
                    f"primitive; give some in '{KINDS[n_operands]}'"
                )
        lacking = sorted(template.inputs - set(self.inputs))
        if lacking:
            raise ValueError(
                f"template {template} reads {', '.join(lacking)}: add it to 'inputs', which are "
                f"{', '.join(self.inputs)}"
            )


def space_files() -> dict[str, Path]:
    """Return the shipped space files by name, from the wheel or from the checkout."""
    shipped = Path(str(resources.files("actsearch"))) / "_spaces"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "search_spaces"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def space_path(spec: str | Path) -> Path:
    """Return the file of a space: one that ships, by name, or one's own.

    Raises:
        BadInput: There is no space of that name.
    """
    shipped, text = space_files(), str(spec)
    if text not in shipped and not (text.endswith(".toml") or "/" in text):
        raise unknown("search space", text, shipped)
    return shipped.get(text, Path(text))


def load_space(spec: str | Path) -> SearchSpace:
    """Read a search space.

    Args:
        spec: The name of a shipped space, or the path of a TOML file.

    Raises:
        BadInput: There is no such space, or the file does not fit; all its errors are listed.
    """
    path = space_path(spec)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"space file '{path}' cannot be read: {error.strerror}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise BadInput(f"space file '{path}' is larger than {_MAX_FILE_BYTES} bytes")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"space file '{path}' is not TOML: {error}") from None
    values.setdefault("name", path.stem)
    return space_from(values, where=f"space file '{path}'")


def space_from(values: dict[str, Any], where: str) -> SearchSpace:
    """Check the values of a space.

    Raises:
        BadInput: With every error, one a line.
    """
    try:
        return SearchSpace.model_validate(values)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        plural = "s" if len(lines) > 1 else ""
        listed = "\n  ".join(lines)
        raise BadInput(f"{where} has {len(lines)} error{plural}:\n  {listed}") from None


def _explain(problem: Any) -> str:
    """Put one of pydantic's errors into one line, with the nearest key for an unknown one."""
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        keys = _keys_at(problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), keys, n=1, cutoff=0.4)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"{where}: unknown key{hint} (known: {', '.join(keys)})"
    message = str(problem["msg"]).removeprefix("Value error, ")
    got = problem.get("input")
    shown = f", got {got!r}" if isinstance(got, str | int | float) else ""
    return f"{where}: {message[:1].lower()}{message[1:]}{shown}"


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    model: Any = SearchSpace
    for part in path:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
