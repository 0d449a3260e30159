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
from actsearch.expressions.node import INPUTS
from actsearch.search.racing import Racing

#: A file longer than this is no space file.
_MAX_FILE_BYTES = 1_000_000
_Probability = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Constants(_Part):
    """Where constants come from: half of them from ``values``, half from N(0, ``scale``)."""

    values: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
    scale: float = Field(default=1.0, gt=0, le=1e6)
    share: _Probability = 0.25  # of the leaves; the others are x

    @field_validator("values")
    @classmethod
    def _bounded(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(value) <= 1e6 for value in values):
            raise ValueError("constants lie between -1e6 and 1e6")
        return values


class Shape(_Part):
    """Size of trees: nodes and depth at most, and the ramp of depths of random trees."""

    max_nodes: int = Field(default=20, ge=1, le=200)
    max_depth: int = Field(default=8, ge=1, le=40)
    min_random_depth: int = Field(default=1, ge=0, le=10)
    max_random_depth: int = Field(default=3, ge=0, le=10)

    @model_validator(mode="after")
    def _ramp(self) -> Shape:
        if self.min_random_depth > self.max_random_depth:
            raise ValueError("min_random_depth is above max_random_depth")
        return self


class Operators(_Part):
    """Relative frequencies of what makes an offspring."""

    crossover: float = Field(default=0.25, ge=0)
    insert: float = Field(default=0.15, ge=0)
    delete: float = Field(default=0.1, ge=0)
    replace: float = Field(default=0.15, ge=0)
    regrow: float = Field(default=0.1, ge=0)
    perturb: float = Field(default=0.1, ge=0)
    open: float = Field(default=0.1, ge=0)
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
    and crowding distance).
    ``lag``: the k-th decision (a candidate, or its next trainings) sees the results of those before
    k - lag only, so that the order in which workers finish never matters; there can be at most
    ``lag`` workers.
    """

    population: int = Field(default=40, ge=2, le=100_000)
    random_births: int = Field(default=30, ge=0, le=1_000_000)
    selection: Literal["tournament", "nsga2"] = "tournament"
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
    """One search space."""

    name: str = Field(min_length=1, max_length=64)
    description: str = ""
    source: str = ""
    inputs: tuple[Literal["x", "u", "o"], ...] = ("x",)  # what formulas may read
    unary: tuple[str, ...]
    binary: tuple[str, ...] = ()
    seeds: tuple[str, ...] = tuple(KNOWN.values())
    constants: Constants = Constants()
    shape: Shape = Shape()
    evolution: Evolution = Evolution()
    racing: Racing = Racing()
    screening: Screening = Screening()

    @field_validator("unary", "binary")
    @classmethod
    def _known_primitives(cls, names: tuple[str, ...], info: Any) -> tuple[str, ...]:
        wanted = 1 if info.field_name == "unary" else 2
        offered = offered_primitives(wanted)
        problems = []
        for name in names:
            if name in offered:
                continue
            if name in PRIMITIVES and not PRIMITIVES[name].internal:
                problems.append(f"'{name}' is not {info.field_name}")
                continue
            guess = nearest(name, offered)
            problems.append(
                f"unknown primitive '{name[:40]}'" + (f"; did you mean '{guess}'?" if guess else "")
            )
        if problems:
            raise ValueError(f"{'; '.join(problems)} (known: {', '.join(offered)})")
        return tuple(dict.fromkeys(names))

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

    @model_validator(mode="after")
    def _something_to_evolve(self) -> SearchSpace:
        if not self.unary and not self.binary:
            raise ValueError("no primitives: give at least one in 'unary' or 'binary'")
        return self


def offered_primitives(operands: Literal[1, 2] | int) -> list[str]:
    """Return names of the primitives of that many operands; scalars do not count as operands."""
    return [
        row.name
        for row in PRIMITIVES.values()
        if not row.internal and row.arity - row.n_scalars == (operands)
    ]


def space_files() -> dict[str, Path]:
    """Return the shipped space files by name, from the wheel or from the checkout."""
    shipped = Path(str(resources.files("actsearch"))) / "_spaces"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "search_spaces"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_space(spec: str | Path) -> SearchSpace:
    """Read a search space.

    Args:
        spec: The name of a shipped space, or the path of a TOML file.

    Raises:
        BadInput: There is no such space, or the file does not fit; all its errors are listed.
    """
    shipped = space_files()
    text = str(spec)
    if text in shipped:
        path = shipped[text]
    else:
        path = Path(text)
        if not (text.endswith(".toml") or "/" in text):
            raise unknown("search space", text, shipped)
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
