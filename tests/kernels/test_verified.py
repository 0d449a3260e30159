"""Engines that compile at their first use: what is wrong with them is found, said, and not used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from actsearch.expressions import parse
from actsearch.kernels import KernelWarning, backends, fallback, probe, verified, warn
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.verified import Verified

SWISH = parse("p0*x*sigmoid(x)")


class Spy(EagerEngine):
    """The eager engine under a faster one's name, with a change made to what it returns."""

    name = "jiterator"

    def __init__(self, expression: Any, change: Any = lambda found: found) -> None:
        super().__init__(expression)
        self.change = change
        self.calls = 0

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        found: torch.Tensor = self.change(super().value(*tensors))
        return found


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """Forget faults and warnings, before and after."""
    for forget in (verified.forget, warn.forget):
        forget()
    yield
    for forget in (verified.forget, warn.forget):
        forget()


def test_auto_takes_the_jiterator_on_cuda() -> None:
    assert [backends.choose(device) for device in ("cpu", "cuda", "mps")] == [
        "native",
        "jiterator",
        "eager",
    ]


def test_a_compiler_that_raises() -> None:
    def refuse(_found: object) -> Any:
        raise RuntimeError("NVRTC\nis not here")

    spy = Spy(SWISH, refuse)
    engine, x = Verified(spy), torch.linspace(-3, 3, 7)
    with pytest.warns(KernelWarning, match="jiterator.*eager takes its place: RuntimeError: NVRTC"):
        y = engine.value(x, torch.tensor(1.2))
    torch.testing.assert_close(y, 1.2 * torch.nn.functional.silu(x))
    engine.gradients(x, 3, x, torch.tensor(1.2))
    engine.value(x, torch.tensor(1.2))
    assert spy.calls == 1, "tried a second time"
    assert "NVRTC is not here" in str(fallback(SWISH, "cuda:0"))


def test_wrong_values_are_not_used() -> None:
    engine = Verified(Spy(parse("silu(x)"), lambda found: found + 1))
    x = torch.linspace(-3, 3, 7)
    with pytest.warns(KernelWarning, match=r"the value of 'silu\(x\)'"):
        y = engine.value(x)
    torch.testing.assert_close(y, torch.nn.functional.silu(x))


def test_what_agrees_is_used_and_judged_once_for_each_type() -> None:
    spy = Spy(SWISH)
    engine, x = Verified(spy), torch.linspace(-3, 3, 7)
    counts = []
    for dtype in (torch.float32, torch.float32, torch.bfloat16, torch.float64, torch.float64):
        engine.value(x.to(dtype), torch.tensor(1.2, dtype=dtype))
        counts.append(spy.calls)
    assert counts[1] - counts[0] == counts[2] - counts[1] == 1
    assert counts[3] - counts[2] > 1, "float64 was not judged"
    assert counts[4] - counts[3] == 1
    assert fallback(SWISH, "cuda:0") is None


def test_flushed_denormals_are_no_fault_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton has (x*tanh(softplus(x)))(-90) = -0 where eager has -7e-38."""

    def flush(found: torch.Tensor) -> torch.Tensor:
        return torch.where(found.abs() < 1e-37, 0.0, found)

    mish, x = parse("x*tanh(softplus(x))"), torch.linspace(-3, 3, 7)
    with pytest.warns(KernelWarning, match="at x=-90 is"):
        Verified(Spy(mish, flush)).value(x)
    monkeypatch.setitem(probe.LOST, "cpu", probe.LOST["cuda"])
    spy = Spy(mish, flush)
    Verified(spy).value(x)
    assert spy.calls > 1
