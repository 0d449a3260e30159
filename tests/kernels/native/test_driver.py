"""What all kernels share: layouts without copies, threads, tails, and the sums for parameters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.expressions import parse
from actsearch.kernels import native
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.native import NativeEngine, threads
from actsearch.kernels.native.layout import find_layout, is_dense
from tests.kernels.conftest import NEEDS_COMPILER

pytestmark = NEEDS_COMPILER

PLAIN = parse("x*tanh(softplus(x)) + sin(x)")
SWISH = parse("p1*x*sigmoid(p0*x)")
GATED = parse("gate(x, u)*p0 + max(u, o)")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def both(text: str) -> tuple[NativeEngine, EagerEngine]:
    expression = parse(text)
    assert not isinstance(native.kernel(expression), native.Unusable)
    return NativeEngine(expression), EagerEngine(expression)


@pytest.mark.parametrize("n", [0, 1, 3, 63, 64, 65, 4095, 4096, 4097, 40_000, 100_001])
def test_any_length(n: int) -> None:
    mine, eager = NativeEngine(SWISH), EagerEngine(SWISH)
    x, g = torch.randn(n), torch.randn(n)
    parameters = torch.tensor(0.7), torch.tensor(1.3)
    torch.testing.assert_close(mine.value(x, *parameters), eager.value(x, *parameters))
    found = mine.gradients(g, 7, x, *parameters)
    wide = [tensor.double() for tensor in (g, x, *parameters)]
    exact = eager.gradients(wide[0], 7, *wide[1:])
    torch.testing.assert_close(found[0], exact[0].float(), rtol=1e-5, atol=1e-6)
    for mine_sum, sum_ in zip(found[1:], exact[1:], strict=True):
        # Terms of both signs, n of them: the rounding is that of their sizes.
        torch.testing.assert_close(mine_sum.double(), sum_, rtol=1e-5, atol=1e-6 + 3e-8 * n)


def test_a_value_depends_on_its_input_alone() -> None:
    """Not on its place, its neighbours, the memory's alignment or the number of threads."""
    engine, x = NativeEngine(PLAIN), torch.randn(70_001)
    torch.set_num_threads(1)
    whole = engine.value(x)
    for start in (1, 2, 7, 64, 4099, 69_990):
        assert torch.equal(engine.value(x[start:]), whole[start:])
        assert torch.equal(engine.value(x[start : start + 5]), whole[start : start + 5])
    torch.set_num_threads(3)
    assert torch.equal(engine.value(x), whole)


@pytest.mark.parametrize("shape", [(700, 150), (60, 12, 150), (3, 70_000)])
@pytest.mark.parametrize("channels", [False, True])
def test_sums_do_not_depend_on_threads(shape: tuple[int, ...], channels: bool) -> None:
    engine, x, g = NativeEngine(SWISH), torch.randn(shape), torch.randn(shape)
    size = (shape[1], *(1,) * (len(shape) - 2)) if channels else ()
    parameters = torch.rand(size), torch.rand(size)
    found = []
    for n in (1, 2, 3):
        torch.set_num_threads(n)
        found.append(engine.gradients(g, 7, x, *parameters))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("shape", [(64, 100), (64, 1), (1, 100), (8, 16, 33), (4, 16, 9, 7)])
@pytest.mark.parametrize("memory", ["contiguous", "channels last"])
def test_one_parameter_a_channel(shape: tuple[int, ...], memory: str) -> None:
    x, g = torch.randn(shape), torch.randn(shape)
    if memory == "channels last":
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)
        assert find_layout([x], 1) is not None
    form = (shape[1], *(1,) * (len(shape) - 2))
    scalar, channels = torch.tensor(1.2), torch.linspace(0.1, 2, shape[1]).reshape(form)
    for parameters in ((scalar, channels), (channels, scalar), (channels, channels.flip(0))):
        mine = NativeEngine(SWISH).gradients(g, 7, x, *parameters)
        wide = [tensor.double() for tensor in (g, x, *parameters)]
        exact = EagerEngine(SWISH).gradients(wide[0], 7, *wide[1:])
        for a, b in zip(mine, exact, strict=True):
            assert a.shape == b.shape
            torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=1e-5)
        value = NativeEngine(SWISH).value(x, *parameters)
        assert value.stride() == x.stride()
        torch.testing.assert_close(value, EagerEngine(SWISH).value(x, *parameters))


