"""Outputs that are not kept: the same gradients to the last bit, from fewer tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from actsearch.expressions import parse
from actsearch.kernels import compile, thrift
from actsearch.kernels.thrift import thrifty

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is kept for backward passes inside ``thrifty``, as it grows."""
    kept: list[Any] = []
    pack = thrift._pack

    def noted(tensor: torch.Tensor) -> Any:
        kept.append(pack(tensor))
        return kept[-1]

    monkeypatch.setattr(thrift, "_pack", noted)
    return kept


def network(make: Callable[[], nn.Module]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), make(), nn.Conv2d(4, 4, 3), make(), nn.Flatten(), nn.Linear(64, 3)
    )


@pytest.mark.parametrize("formula", ["mish(x)", "p0*x*sigmoid(p1*x)"])
def test_same_gradients_to_the_last_bit(formula: str) -> None:
    x, found = torch.randn(5, 2, 8, 8), []
    for context in (contextlib.nullcontext, thrifty):
        layers = network(parse(formula).module)
        with context():
            loss = layers(x).square().sum()
        loss.backward()
        found.append([p.grad for p in layers.parameters()])
    for plain, kept_once in zip(*found, strict=True):
        assert plain is not None
        assert kept_once is not None
        assert torch.equal(plain, kept_once)


def test_outputs_become_recipes(packed: list[Any]) -> None:
    with thrifty():
        network(parse("mish(x)").module)(torch.randn(5, 2, 8, 8))
    recipes = [kept for kept in packed if isinstance(kept, thrift._Recipe)]
    assert [tuple(recipe.shape) for recipe in recipes] == [(5, 4, 6, 6), (5, 64)]


def test_other_layers_are_left_alone(packed: list[Any]) -> None:
    with thrifty():
        network(nn.ReLU)(torch.randn(5, 2, 8, 8))
    assert packed
    assert not any(isinstance(kept, thrift._Recipe) for kept in packed)


def test_memory_that_is_used_again_is_not_taken_for_the_output(packed: list[Any]) -> None:
    kernel, x = compile(parse("mish(x)")), torch.randn(1000, requires_grad=True)
    reused = 0
    with thrifty():
        for _ in range(50):
            output = kernel(x)
            address = output.data_ptr()
            del output
            others = [torch.randn(1000, requires_grad=True) for _ in range(20)]
            reused += address in [other.data_ptr() for other in others]
            [other.sin() for other in others]
    assert reused, "the allocator never gave the same memory, so nothing was tested"
    assert not any(isinstance(kept, thrift._Recipe) for kept in packed)


def test_an_output_changed_in_place_is_kept_as_it_is(packed: list[Any]) -> None:
    kernel, x = compile(parse("x*x")), torch.randn(10, requires_grad=True)
    with thrifty():
        output = kernel(x)
        output.add_(1.0)
        total = output.sin().sum()
    total.backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.cos(x * x + 1) * 2 * x)


def test_what_was_changed_in_place_is_refused() -> None:
    """As torch refuses it without hooks: an input before or after it was used, any saved tensor."""
    kernel, weight = compile(parse("mish(x)")), torch.randn(10, requires_grad=True)

    def before_the_output_is_saved() -> torch.Tensor:
        x = weight * 1
        output = kernel(x)
        with torch.no_grad():
            x.add_(1.0)
        return output.sin().sum()

    def after_it() -> torch.Tensor:
        x = weight * 1
        total = kernel(x).sin().sum()
        with torch.no_grad():
            x.add_(1.0)
        return total

    def elsewhere() -> torch.Tensor:
        x = weight * 1
        total = (x * x).sum() + kernel(weight).sum()
        with torch.no_grad():
            x.add_(1.0)
        return total

    for make in (before_the_output_is_saved, after_it, elsewhere):
        with thrifty():
            total = make()
        with pytest.raises(RuntimeError, match=r"changed in place since the forward"):
            total.backward()


def test_sparse_tensors_pass() -> None:
    matrix = torch.eye(4).to_sparse()
    x = torch.randn(4, 4, requires_grad=True)
    with thrifty():
        total = torch.sparse.mm(matrix, compile(parse("mish(x)"))(x)).sum()
    total.backward()
    assert x.grad is not None


def test_it_ends_with_its_block(packed: list[Any]) -> None:
    with thrifty():
        pass
    compile(parse("mish(x)"))(torch.randn(3, requires_grad=True)).sin()
    assert packed == []
