"""Kernels on every kind of tensor, under torch.func, and with NaN."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from actsearch.errors import BadInput
from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from actsearch.kernels import compile, fallback, prepare
from tests.expressions.strategies import node_of

pytestmark = [
    pytest.mark.usefixtures("backend"),
    # Slopes of internal rows that no two programs agree on are left to eager, with a warning.
    pytest.mark.filterwarnings("ignore::actsearch.kernels.KernelWarning"),
]

FORMULA = parse("gelu(x)*0.5 + clip(x, -1, 1) + leaky_relu(x)*heaviside(x + 1)")
ROWS = pytest.mark.parametrize("name", list(PRIMITIVES))


def starts(expression: Expression) -> list[torch.Tensor]:
    """Return a value for each learnable parameter: the one that it starts with."""
    values = map(expression.start_of, expression.parameters)
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def double(expression: Expression, *tensors: torch.Tensor) -> torch.Tensor:
    return compile(expression)(*(tensor.detach().double() for tensor in tensors))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (0, 3), (2, 3, 4, 5)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, requires_grad=True)
    y = compile(FORMULA)(x)
    y.sum().backward()
    assert x.grad is not None
    assert y.shape == x.grad.shape == shape
    torch.testing.assert_close(y.double(), double(FORMULA, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", ["x", "2", "p0", "u", "x + 0", "p0*u", "relu(p0)", "x - x + p0"])
def test_a_formula_that_ignores_an_argument_has_the_shape_of_all(text: str) -> None:
    expression = parse(text)
    tensors = [torch.randn(4, 3, requires_grad=True) for _ in expression.inputs]
    parameters = [torch.tensor(0.5, requires_grad=True) for _ in expression.parameters]
    y = compile(expression)(*tensors, *parameters)
    assert y.shape == (4, 3)
    assert all(y is not tensor for tensor in tensors)
    y.sum().backward()
    assert [p.grad is not None for p in parameters] == [True] * len(parameters)


def layouts() -> dict[str, torch.Tensor]:
    base = torch.randn(4, 6, 5, 3)
    return {
        "transposed": base.transpose(1, 3),
        "strided": base[:, ::2, 1:, :],
        "flipped": base.flip(0),
        "expanded": base[:1].expand(4, 6, 5, 3),
        "channels_last": base.to(memory_format=torch.channels_last),
    }


@pytest.mark.parametrize("layout", list(layouts()))
def test_any_layout(layout: str) -> None:
    x = layouts()[layout].detach().requires_grad_()
    y = compile(FORMULA)(x)
    y.sum().backward()
    contiguous = x.detach().contiguous().requires_grad_()
    z = compile(FORMULA)(contiguous)
    z.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(y, z, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x.grad, contiguous.grad, rtol=1e-6, atol=1e-6)


def test_channels_last_stays() -> None:
    x = layouts()["channels_last"].requires_grad_()
    y = compile(FORMULA)(x)
    assert y.is_contiguous(memory_format=torch.channels_last)


@ROWS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_row_keeps_the_dtype(name: str, dtype: torch.dtype) -> None:
    expression = Expression(node_of(PRIMITIVES[name]))
    names = (*expression.inputs, *expression.parameters)
    tensors = [
        torch.linspace(-3, 3, 8).roll(k).to(dtype).requires_grad_() for k in range(len(names))
    ]
    y = compile(expression)(*tensors)
    y.sum().backward()
    assert y.dtype == dtype
    assert all(tensor.grad is None or tensor.grad.dtype == dtype for tensor in tensors)


@pytest.mark.parametrize("name", [row.name for row in PRIMITIVES.values() if row.arity == 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_over_its_whole_range(name: str, dtype: torch.dtype) -> None:
    """No overflow inside where the value itself is representable, and a few ulps of error."""
    info = torch.finfo(dtype)
    magnitudes = torch.cat([torch.logspace(-4, 4.5, 300), torch.linspace(0, 60, 300)]).to(dtype)
    x = torch.cat([magnitudes, -magnitudes])
    for expression in (parse(f"{name}(x)"), parse(f"{name}(x)").derivative()):
        if expression.root.op not in PRIMITIVES or PRIMITIVES[expression.root.op].arity > 1:
            continue  # a chain of rows has intermediate values of its own
        got, true = compile(expression)(x).double(), double(expression, x)
        keep = (true.abs() <= info.max) & (true.abs() >= info.tiny)
        assert torch.isfinite(got[keep]).all()
        error = (got - true).abs()[keep]
        assert (error <= 32 * info.eps * true.abs()[keep] + info.eps / 4).all()


def test_a_float32_parameter_goes_with_half_precision_inputs() -> None:
    x = torch.randn(8).to(torch.bfloat16).requires_grad_()
    p0 = torch.tensor(0.3, requires_grad=True)
    y = compile(parse("max(x, p0*x)"))(x, p0)
    y.sum().backward()
    assert p0.grad is not None
    assert (y.dtype, p0.grad.dtype) == (torch.bfloat16, torch.float32)


@pytest.mark.parametrize("name", list(KNOWN))
def test_nan_goes_through(name: str) -> None:
    x = torch.tensor([float("nan"), 1.0], requires_grad=True)
    expression = parse(KNOWN[name])
    y = compile(expression)(x, *starts(expression))
    assert torch.isnan(y).tolist() == [True, False]


@pytest.mark.parametrize("text", ["max(x, 0)", "min(x, u)", "clip(x, -1, 1)", "hardsigmoid(x)"])
def test_nan_goes_through_comparisons(text: str) -> None:
    expression = parse(text)
    tensors = [torch.full((3,), float("nan")), torch.zeros(3)][: len(expression.inputs)]
    assert torch.isnan(compile(expression)(*tensors)).all()


@pytest.mark.parametrize("name", list(KNOWN))
def test_torch_func(name: str) -> None:
    expression = parse(KNOWN[name])
    compiled, parameters = compile(expression), starts(expression)

    def kernel(x: torch.Tensor) -> torch.Tensor:
        return compiled(x, *parameters)

    x = torch.tensor([-4.3, -2.1, -0.7, 0.3, 0.9, 2.2], dtype=torch.float64)
    slopes = torch.func.vmap(torch.func.grad(kernel))(x)
    stated = expression.derivative().evaluate(x.numpy())
    torch.testing.assert_close(slopes, torch.from_numpy(stated))
    bends = torch.func.vmap(torch.func.grad(torch.func.grad(kernel)))(x)
    assert torch.isfinite(bends).all()
    batch = x.repeat(3, 1)
    torch.testing.assert_close(torch.func.vmap(kernel)(batch), kernel(batch))


def test_vmap_over_parameters() -> None:
    kernel = compile(parse("max(x, p0*x)"))
    x, slopes = torch.randn(5), torch.tensor([0.1, 0.2, 0.3])
    y = torch.func.vmap(kernel, in_dims=(None, 0))(x, slopes)
    torch.testing.assert_close(y, torch.maximum(x, slopes[:, None] * x))
    total = torch.func.grad(lambda p, x: kernel(x, p).sum())
    found = torch.func.vmap(total, in_dims=(0, None))(slopes, x)
    torch.testing.assert_close(found, x.clamp_max(0).sum().expand(3))


@pytest.mark.parametrize(
    "given", [(), (torch.ones(3),), (torch.ones(3),) * 3, (torch.ones(3), 0.5)]
)
def test_other_arguments_are_refused(given: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match=r"'p0\*x' is a function of the tensors x, p0; got "):
        compile(parse("p0*x"))(*given)  # type: ignore[arg-type]


def test_an_unknown_backend_is_named_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"unknown backend 'eagr'; did you mean 'eager'\?"):
        compile(FORMULA, "eagr")
    with pytest.raises(BadInput, match="known: auto, "):
        FORMULA.compile("zzz")


def test_one_kernel_serves_all_starts() -> None:
    bare = parse("p0*x*sigmoid(p1*x)")
    others = [parse(f"{bare}; {suffix}") for suffix in ("p0=2", "p1=0.5, per channel")]
    prepare([bare, *others])
    kernel = compile(bare, "auto")
    assert all(compile(other, "auto") is kernel for other in others)
    assert all(fallback(other) is None for other in others)
    assert pickle.loads(pickle.dumps(compile(others[0], "auto"))) is kernel


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize(
    "text", ["min(x, exp(100))", "max(-exp(100), x)", "exp(100)", "relu(-exp(100))"]
)
def test_a_number_that_float32_cannot_hold_is_infinite_there(text: str, backend: str) -> None:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    with np.errstate(over="ignore"):
        expected = parse(text).evaluate(x.detach().numpy()).astype(np.float32)
    found = parse(text).compile(backend)(x)
    assert found.dtype == torch.float32
    assert found.tolist() == expected.tolist()
    found.sum().backward()
    assert x.grad is not None
