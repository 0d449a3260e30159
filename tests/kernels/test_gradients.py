"""Gradients of kernels against finite differences, and what they cost in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from actsearch.kernels import compile
from tests.expressions.strategies import random_trees

pytestmark = [
    pytest.mark.usefixtures("backend"),
    pytest.mark.filterwarnings("ignore::actsearch.kernels.KernelWarning"),
]

#: Off every kink of the known functions (0, 0.66, ±2.5 and ±3), on both sides of each.
X = (-4.3, -2.8, -2.1, -0.7, -0.2, 0.3, 0.9, 2.2, 2.8, 4.1)

#: Known functions whose float32 slope is lost, and from where on: a product of rows, each right,
#: is NaN where one is infinite and one 0. Below -88.7 exp(-x) is the one, gauss of it the other.
LOST_BELOW = {"EELU": -88.7}


def column(values: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", list(KNOWN))
def test_known_functions(name: str) -> None:
    expression = parse(KNOWN[name])
    kernel = compile(expression)
    arguments = (column(X), *(column((1.0,))[0].detach() for _ in expression.parameters))
    for argument in arguments:
        argument.requires_grad_()
    assert gradcheck(kernel, arguments)
    assert gradgradcheck(kernel, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "p0*x + p1",
        "max(x, p0*x)",
        "x*sigmoid(p0*x)",
        "mix(tanh(x), relu(u), p0)",
        "rbf(x, u, p0) + laplace(x, u, p1)",
        "gate(x, u)*o",
        "clip(x, p0, 3)",
        "aq(x, u)**2 + gpow(x, p0)",
        "p0*u",
        "p0",
    ],
)
def test_every_argument_has_a_gradient(text: str) -> None:
    expression = parse(text)
    kernel = compile(expression)
    inputs = [column(tuple(np.roll(X, 3 * k) * 1.13**k)) for k in range(len(expression.inputs))]
    parameters = [column((0.6 + 0.2 * k,))[0] for k in range(len(expression.parameters))]
    arguments = (*inputs, *(p.detach().requires_grad_() for p in parameters))
    assert gradcheck(kernel, arguments)
    assert gradgradcheck(kernel, arguments)


def smooth_places(expression: Expression) -> tuple[float, ...]:
    """Return points where finite differences can be trusted: no large value, kink or steep bend."""
    x = np.linspace(-2.45, 2.35, 40)
    tower = [expression]
    for _ in range(2):
        tower.append(tower[-1].derivative())
    near = np.stack([[e.evaluate(x + h) for h in (-1e-3, 0.0, 1e-3)] for e in tower])
    calm = (np.abs(near) < 20).all(axis=(0, 1))
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(near, axis=1)).max(axis=(0, 1))
    return tuple(x[calm & (steps < 0.02)][:6].tolist())


def test_forty_random_formulas() -> None:
    checked = 0
    for tree in random_trees(400, seed=11, sizes=(3, 12)):
        expression = Expression(tree)
        if expression.inputs != ("x",) or expression.parameters:
            continue
        places = smooth_places(expression)
        if len(places) < 3 or np.ptp(expression.evaluate(np.array(places))) < 1e-6:
            continue
        assert gradcheck(compile(expression), (column(places),)), str(expression)
        assert gradgradcheck(compile(expression), (column(places),)), str(expression)
        checked += 1
        if checked == 40:
            return
    pytest.fail(f"only {checked} formulas to check")


@pytest.mark.parametrize("name", [row.name for row in PRIMITIVES.values() if row.arity == 1])
def test_backward_is_the_symbolic_derivative(name: str) -> None:
    """Also at kinks, where finite differences say nothing and the rows state a slope."""
    expression = parse(f"{name}(x)")
    x = column((-3.0, -1.0, 0.0, 1.0, 3.0))
    (slope,) = torch.autograd.grad(compile(expression)(x).sum(), x)
    stated = expression.derivative().evaluate(x.detach().numpy())
    np.testing.assert_allclose(slope.numpy(), stated, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("text", "slope"),
    [("relu(x)", 0), ("abs(x)", 0), ("leaky_relu(x)", 0.01), ("elu(x)", 1), ("sqrt_abs(x)", 0),
     ("max(x, 0)", 0.5), ("min(x, 0)", 0.5), ("heaviside(x)", 0), ("clip(x, 0, 1)", 1)],
)  # fmt: skip
def test_slopes_at_kinks_are_as_stated(text: str, slope: float) -> None:
    x = torch.zeros((), requires_grad=True)
    (found,) = torch.autograd.grad(compile(parse(text))(x), x)
    assert found.item() == pytest.approx(slope)


def saved(function: Any) -> list[torch.Tensor]:
    """Return the tensors that a computation keeps for its backward."""
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        function()
    return kept


@pytest.mark.parametrize("text", ["mish(x)", "x*tanh(softplus(x))*sin(x)**2 + gelu(x)", "x", "p0"])
def test_only_the_arguments_are_saved(text: str) -> None:
    expression = parse(text)
    arguments = [torch.randn(50, requires_grad=True)]
    arguments += [torch.ones((), requires_grad=True) for _ in expression.parameters]
    kept = saved(lambda: compile(expression)(*arguments))
    assert [tensor.data_ptr() for tensor in kept] == [arg.data_ptr() for arg in arguments]


def test_torch_itself_would_save_more() -> None:
    """The comparison that makes the test above mean something."""
    x = torch.randn(50, requires_grad=True)
    kept = saved(lambda: x * torch.tanh(torch.nn.functional.softplus(x)) * torch.sin(x) ** 2)
    assert len(kept) > 4


def test_no_gradient_is_computed_that_nobody_asked_for() -> None:
    kernel = compile(parse("p0*x + u"))
    x, u, p0 = torch.randn(5), torch.randn(5, requires_grad=True), torch.tensor(2.0)
    kernel(x, u, p0).sum().backward()
    assert u.grad is not None
    assert (x.grad, p0.grad) == (None, None)
    with torch.no_grad():
        assert not kernel(x, u, p0).requires_grad


def test_gradients_sum_over_what_was_broadcast() -> None:
    kernel = compile(parse("p0*x"))
    x, p0 = torch.arange(6.0).reshape(2, 3), torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
    kernel(x, p0).sum().backward()
    assert p0.grad is not None
    assert p0.grad.tolist() == [3.0, 5.0, 7.0]


def test_extreme_inputs_have_finite_gradients() -> None:
    """Where PyTorch's chain through log(1 + exp(x)) would be NaN."""
    x = torch.tensor([-1e30, -200.0, -89.0, 89.0, 200.0, 1e30], requires_grad=True)
    for name, formula in KNOWN.items():
        expression = parse(formula)
        parameters = [torch.ones(()) for _ in expression.parameters]
        (slope,) = torch.autograd.grad(compile(expression)(x, *parameters).sum(), x)
        expected = x >= LOST_BELOW.get(name, -torch.inf)
        assert torch.isfinite(slope).tolist() == expected.tolist(), name


@pytest.mark.parametrize(
    "text", ["max(x, p0*x); p0=0.25, per channel", "p1*x*sigmoid(p0*x); p0=1.5, per channel"]
)
@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 7), (2, 3, 3, 2)])
def test_parameters_of_channels_have_gradients(text: str, shape: tuple[int, ...]) -> None:
    activation = parse(text).module(n_channels=3).double()
    named = dict(activation.named_parameters())
    x = (
        torch.from_numpy(np.random.RandomState(0).uniform(0.2, 3, shape))
        * torch.tensor([1, -1, 1])[:, *(None for _ in shape[2:])]
    )
    values = [p.detach() + torch.tensor([0.0, 0.1, -0.1]) for p in named.values()]

    def compute(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        given = dict(zip(named, parameters, strict=True))
        result: torch.Tensor = torch.func.functional_call(activation, given, (x,))
        return result

    assert gradcheck(compute, [one.requires_grad_() for one in (x, *values)])
