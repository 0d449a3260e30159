"""Search spaces: what a TOML file says about which formulas may be evolved, checked in full.

Every key is checked and all errors are told at once, with the nearest valid name where a name is
wrong. The model is plain data; ``evolution.py`` gives it meaning.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from actsearch.errors import BadInput, nearest, shorten, unknown
from actsearch.expressions import (
    KNOWN,
    PRIMITIVES,
    Candidate,
    FormulaError,
    Layered,
    parse_candidate,
)
from actsearch.expressions.known import formula_of
from actsearch.expressions.node import INPUTS
from actsearch.expressions.table import ALIASES
from actsearch.paths import typed_path
from actsearch.search.racing import Racing
from actsearch.search.space.conditions import AnyCondition
from actsearch.search.space.contradictions import contradictions
from actsearch.search.space.messages import explained
from actsearch.search.space.parts import Constants, Evolution, Parameters, Part, Screening, Shape
from actsearch.search.space.primitives import FORMALS, KINDS, entry, offered_primitives
from actsearch.search.space.template import Slot, read_template

#: A file longer than this is no space file.
_MAX_FILE_BYTES = 200_000
#: Keys of more parts than any has, in which a reader of TOML loses itself: one line for minutes.
_DEEP_KEY = re.compile(r"""(?:\.[ \t]*[\w"'-]+[ \t]*){30}""", re.ASCII)
#: The longest lists; there are some 70 primitives.
_MOST_ENTRIES, _MOST_SEEDS, _MOST_CONDITIONS = 200, 1000, 50
#: How many wrong entries of one list are told.
_MOST_PROBLEMS = 8
#: How much is said of what is wrong with one.
_MOST_ERRORS, _MOST_CHARS = 20, 2_000
LEAST_WEIGHT, MAX_WEIGHT = 0.1, 100


class SearchSpace(Part):
    """One search space.

    ``conditions`` are what candidates must meet to be trained or, with a penalty, what counts for
    their ranks; see ``search/space/conditions.py``.
    """

    name: str = Field(min_length=1, max_length=64)
    description: str = ""
    source: str = ""
    inputs: tuple[Literal["x", "u", "o"], ...] = ("x",)  # what formulas may read
    unary: tuple[str, ...] = Field(default=(), max_length=_MOST_ENTRIES)
    binary: tuple[str, ...] = Field(default=(), max_length=_MOST_ENTRIES)
    ternary: tuple[str, ...] = Field(default=(), max_length=_MOST_ENTRIES)
    weights: dict[str, float] = Field(default_factory=dict, max_length=3 * _MOST_ENTRIES)
    seeds: tuple[str, ...] = Field(default=tuple(KNOWN.values()), max_length=_MOST_SEEDS)
    constants: Constants = Constants()
    parameters: Parameters = Parameters()
    shape: Shape = Shape()
    evolution: Evolution = Evolution()
    racing: Racing = Racing()
    screening: Screening = Screening()
    conditions: tuple[AnyCondition, ...] = Field(default=(), max_length=_MOST_CONDITIONS)

    @field_validator("unary", "binary", "ternary")
    @classmethod
    def _entries(cls, texts: tuple[str, ...], info: Any) -> tuple[str, ...]:
        n_operands = next(n for n, kind in KINDS.items() if kind == info.field_name)
        problems, names = [], []
        for text in texts:
            try:
                names.append(entry(text, n_operands).name)
            except BadInput as error:
                said = error.on_one_line() if isinstance(error, FormulaError) else str(error)
                problems.append(said if text in said else f"'{shorten(text, 40)}': {said}")
                if len(problems) == _MOST_PROBLEMS:
                    break
        if problems:
            known = ", ".join(offered_primitives(n_operands)) or "none"
            formals = ", ".join(FORMALS[n_operands])
            raise ValueError(
                f"{'; '.join(problems)} (known: {known}; or a formula in {formals} and learned "
                "parameters p0, p1 ...)"
            )
        return tuple(dict.fromkeys(names))

    @field_validator("weights")
    @classmethod
    def _by_name(cls, weights: dict[str, float]) -> dict[str, float]:
        return {ALIASES.get(name, name): weight for name, weight in weights.items()}

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
                expression = parse_candidate(formula_of(text))
            except FormulaError as error:
                problems.append(f"'{shorten(text, 60)}': {error.on_one_line()}")
                if len(problems) == _MOST_PROBLEMS:
                    break
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
        if problems := [*_wrong_weights(self.weights, listed)]:
            raise ValueError("; ".join(problems))
        if not any(self.weights.get(text, 1.0) > 0 for text in listed):
            raise ValueError("all primitives have the weight 0: there is nothing to draw")
        if self.shape.layers and (self.inputs != ("x",) or self.parameters.max > 0):
            raise ValueError(
                "with layers formulas read x alone and operators add no parameters: leave inputs "
                "and parameters.max as they are, or layers out"
            )
        for seed in self.seeds:
            if problem := wrong_groups(parse_candidate(seed), self.shape.layers):
                raise ValueError(f"seed {problem}")
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


def _wrong_weights(weights: dict[str, float], listed: set[str]) -> Iterator[str]:
    for name, weight in weights.items():
        if name not in listed:
            guess = nearest(name, listed)
            hint = f"; did you mean '{guess}'?" if guess else ""
            yield f"a weight for '{name[:40]}', which is no primitive here{hint}"
        elif weight and not LEAST_WEIGHT <= weight <= MAX_WEIGHT:
            yield (
                f"the weight of '{name[:40]}' must be 0, or lie between {LEAST_WEIGHT} and "
                f"{MAX_WEIGHT}, got {weight:g}"
            )


def wrong_groups(candidate: Candidate, layers: tuple[str, ...]) -> str | None:
    """Say that a candidate has formulas for other groups of layers than a space's; else None."""
    if not isinstance(candidate, Layered):
        return None  # one formula for all of them
    groups = tuple(group for group, _ in candidate.formulas)
    if groups == layers:
        return None
    has = f"has formulas for {', '.join(layers)}" if layers else "has one formula for all layers"
    return f"'{candidate}' has formulas for {', '.join(groups)}, and the space {has}"


def space_files() -> dict[str, Path]:
    """Return the shipped space files by name, from the wheel or from the checkout."""
    shipped = Path(str(resources.files("actsearch"))) / "_spaces"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[3] / "search_spaces"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def space_path(spec: str | Path) -> Path:
    """Return the file of a space: one that ships, by name, or one's own.

    Raises:
        BadInput: There is no space of that name.
    """
    shipped, text = space_files(), str(spec)
    if text not in shipped and not (text.endswith(".toml") or "/" in text):
        raise unknown("search space", text, shipped)
    return shipped[text] if text in shipped else typed_path(text)


def load_space(spec: str | Path) -> SearchSpace:
    """Read a search space.

    Args:
        spec: The name of a shipped space, or the path of a TOML file.

    Raises:
        BadInput: There is no such space, or the file does not fit; all its errors are listed.
    """
    path = space_path(spec)
    text = read_space(path)
    if _DEEP_KEY.search(text):
        raise BadInput(f"space file '{path}' has a key of more than 30 parts")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers too long to be read are no TOML either
        raise BadInput(f"space file '{path}' is not TOML: {error}") from None
    values.setdefault("name", path.stem)
    return space_from(values, where=f"space file '{path}'")


def read_space(path: Path) -> str:
    """Return the text of a space file.

    Raises:
        BadInput: There is no such file, or it is none that a space can be in.
    """
    try:
        # Not blocking: what is named may be a pipe that nobody ever writes to.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadInput(f"space file '{path}' is no regular file")
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"space file '{path}' cannot be read: {error.strerror}") from None
    except ValueError as error:  # a name that no file has
        raise BadInput(f"space file '{path}' cannot be read: {error}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise BadInput(f"space file '{path}' is larger than {_MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")  # some editors put a mark before it
    except UnicodeDecodeError as error:
        raise BadInput(f"space file '{path}' is not TOML: {error}") from None


def space_from(values: dict[str, Any], where: str) -> SearchSpace:
    """Check the values of a space.

    Raises:
        BadInput: With every error, one a line.
    """
    try:
        # By way of JSON, where "strict" takes lists as they are, and no text for a number.
        return SearchSpace.model_validate_json(json.dumps(values, default=str), strict=True)
    except RecursionError:
        raise BadInput(f"{where} is nested too deeply") from None
    except ValidationError as error:
        problems = [problem for problem in error.errors() if not _is_echo(problem)]
        lines: list[str] = []
        for problem in problems[:_MOST_ERRORS]:
            line = _explain(problem)
            lines.append(line if len(line) < _MOST_CHARS else f"{line[:_MOST_CHARS]}…")
            if sum(map(len, lines)) > _MOST_CHARS:
                break
        if len(problems) > len(lines):
            lines.append(f"and {len(problems) - len(lines)} more")
        plural = "s" if len(problems) > 1 else ""
        listed = "\n  ".join(lines)
        raise BadInput(f"{where} has {len(problems)} error{plural}:\n  {listed}") from None


def _is_echo(problem: Any) -> bool:
    """Tell whether a list is called too short because of entries that are errors already."""
    if problem["type"] != "too_short":
        return False
    return len(problem["input"]) >= int(problem["ctx"]["min_length"])


def _explain(problem: Any) -> str:
    """Put one of pydantic's errors into one line, with the nearest key for an unknown one."""
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    where = re.sub(r"\.(\d+)", lambda at: f", number {int(at[1]) + 1}", where)
    if problem["type"] == "extra_forbidden":
        keys = _keys_at(problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), keys, n=1, cutoff=0.4)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"{where}: unknown key{hint} (known: {', '.join(keys)})"
    if problem["loc"] == ("conditions",) and problem["type"] == "tuple_type":
        return "conditions: each is a table of its own: write [[conditions]], in two brackets"
    return f"{where}: {explained(problem)}"


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    model: Any = SearchSpace
    for part in path:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
