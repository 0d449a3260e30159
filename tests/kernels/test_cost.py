"""Measuring a cost: what is run and put back. How long it takes is no matter of a test."""

from __future__ import annotations

import math

import pytest
import torch

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.kernels import cost
from actsearch.kernels.cost import measured_cost


@pytest.mark.parametrize("formula", ["relu(x)", "x*sigmoid(p0*x)", "max(x, p0*u)"])
def test_any_formula_has_a_cost(formula: str) -> None:
    ns = measured_cost(parse(formula), n=100, repeats=2)
    assert math.isfinite(ns)
    assert ns > 0


def test_threads_are_put_back_even_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def turns(step: object, place: object, repeats: int) -> list[float]:
        seen.append(torch.get_num_threads())
        raise RuntimeError("no clock")

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(cost, "_turns", turns)
    try:
        with pytest.raises(RuntimeError, match="no clock"):
            measured_cost(parse("relu(x)"), n=10)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


def test_it_is_the_median_turn_by_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_turns", lambda *_: [9.0, 1e-6, 2e-6])
    assert measured_cost(parse("relu(x)"), n=1000) == pytest.approx(2.0)


def test_a_turn_runs_forward_and_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    place = torch.device("cpu")
    monkeypatch.setattr(cost, "_LEAST_S", 0.0)
    assert len(cost._turns(lambda: ran.append(1), place, 3)) == 3
    assert len(ran) == 5  # two to get ready

    passed = []
    monkeypatch.setattr(torch.autograd, "grad", lambda *args: passed.append(args))
    measured_cost(parse("p0*tanh(x)"), n=10, repeats=1)
    value, inputs, gradient = passed[0]
    assert torch.allclose(value, inputs[0].tanh())
    assert [tensor.shape for tensor in inputs] == [(10,), ()]
    assert gradient.shape == (10,)


@pytest.mark.parametrize(("n", "repeats"), [(0, 3), (10, 0)])
def test_nothing_to_measure_is_refused(n: int, repeats: int) -> None:
    with pytest.raises(BadInput, match="n >= 1 and repeats >= 1"):
        measured_cost(parse("relu(x)"), n=n, repeats=repeats)
