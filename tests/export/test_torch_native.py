"""The C that a torch file carries: used where it fits, right there, and plain torch elsewhere."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from tests.export.loading import load, source


def test_wrong_native_code_is_not_used(tmp_path: Path) -> None:
    text = source("x*tanh(x)")
    assert "y_out[i] = y;" in text
    module = load(text.replace("y_out[i] = y;", "y_out[i] = y + 0.001f;"), tmp_path)
    x = torch.randn(100)
    with pytest.warns(UserWarning, match="differs from plain torch"):
        y = module.found_fused(x, fused="native")
    torch.testing.assert_close(y, x * torch.tanh(x))


def test_without_a_compiler_plain_torch_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    module = load(source("x*tanh(x)"), tmp_path)
    x = torch.randn(100)
    with pytest.warns(UserWarning, match="plain torch takes the place"):
        y = module.Found(fused="native")(x)
    torch.testing.assert_close(y, x * torch.tanh(x))


def test_native_code_is_used_and_saves_its_argument_alone(tmp_path: Path) -> None:
    module = load(source("x*tanh(softplus(x))"), tmp_path)
    x = torch.randn(64, 1000, requires_grad=True)
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y = module.found_fused(x, fused="native")
    assert type(y.grad_fn).__name__ == "_FoundNativeBackward"
    assert [tensor.data_ptr() for tensor in kept] == [x.data_ptr()]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_native_code_whatever_the_default_type(dtype: torch.dtype, tmp_path: Path) -> None:
    module = load(source("p0*x*tanh(x)"), tmp_path)
    torch.set_default_dtype(dtype)
    try:
        x = torch.randn(50, dtype=torch.float32, requires_grad=True)
        y = module.Found(fused="native")(x)
        y.sum().backward()
    finally:
        torch.set_default_dtype(torch.float32)
    assert is_native(y)
    torch.testing.assert_close(y, x * torch.tanh(x))


def test_native_code_whatever_the_default_device(tmp_path: Path) -> None:
    module = load(source("p0*x*tanh(x)"), tmp_path)
    x = torch.randn(50, requires_grad=True)
    with torch.device("meta"):
        y = module.found_fused(x, torch.tensor(2.0, device="cpu"), fused="native")
    assert is_native(y)
    torch.testing.assert_close(y, 2 * x * torch.tanh(x))


def is_native(y: torch.Tensor) -> bool:
    return type(y.grad_fn).__name__ == "_FoundNativeBackward"


def test_native_code_takes_what_hooks_and_batches_make_of_its_tensors(tmp_path: Path) -> None:
    module = load(source("x*tanh(x)"), tmp_path)
    row = torch.randn(1, 700)
    x = row.expand(60, 700).contiguous().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor[:1].clone(), lambda kept: kept.expand(60, 700)
    ):
        y = module.found_fused(x, fused="native")
    assert is_native(y)
    y.sum().backward()
    torch.testing.assert_close(x.grad, module.found_derivative(x.detach()))
    x = torch.randn(4, requires_grad=True)
    y = module.found_fused(x, fused="native")
    (batched,) = torch.autograd.grad(y, x, torch.eye(4), is_grads_batched=True)
    torch.testing.assert_close(batched, torch.diag(module.found_derivative(x.detach())))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1), (3, 1), (0,)])
def test_native_code_gives_parameters_the_shapes_that_plain_torch_gives(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    module = load(source("p0*x*tanh(x)"), tmp_path)
    for size in ((3,), (2, 3, 100)) if 0 not in shape else ((0,),):
        x, p0 = torch.randn(size), torch.full(shape, 0.7)
        results = []
        for fused in (False, True, "native"):
            leaf, start = x.clone().requires_grad_(), p0.clone().requires_grad_()
            y = module.found_fused(leaf, start, fused=fused)
            y.sum().backward()
            results.append((y, leaf.grad, start.grad))
        for other in results[1:]:
            torch.testing.assert_close(other, results[0], rtol=1e-4, atol=1e-4)


def test_native_code_without_a_place_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(source("x*tanh(x)"), tmp_path)
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.warns(UserWarning, match="plain torch takes the place"):
        module.found_fused(torch.randn(5), fused="native")


@pytest.mark.parametrize("fused", [False, True, "native"])
def test_activation_checkpointing(fused: bool | str, tmp_path: Path) -> None:
    module = load(source("p0*x*tanh(x)"), tmp_path)
    layers = torch.nn.Sequential(torch.nn.Linear(40, 40), module.Found(fused=fused))
    x = torch.randn(8, 40)
    gradients = []
    for run in (layers, lambda x: checkpoint(layers, x, use_reentrant=False)):
        layers.zero_grad()
        run(x).sum().backward()
        gradients.append([p.grad.clone() for p in layers.parameters() if p.grad is not None])
    torch.testing.assert_close(*gradients)


def test_native_code_from_several_threads(tmp_path: Path) -> None:
    module = load(source("x*tanh(softplus(x))"), tmp_path)
    x = torch.randn(200_000)
    expected = module.found(x)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: module.found_fused(x, fused="native"), range(12)))
    for result in results:
        torch.testing.assert_close(result, expected)


def test_gradients_of_parameters_do_not_overflow_in_half_precision(tmp_path: Path) -> None:
    module = load(source("p0*x"), tmp_path)
    x = torch.ones(100_000, dtype=torch.float16)
    for fused in (False, True, "native"):
        layer = module.Found(fused=fused)
        layer(x).float().sum().backward()
        assert layer.p0.grad.item() == pytest.approx(100_000)


def test_native_code_in_half_precision_and_in_any_order(tmp_path: Path) -> None:
    module = load(source("x*tanh(softplus(x))"), tmp_path)
    for dtype in (torch.float16, torch.bfloat16):
        x = (20 * torch.randn(4, 5, 6, 7)).to(dtype).to(memory_format=torch.channels_last)
        results = []
        for fused in (True, "native"):
            leaf = x.detach().requires_grad_()
            y = module.found_fused(leaf, fused=fused)
            y.float().square().sum().backward()
            assert y.dtype == dtype
            assert y.is_contiguous(memory_format=torch.channels_last)
            results.append((y, leaf.grad))
        torch.testing.assert_close(results[0], results[1])
