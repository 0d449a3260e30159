"""Kernels under torch.func, forward mode, batched gradients, autocast, inference and tracing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.autograd import forward_ad
from torch.autograd.functional import jacobian
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from actsearch.expressions import parse
from actsearch.kernels import Kernel, compile

pytestmark = [
    pytest.mark.usefixtures("backend"),
    # Torch's own forward mode still uses it.
    pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning"),
]

X = torch.linspace(-2, 2, 5, dtype=torch.float64)
P = torch.tensor(1.3, dtype=torch.float64)
Function = Callable[..., torch.Tensor]


def swish() -> Kernel:
    return compile(parse("x*sigmoid(p0*x)"))


def reference(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(p * x)


CASES: dict[str, Callable[[Function], Any]] = {
    "hessian": lambda f: hessian(lambda x: f(x, P).sum())(X),
    "jacrev": lambda f: jacrev(f)(X, P),
    "jacfwd": lambda f: jacfwd(f)(X, P),
    "jacrev of a parameter": lambda f: jacrev(f, argnums=1)(X, P),
    "gradient of a shared parameter, a sample": lambda f: vmap(
        grad(lambda x, p: f(x, p).sum(), argnums=1), in_dims=(0, None)
    )(X.repeat(3, 1), P),
    "vmap over a parameter": lambda f: vmap(f, in_dims=(None, 0))(X, torch.stack([P, 2 * P])),
    "vmap over the last dimension": lambda f: vmap(f, in_dims=(1, None), out_dims=1)(
        X.repeat(3, 1), P
    ),
    "vmap twice": lambda f: vmap(vmap(f, in_dims=(None, 0)), in_dims=(0, None))(
        X.repeat(3, 1), torch.stack([P, 2 * P])
    ),
    "batched gradients": lambda f: jacobian(f, (X, P), vectorize=True),
    "third derivative": lambda f: vmap(grad(grad(grad(lambda x: f(x, P)))))(X),
}


@pytest.mark.parametrize("case", list(CASES))
def test_as_plain_torch(case: str) -> None:
    torch.testing.assert_close(CASES[case](swish()), CASES[case](reference))


def test_forward_mode() -> None:
    with forward_ad.dual_level():
        x, p = forward_ad.make_dual(X, X.cos()), forward_ad.make_dual(P, P * 0 + 2)
        tangents = [forward_ad.unpack_dual(f(x, p)).tangent for f in (swish(), reference)]
    torch.testing.assert_close(*tangents)


def test_double_backward() -> None:
    x, p = X.clone().requires_grad_(), P.clone().requires_grad_()
    (slope,) = torch.autograd.grad(swish()(x, p).sum(), x, create_graph=True)
    found = torch.autograd.grad(slope.square().sum(), (x, p))
    (slope,) = torch.autograd.grad(reference(x, p).sum(), x, create_graph=True)
    torch.testing.assert_close(found, torch.autograd.grad(slope.square().sum(), (x, p)))


def test_inference_mode() -> None:
    with torch.inference_mode():
        y = swish()(X, P)
    assert y.is_inference()
    torch.testing.assert_close(y, reference(X, P))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    x = torch.linspace(-20, 20, 999).to(dtype)
    kernel = compile(parse("x*tanh(softplus(x))"))
    y, exact = kernel(x), kernel(x.float())
    assert y.dtype == dtype
    assert torch.equal(y, exact.to(dtype))


def test_autocast_keeps_the_type_that_comes() -> None:
    linear, kernel = torch.nn.Linear(8, 8), compile(parse("gelu(x)"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = kernel(linear(torch.randn(4, 8)))
        z = kernel(torch.randn(4, 8))
    assert (y.dtype, z.dtype) == (torch.bfloat16, torch.float32)
    y.float().sum().backward()
    assert linear.weight.grad is not None


def test_types_of_the_result() -> None:
    """Parameters do not raise it, integers become the default type, complex is refused."""
    kernel = swish()
    assert kernel(X.float(), P).dtype == torch.float32
    assert kernel(torch.arange(3), P).dtype == torch.float32
    with pytest.raises(TypeError, match="real numbers, got a complex tensor"):
        kernel(torch.zeros(2, dtype=torch.complex64), P)


def test_tensors_without_memory() -> None:
    """Shape inference with stand-ins must not touch pointers."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        y = swish()(mode.from_tensor(X), mode.from_tensor(P))
    assert y.shape == X.shape
    assert swish()(X.to("meta"), P.to("meta")).shape == X.shape


def test_export_sees_plain_operations() -> None:
    layer = parse("x*sigmoid(1.7*x)").module()
    program = torch.export.export(layer, (torch.randn(4, 3),))
    x = torch.randn(4, 3)
    torch.testing.assert_close(program.module()(x), layer(x))
