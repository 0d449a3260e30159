"""The backend of torch.compile, on a CPU: the code path of machines with CUDA."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import torch

from actsearch.expressions import parse
from actsearch.kernels import KernelWarning, backends, compile, fallback, inductor
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.warn import forget

# What torch.compile itself warns of is not ours to judge.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::actsearch.kernels.KernelWarning"),
]
SWISH = parse("p0*x*sigmoid(x)")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_values_gradients_and_what_is_saved() -> None:
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    found = []
    for backend in ("inductor", "eager"):
        x = torch.linspace(-3, 3, 60).reshape(4, 15).requires_grad_()
        p0 = torch.tensor(1.2, requires_grad=True)
        kept.clear()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            y = compile(SWISH, backend)(x, p0)
        assert [tensor.data_ptr() for tensor in kept] == [x.data_ptr(), p0.data_ptr()]
        found.append((y, *torch.autograd.grad(y.square().sum(), (x, p0))))
    for mine, eager in zip(*found, strict=True):
        torch.testing.assert_close(mine, eager, rtol=1e-5, atol=1e-5)
    x = torch.linspace(-3, 3, 7, dtype=torch.bfloat16)
    assert compile(SWISH, "inductor")(x, torch.tensor(1.2)).dtype == torch.bfloat16


@pytest.fixture
def without_compiling(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let ``torch.compile`` return the function as it is, and warnings be said again."""
    forget()
    monkeypatch.setattr(inductor, "_faults", {})
    monkeypatch.setattr(inductor, "_compile", lambda function: function)
    return monkeypatch


def test_auto_takes_it_on_cuda_alone() -> None:
    assert [backends.choose(device) for device in ("cpu", "cuda", "mps")] == [
        "native",
        "inductor",
        "eager",
    ]


def test_a_compiler_that_raises(without_compiling: pytest.MonkeyPatch) -> None:
    def refuse(_function: object) -> Any:
        def raises(*_tensors: object) -> None:
            raise RuntimeError("Triton\nis not here")

        return raises

    without_compiling.setattr(inductor, "_compile", refuse)
    engine, x = inductor.InductorEngine(SWISH), torch.linspace(-3, 3, 7)
    with pytest.warns(KernelWarning, match="eager takes its place: RuntimeError: Triton is not"):
        y = engine.value(x, torch.tensor(1.2))
    torch.testing.assert_close(y, 1.2 * torch.nn.functional.silu(x))
    engine.gradients(x, 3, x, torch.tensor(1.2))  # no second attempt, no second warning
    assert "Triton is not here" in str(fallback(SWISH, "cuda:0"))


def test_every_expression_is_compiled(without_compiling: pytest.MonkeyPatch) -> None:
    """Not the first eight alone, which is torch.compile's limit for one code object."""
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    x = torch.linspace(-3, 3, 7)
    for k in range(12):
        engine = EagerEngine(parse(f"sin({k + 1}*x)"))
        torch.compile(inductor.own_code(engine.value), backend=backend, dynamic=True)(x)
        assert len(graphs) == k + 1


def test_wrong_values_are_not_used(without_compiling: pytest.MonkeyPatch) -> None:
    def off_by_one(function: Any) -> Any:
        def call(*tensors: Any) -> Any:
            found = function(*tensors)
            return found + 1.0 if isinstance(found, torch.Tensor) else found

        return call

    without_compiling.setattr(inductor, "_compile", off_by_one)
    engine, x = inductor.InductorEngine(parse("silu(x)")), torch.linspace(-3, 3, 7)
    with pytest.warns(KernelWarning, match=r"the value of 'silu\(x\)'"):
        y = engine.value(x)
    torch.testing.assert_close(y, torch.nn.functional.silu(x))


def test_what_agrees_is_used(without_compiling: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def noted(function: Any) -> Any:
        def call(*tensors: Any) -> Any:
            calls.append(function.__name__)
            return function(*tensors)

        return call

    without_compiling.setattr(inductor, "_compile", noted)
    engine, x = inductor.InductorEngine(SWISH), torch.linspace(-3, 3, 7)
    engine.value(x, torch.tensor(1.2))
    probing = len(calls)
    engine.value(x, torch.tensor(1.2))
    engine.gradients(x, 1, x, torch.tensor(1.2))
    assert calls[probing:] == ["value", "wanted"]
