"""The backend of torch.compile, on a CPU: the code that runs where CUDA is."""

from __future__ import annotations

import inspect
import shutil
from typing import Any

import pytest
import torch

from actsearch.expressions import parse
from actsearch.kernels import compile, inductor
from actsearch.kernels.eager import EagerEngine

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


def test_every_expression_is_compiled() -> None:
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


def test_the_code_that_is_compiled_comes_from_a_file() -> None:
    """Before 2.13, torch.compile wraps what does not: all in one function, with one limit."""
    first, second = inductor.own_code(abs), inductor.own_code(abs)
    assert first.__code__ is not second.__code__
    assert inspect.getsourcefile(first) == inductor.__file__
