"""The data file: strict, the same every time, and enough to compute the function from it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from actsearch.errors import ActsearchError
from actsearch.export import Activation, export
from actsearch.export.json_file import FORMAT_VERSION, MEANINGS
from actsearch.expressions import Expression, parse
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.known import NAMED
from tests.expressions.strategies import random_trees

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": np.divide,
    "pow": np.power,
    "neg": lambda a: -a,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "eq": lambda a, b: a == b,
    "where": lambda a, b, c: b if a else c,
    "cast": lambda a, b: float(a),
    "sigmoid": scipy.special.expit,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    **{name: getattr(np, name) for name in "abs sign maximum minimum sqrt exp expm1".split()},
    **{name: getattr(np, name) for name in "log log1p sin cos sinh cosh tanh".split()},
    **{name: getattr(scipy.special, name) for name in "erf erfc erfcx i0e i1e".split()},
}


def no_constants(text: str) -> Any:
    raise AssertionError(f"{text} is not in JSON")


def read(activation: Activation) -> dict[str, Any]:
    """Return what a file holds, read as strictly as JSON is meant."""
    (text,) = export(activation, ["json"]).values()
    assert isinstance(text, str)
    found: dict[str, Any] = json.loads(text, parse_constant=no_constants)
    return found


def run(program: dict[str, Any], inputs: list[float]) -> list[float]:
    """Compute a program as someone would who has read the file's own words alone."""
    values: list[Any] = [np.float64(one) for one in inputs]

    def operand(text: Any) -> Any:
        return values[text] if isinstance(text, int) else np.float64(text["constant"])

    with np.errstate(all="ignore"):
        for step in program["steps"]:
            values.append(FUNCTIONS[step["operation"]](*map(operand, step["operands"])))
    return [float(operand(out)) for out in program["outputs"].values()]


def check(expression: Expression) -> int:
    """Hold the programs of a file against its points; return how many there are."""
    found = read(Activation(expression, "f"))
    starts = list(found["points"]["parameters"].values())
    programs, n_inputs = found["programs"], len(found["inputs"])
    points = found["points"]["common"] + found["points"]["float64_only"]
    assert set(found["operations"]) >= {
        step["operation"] for program in programs.values() for step in program["steps"]
    }
    for point in points:
        (value,) = run(programs["value"], [*point["at"], *starts])
        slopes = run(programs["derivatives"], [*point["at"], *starts])[:n_inputs]
        true = [point["value"], *point["slopes"]]
        for got, expected, slack in zip([value, *slopes], true, point["slack"], strict=True):
            assert abs(got - expected) <= slack * np.finfo(np.float64).eps, (str(expression), point)
    return len(points)


@pytest.mark.parametrize("name", list(NAMED)[::3])
def test_the_programs_of_the_zoo_compute_its_points(name: str) -> None:
    assert check(parse(NAMED[name])) >= 12


def test_the_programs_of_random_formulas_compute_their_points() -> None:
    assert sum(check(Expression(one)) for one in random_trees(8, seed=5)) > 60


@pytest.mark.nightly
def test_all_programs_of_the_zoo_and_of_many_random_formulas_compute_their_points() -> None:
    assert all(check(parse(formula)) >= 12 for formula in NAMED.values())
    refused = 0
    for one in random_trees(300, seed=6):
        try:
            check(Expression(one))
        except ActsearchError:  # there are no points to hold it against
            refused += 1
    assert refused < 6


def test_a_broken_program_would_be_seen() -> None:
    found = read(Activation(parse("x*sin(x)"), "f"))
    program = found["programs"]["value"]
    program["steps"][0]["operation"] = "cos"
    point = found["points"]["common"][0]
    assert run(program, point["at"]) != [pytest.approx(point["value"])]


def test_it_says_all_that_is_known() -> None:
    provenance = {"run": 'r\n"\\\ud800', "date": "2026-01-02"}
    measured = {"sentence": "s", "score": "accuracy", "rows": [{"activation": "f", "mean": 0.5}]}
    one = Activation(parse("x*sigmoid(p0*x); p0=1.5"), "f", provenance, measured, {"p0": 1.7})
    found = read(one)
    assert (found["format_version"], found["name"]) == (FORMAT_VERSION, "f")
    assert found["provenance"] == provenance
    assert found["measured"] == measured
    assert (found["parameters"], found["learned"]) == ({"p0": 1.5}, {"p0": 1.7})
    assert found["limits"] == ["0", "inf"]
    assert found["tree"]["primitive"] == "mul"
    assert found["tree"]["arguments"][0] == {"variable": "x"}
    assert list(found["programs"]["derivatives"]["outputs"]) == ["by x", "by p0"]
    assert found["points"]["value_at_zero"] == 0
    assert found["licence"] == "MIT"


def test_what_is_not_finite_is_a_string() -> None:
    one = Activation(parse("log(x)"), "f", measured={"rows": [{"mean": math.nan}]})
    found = read(one)
    assert found["measured"]["rows"] == [{"mean": "nan"}]
    assert found["points"]["value_at_zero"] is None
    assert found["range_on_10"][0] == "-inf"


def test_the_same_activation_gives_the_same_text() -> None:
    texts = [export(Activation(parse("gelu(x)*p0"), "f"), ["json"])["f.json"] for _ in range(2)]
    assert texts[0] == texts[1]
    assert max(map(len, str(texts[0]).splitlines())) < 300


def test_every_operation_has_its_meaning() -> None:
    assert set(MEANINGS) == set(NUMPY_OPS) == set(FUNCTIONS)
