"""The programs that exports print: NaN goes through, in every input, whatever the formula."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from actsearch.export import Activation
from actsearch.export.programs import reads
from actsearch.expressions import Expression, parse
from actsearch.expressions.dialects import TORCH, lines
from tests.expressions.strategies import expressions


def computed(activation: Activation, *inputs: torch.Tensor) -> torch.Tensor:
    """Return the value by the lines that go into the torch file."""
    body = lines(activation.programs.value_program(TORCH), TORCH, result="y")
    names = dict(zip(activation.inputs, inputs, strict=True))
    names |= {name: torch.tensor(start) for name, start in activation.parameters.items()}
    space: dict[str, Any] = {"torch": torch, "math": math, **names}
    exec("\n".join(body), space)
    result: torch.Tensor = space["y"]
    return result.broadcast_to(inputs[0].shape)


@pytest.mark.parametrize(
    "formula",
    ["sign(x)", "heaviside(x)*u", "gpow(p0, x)", "step(x) + 1", "x**0", "max(sign(x), 0.5)"],
)
def test_nan_goes_through_where_the_bare_formula_loses_it(formula: str) -> None:
    activation = Activation(parse(formula), "f")
    for place in range(len(activation.inputs)):
        inputs = [torch.full((3,), 0.5) for _ in activation.inputs]
        inputs[place][1] = math.nan
        assert computed(activation, *inputs).isnan().tolist() == [False, True, False]


@settings(max_examples=150)
@given(expressions(max_size=8))
def test_nan_goes_through(expression: Expression) -> None:
    activation = Activation(expression, "f")
    for place in range(len(activation.inputs)):
        inputs = [torch.full((2,), 0.5, dtype=torch.float64) for _ in activation.inputs]
        inputs[place][1] = math.nan
        result = computed(activation, *inputs)
        used = any(node.op == activation.inputs[place] for node in expression.root.walk())
        assert result.isnan()[1] or not used


def test_what_reads_no_input_is_known() -> None:
    programs = Activation(parse("p0*x + u*0"), "f").programs
    assert reads(programs.value_program(TORCH), ("x",))
    assert not reads(programs.derivative_program(TORCH, ("x",)), ("x", "u"))
    assert reads(Activation(parse("2*x"), "f").programs.derivative_program(TORCH, ("x",)), ("x",))
