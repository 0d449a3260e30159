"""The modelled cost: the same number everywhere, more for more work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given

from actsearch.expressions import KNOWN, Expression, parse
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.cost import BASE, NS, _kind, modelled_cost, operation_counts
from actsearch.expressions.dialects import C
from tests.expressions.strategies import trees


def test_every_operation_has_a_cost() -> None:
    assert {_kind(op) for op in {*NUMPY_OPS, *C.whole}} | {BASE} == set(NS)
    assert all(ns > 0 for ns in NS.values())


def test_counts_are_of_value_and_gradients() -> None:
    assert operation_counts(parse("exp(x)")) == {BASE: 1, "exp": 2}
    assert operation_counts(parse("x*u"))[BASE] == 2
    # the gradients of a and p0 share the exponential
    counts = operation_counts(parse("p0*exp(x)"))
    assert counts["exp"] == 2


@pytest.mark.parametrize(
    ("cheap", "dear"),
    [
        ("relu(x)", "silu(x)"),
        ("silu(x)", "mish(x)"),
        ("tanh(x)", "tanh(tanh(x))"),
        ("sin(x)", "sin(x) + exp(x)"),
        ("square(x)", "pow(abs(x) + 1, 1.7)"),
    ],
)
def test_more_work_costs_more(cheap: str, dear: str) -> None:
    assert modelled_cost(parse(cheap)) < modelled_cost(parse(dear))


def test_shared_work_costs_once() -> None:
    twice = modelled_cost(parse("tanh(x) + tanh(x)"))
    assert twice < modelled_cost(parse("tanh(x) + tanh(0.5*x)")) - 0.1


@given(node=trees())
def test_it_is_a_positive_number_for_any_formula(node: object) -> None:
    expression = Expression(node)  # type: ignore[arg-type]
    cost = modelled_cost(expression)
    assert NS[BASE] <= cost < 1e6
    assert modelled_cost(parse(str(expression))) == cost


@pytest.mark.parametrize("hash_seed", ["0", "77"])
def test_other_processes_model_the_same(hash_seed: str) -> None:
    code = (
        "from actsearch.expressions import KNOWN, parse\n"
        "from actsearch.expressions.cost import modelled_cost\n"
        "print([modelled_cost(parse(text)) for text in KNOWN.values()])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == str([modelled_cost(parse(text)) for text in KNOWN.values()])


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; from actsearch.expressions import parse\n"
        "from actsearch.expressions.cost import modelled_cost\n"
        "modelled_cost(parse('gelu(x)')); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "False"
