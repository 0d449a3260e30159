"""The jiterator's text, compiled by the host's C++ compiler instead, and what is left to eager.

The double below takes a text and tensors as the jiterator does; what it can't stand for is NVRTC
and the launch, for which see the tests under ``needs_cuda``.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from actsearch.expressions import parse
from actsearch.expressions.known import GATED, ZOO
from actsearch.kernels import compile, fallback, jiterator, probe
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.jiterator import JiteratorEngine, gradients_source, value_source

pytestmark = pytest.mark.filterwarnings("error::actsearch.kernels.KernelWarning")
needs_cxx = pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

_BEFORE = """\
#include <cmath>
#include <cstring>
#define __CUDACC__
#define __device__
#define __forceinline__ inline
using std::abs; using std::exp; using std::fabs; using std::fma; using std::sqrt; using std::pow;
using std::log; using std::log1p; using std::expm1; using std::sin; using std::cos; using std::sinh;
using std::cosh; using std::tanh; using std::asinh; using std::atan; using std::erf;
using std::erfc;
"""
FORMULAS = {
    **{known.name: known.formula for known in (*ZOO, *GATED)},
    "parameters": "p0*x*sigmoid(p1*x) + p0*u",
    "series": "i0e(x)*gelu(x) + i1e(x)*erfc(u)",
    "constant": "0.5*x - 0.5*x + 2",
    "comparison": "max(x, min(u, 2*x))*sign(x)",
}


def _on_host(folder: Path, launches: list[str]) -> Callable[..., Any]:
    """Return what stands for ``_create_multi_output_jit_fn``."""

    def create(source: str, num_outputs: int) -> Callable[..., Any]:
        from torch.cuda.jiterator import _CodeParser

        parsed = _CodeParser(source)
        assert parsed.function_name == "act_entry"
        n = parsed.function_params.count("T ")
        real = "float" if "#define REAL float" in source else "double"
        given = ", ".join(f"at[{k}][i]" for k in range(n))
        loop = f"for (long i = 0; i < n; ++i) act_entry<{real}>({given});"
        text = f'{_BEFORE}{source}\nextern "C" void run(long n, {real} **at) {{ {loop} }}\n'
        path = folder / f"{abs(hash(text))}.cpp"
        path.write_text(text)
        library = path.with_suffix(".so")
        subprocess.run(
            ["c++", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w", path, "-o", library],
            check=True,
        )
        run = ctypes.CDLL(str(library)).run

        def call(*tensors: torch.Tensor) -> Any:
            inputs = [one.contiguous() for one in torch.broadcast_tensors(*tensors)]
            outs = [torch.empty_like(inputs[0]) for _ in range(num_outputs)]
            all_of_them = [*inputs, *outs]
            pointers = (ctypes.c_void_p * n)(*(one.data_ptr() for one in all_of_them))
            run(ctypes.c_long(inputs[0].numel()), pointers)
            launches.append(source)
            return outs[0] if num_outputs == 1 else outs

        return call

    return create


@pytest.fixture
def on_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the engine take CPU tensors, and compile for the CPU; gives the texts that were run."""
    from torch.cuda import jiterator as torchs

    together, launches = jiterator._together, list[str]()
    monkeypatch.setattr(torchs, "_create_multi_output_jit_fn", _on_host(tmp_path, launches))
    monkeypatch.setattr(jiterator, "_together", lambda *tensors: together(*tensors, device="cpu"))
    jiterator._function.cache_clear()
    return launches


@needs_cxx
@pytest.mark.slow
@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_gradients(name: str, on_host: list[str]) -> None:
    expression = parse(FORMULAS[name])
    engine = JiteratorEngine(expression)
    for dtype, real in jiterator.REALS.items():
        assert probe.disagreement(engine, dtype) is None
        assert value_source(expression, real) in on_host
        assert gradients_source(expression, real) in on_host


@needs_cxx
@pytest.mark.slow
def test_broadcast_types_and_only_the_gradients_that_are_needed(
    on_host: list[str],
) -> None:
    expression = parse("p0*x*sigmoid(u)")
    mine, eager = JiteratorEngine(expression), EagerEngine(expression)
    x = torch.linspace(-3, 3, 24, dtype=torch.bfloat16).reshape(2, 3, 4)
    u = torch.linspace(1, 2, 4, dtype=torch.bfloat16)
    p0 = torch.tensor([1.2, 0.7, 0.1]).reshape(3, 1)
    value = mine.value(x, u, p0)
    assert value.dtype == torch.bfloat16
    torch.testing.assert_close(value, eager.value(x, u, p0))
    for needed in range(8):
        found = mine.gradients(value, needed, x, u, p0)
        expected = eager.gradients(value, needed, x, u, p0)
        assert [(one.shape, one.dtype) for one in found] == [
            (one.shape, one.dtype) for one in expected
        ]
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)
    assert len(on_host) == 9


def test_what_the_jiterator_can_not_take_goes_through_eager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> Any:
        raise AssertionError("the jiterator was asked")

    monkeypatch.setattr(jiterator, "_function", never)
    engine = JiteratorEngine(parse("x*sigmoid(x)"))
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(engine.value(x), torch.nn.functional.silu(x))  # not on CUDA
    assert engine.value(torch.empty(0)).shape == (0,)
    batched = torch.func.vmap(engine.value)(x.reshape(7, 1))
    torch.testing.assert_close(batched, torch.nn.functional.silu(x.reshape(7, 1)))


def test_text() -> None:
    """The jiterator wants a template first, and takes the last as the entry."""
    from torch.cuda.jiterator import _CodeParser

    expression = parse("max(x, p0*u)*sign(x)")
    for source, outputs in ((value_source, 1), (gradients_source, 3)):
        for real in ("float", "double"):
            parsed = _CodeParser(source(expression, real))
            assert parsed.function_name == "act_entry"
            assert parsed.function_params.count("T &") == outputs
            assert f"#define REAL {real}" in source(expression, real)


@needs_cuda
@pytest.mark.parametrize("name", FORMULAS)
def test_on_cuda(name: str) -> None:
    """The real thing: verified, without a warning, and trained with the same gradients."""
    expression = parse(FORMULAS[name])
    shape = (4, 3, 5)
    arguments = [
        torch.linspace(-3, 3, math.prod(shape), device="cuda").reshape(shape).roll(k)
        for k in range(len(expression.inputs))
    ] + [torch.tensor(1.2, device="cuda") for _ in expression.parameters]
    results = []
    for backend in ("jiterator", "eager"):
        leaves = [one.clone().requires_grad_() for one in arguments]
        y = compile(expression, backend)(*leaves)
        results.append((y, *torch.autograd.grad(y.square().sum(), leaves, allow_unused=True)))
    for mine, eager in zip(*results, strict=True):
        torch.testing.assert_close(mine, eager, rtol=1e-5, atol=1e-5)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        half = compile(expression)(*(one.bfloat16() for one in arguments))
    assert half.dtype == torch.bfloat16
    assert fallback(expression, "cuda") is None
