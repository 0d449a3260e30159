"""What roundings may do to a formula, and that the probe still sees what they can't have done."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actsearch import kernels
from actsearch.expressions import KNOWN, Expression, parse
from actsearch.kernels import probe
from actsearch.kernels.eager import EagerEngine, slope
from actsearch.kernels.rounding import shaken
from tests.kernels.conftest import NEEDS_COMPILER

EPSILON = np.finfo(np.float32).eps
X = np.linspace(-3.0, 3.0, 601)


def moves(formula: str, x: np.ndarray = X) -> np.ndarray:
    (found,) = shaken([parse(formula).root], ("x",), [x])
    return found


@pytest.mark.parametrize("formula", ["x", "-x", "abs(x)", "max(x, 0)", "min(x, -x)", "relu(x)"])
def test_what_is_exact_does_not_move(formula: str) -> None:
    assert not moves(formula).any()


def test_a_product_moves_by_a_rounding() -> None:
    found = moves("x*x")
    assert (found <= 1.01 * EPSILON * X * X).all()
    assert (found >= 0.49 * EPSILON * X * X).all()


def test_where_terms_cancel_the_rounding_of_the_terms_is_left() -> None:
    x = np.linspace(1.0, 3.0, 101)
    found = moves("x*x - x*abs(x)", x)
    assert (found <= 4.1 * EPSILON * x * x).all()
    assert np.mean(found > EPSILON * x * x) > 0.5


def test_no_number_counts_as_infinitely_far() -> None:
    x = np.array([1e-4, 1.0, np.nan])
    assert moves("log(x)", x)[2] == 0
    assert moves("x/abs(x - 1)", x)[1] == 0
    with np.errstate(all="ignore"):
        assert np.isinf(moves("sqrt(1 - x*x)", np.array([1.0] * 200))).any()


def slope_moves(formula: str, at: float) -> float:
    (found,) = shaken([slope(parse(formula), "x").root], ("x",), [np.array([at])])
    return float(found[0])


@pytest.mark.parametrize(
    ("formula", "at", "steps"),
    [
        ("min(exp(x), min(i0e(x), 1))", -2e-8, 0.25),  # three that float32 may find equal
        ("min(exp(x), i0e(asinh(x)))", 3.6e-15, 1.0),
    ],
)
def test_what_float32_may_find_equal_has_the_slope_of_a_tie(
    formula: str, at: float, steps: float
) -> None:
    assert slope_moves(formula, at) > 0.99 * steps


@pytest.mark.parametrize("formula", ["max(x, 0)", "max(x - 1, 0)", "relu(x - 1)"])
def test_a_kink_met_exactly_or_far_off_excuses_nothing(formula: str) -> None:
    for at in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0):
        assert slope_moves(formula, at) <= 2.1 * EPSILON


def test_what_cancels_to_nothing_moves_at_every_place() -> None:
    x = np.linspace(-85.0, -20.0, 400)
    assert (moves("sinh(x)*sigmoid(x) + 0.5", x) > EPSILON / 100).all()


@NEEDS_COMPILER
@pytest.mark.parametrize(
    "formula", ["min(exp(x), min(i0e(x), 1))", "min(exp(x), i0e(elu(x)))", "max(x**2, expm1(x))"]
)
def test_ties_and_overflow_are_no_fault_of_a_compiled_kernel(formula: str) -> None:
    assert kernels.fallback(parse(formula)) is None


@NEEDS_COMPILER
@pytest.mark.parametrize(
    "formula", ["x**2 - asinh(x)*x", "elu(x)*exp(sigmoid(x))", "x**4 - x**2*asinh(x)*x"]
)
def test_cancellation_is_no_fault_of_a_compiled_kernel(formula: str) -> None:
    assert kernels.fallback(parse(formula)) is None


class Off(EagerEngine):
    """Wrong by one part in two thousand, in the value or in the gradients."""

    def __init__(self, expression: Expression, *, value: float = 1.0, slope: float = 1.0) -> None:
        super().__init__(expression)
        self.factors = value, slope

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        return super().value(*tensors) * self.factors[0]

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        return super().gradients(gradient * self.factors[1], needed, *tensors)


class Lost(EagerEngine):
    """NaN where the value is infinite."""

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        found = super().value(*tensors)
        return torch.where(found.isinf(), torch.nan, found)


@pytest.mark.parametrize("formula", ["exp(x)", "sinh(x)", "x*exp(x)", "x**2 + exp(x)", "cube(x)*x"])
def test_overflow_does_not_excuse_what_no_sum_can_lose(formula: str) -> None:
    assert probe.disagreement(Lost(parse(formula)), torch.float32) is not None


@pytest.mark.parametrize("formula", [*KNOWN.values(), "x**2 - asinh(x)*x", "exp(cos(x**3))*x"])
def test_a_small_error_is_still_seen(formula: str) -> None:
    expression = parse(formula)
    assert probe.disagreement(Off(expression), torch.float32) is None
    for wrong in (Off(expression, value=1.0005), Off(expression, slope=1.0005)):
        assert probe.disagreement(wrong, torch.float32) is not None