def test_parameters_of_other_shapes_go_through_eager() -> None:
    x = torch.randn(3, 4, 5)
    for form in ((4, 5), (3, 1, 5), (2, 3, 4, 5), (1, 1, 1, 1)):
        p = torch.rand(form), torch.tensor(1.0)
        g = torch.randn(torch.broadcast_shapes(x.shape, form))
        torch.testing.assert_close(
            NativeEngine(SWISH).value(x, *p), EagerEngine(SWISH).value(x, *p)
        )
        mine = NativeEngine(SWISH).gradients(g, 7, x, *p)
        eager = EagerEngine(SWISH).gradients(g, 7, x, *p)
        for a, b in zip(mine, eager, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(data=st.data())
def test_several_inputs_in_any_layout(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(0, 5), min_size=0, max_size=4)))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))

    def tensor() -> torch.Tensor:
        order = data.draw(st.permutations(range(len(shape))))
        made = torch.randn([shape[dim] for dim in order], generator=generator)
        whole = made.permute([order.index(dim) for dim in range(len(shape))])
        squeezed = data.draw(st.sets(st.integers(0, max(0, len(shape) - 1))))
        for dim in squeezed if shape else ():
            whole = whole.narrow(dim, 0, min(1, shape[dim]))
        return whole

    inputs = [tensor() for _ in range(3)]
    p0 = torch.tensor(0.6)
    common = torch.broadcast_shapes(*(one.shape for one in inputs))
    g = torch.randn(common, generator=generator)
    mine, eager = NativeEngine(GATED), EagerEngine(GATED)
    torch.testing.assert_close(mine.value(*inputs, p0), eager.value(*inputs, p0))
    for a, b in zip(
        mine.gradients(g, 15, *inputs, p0), eager.gradients(g, 15, *inputs, p0), strict=True
    ):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_a_default_device_elsewhere(afresh: Path) -> None:
    """As where large models are built: kernels are judged, sums made, on the CPU all the same."""
    with torch.device("meta"):
        assert not isinstance(native.kernel(SWISH), native.Unusable)
        x = torch.ones(5, device="cpu")
        p = torch.tensor(0.7, device="cpu"), torch.tensor(1.3, device="cpu")
        found = NativeEngine(SWISH).gradients(x, 7, x, *p)
    for mine, eager in zip(found, EagerEngine(SWISH).gradients(x, 7, x, *p), strict=True):
        torch.testing.assert_close(mine, eager)


def test_zeros_without_memory_and_no_channels() -> None:
    nothing = torch._efficientzerotensor((70,))
    assert torch.equal(NativeEngine(parse("cos(x)")).value(nothing), torch.ones(70))
    x, p = torch.ones(4, 0), (torch.ones(0), torch.tensor(1.0))
    assert [g.shape for g in NativeEngine(SWISH).gradients(x, 7, x, *p)] == [(4, 0), (0,), ()]


def test_dense_memory_is_not_copied() -> None:
    base = torch.randn(2, 3, 4, 5)
    dense = [base, base.to(memory_format=torch.channels_last), base.permute(3, 1, 0, 2), base[1]]
    for x in dense:
        layout = find_layout([x], 1)
        assert layout is not None
        assert layout.inputs[0] is x
    for x in (
        base[:, ::2],
        base[:, :, :, 1:],
        base.expand(7, 2, 3, 4, 5),
        base[:, :1].expand(2, 3, 4, 5),
    ):
        assert not is_dense(x)


def test_float64() -> None:
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    torch.testing.assert_close(
        NativeEngine(PLAIN).value(x), EagerEngine(PLAIN).value(x), rtol=1e-12, atol=1e-13
    )


COUNT = """
import os, sys, torch
from actsearch.expressions import parse
n = int(sys.argv[1])
torch.set_num_threads(n)
x = torch.randn(2_000_000, requires_grad=True)
kernel = parse("x*tanh(softplus(x))").compile("native")
if n > 1:
    torch.sin(x).sum().backward()  # torch starts its threads
before = len(os.listdir("/proc/self/task"))
for _ in range(3):
    kernel(x).sum().backward()
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("n", [1, 2, 4])
def test_no_threads_besides_those_of_torch(n: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(n)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels run on one thread")
def test_torchs_pool_is_found() -> None:
    assert threads.entry_points() is not None
