"""Activations as modules: their parameters learn, travel and are saved."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

from actsearch.errors import BadInput
from actsearch.expressions import KNOWN, parse
from actsearch.kernels import ActivationModule, module

pytestmark = pytest.mark.usefixtures("backend")
PRELU = "max(x, p0*x)"
COPIES = pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)


def test_parameters_start_at_one_and_are_named_as_in_the_formula() -> None:
    activation = module(parse("p2*x + p0"))
    assert {name: p.item() for name, p in activation.named_parameters()} == {"p0": 1.0, "p2": 1.0}
    assert list(module(parse("relu(x)")).parameters()) == []


def test_parameters_learn() -> None:
    torch.manual_seed(0)
    activation = module(parse("p0*x*sigmoid(p1*x)"))
    x = torch.linspace(-4, 4, 200)
    target = 0.5 * x * torch.sigmoid(2.0 * x)
    optimiser = torch.optim.Adam(activation.parameters(), lr=0.1)
    for _ in range(600):
        optimiser.zero_grad()
        loss = (activation(x) - target).square().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 1e-5
    assert activation.get_parameter("p0").item() == pytest.approx(0.5, abs=0.01)
    assert activation.get_parameter("p1").item() == pytest.approx(2.0, abs=0.05)


def test_it_trains_inside_a_network() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), module(parse(PRELU)), nn.Linear(16, 1))
    x = torch.randn(64, 4)
    network(x).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@COPIES
def test_copies_work_and_are_their_own(
    copied: Callable[[ActivationModule], ActivationModule],
) -> None:
    activation = module(parse(PRELU))
    with torch.no_grad():
        activation.get_parameter("p0").fill_(0.25)
    twin = copied(activation)
    x = torch.tensor([-2.0, 3.0])
    assert twin(x).tolist() == activation(x).tolist() == [-0.5, 3.0]
    assert twin.expression == activation.expression
    with torch.no_grad():
        twin.get_parameter("p0").fill_(0.5)
    assert twin(x).tolist() == [-1.0, 3.0]
    assert activation(x).tolist() == [-0.5, 3.0]


def test_state_dict() -> None:
    activation = module(parse(PRELU))
    with torch.no_grad():
        activation.get_parameter("p0").fill_(0.125)
    fresh = module(parse(PRELU))
    assert list(activation.state_dict()) == ["p0"]
    fresh.load_state_dict(activation.state_dict())
    assert fresh(torch.tensor(-8.0)).item() == -1


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_it_moves_to_another_dtype(dtype: torch.dtype) -> None:
    activation = module(parse(PRELU))
    activation.load_state_dict({"p0": torch.tensor(0.25)})
    activation.to(dtype)
    y = activation(torch.tensor([-2.0, 3.0], dtype=dtype))
    y.sum().backward()
    p0 = activation.get_parameter("p0")
    assert p0.grad is not None
    assert (y.dtype, p0.dtype, p0.grad.item()) == (dtype, dtype, -2.0)


def test_one_set_of_parameters_a_module() -> None:
    one, other = module(parse(PRELU)), module(parse(PRELU))
    assert one.get_parameter("p0") is not other.get_parameter("p0")


@pytest.mark.parametrize("text", ["x*u", "o*relu(x)", "p0*u + o*x", "max(x, u)"])
def test_it_takes_what_the_formula_reads_in_order(text: str) -> None:
    activation = module(parse(text))
    values = {"x": 1.5, "u": -2.0, "o": 0.25}
    given = [torch.tensor([values[name]], dtype=torch.float64) for name in activation.inputs]
    expected = parse(text).evaluate([1.5], {"u": -2.0, "o": 0.25})
    assert activation(*given).tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(("text", "given"), [("x*u", 1), ("x*u + o", 2), ("relu(x)", 2)])
def test_too_few_or_too_many_inputs_are_refused(text: str, given: int) -> None:
    with pytest.raises(BadInput, match=rf"got {given} tensor.*units.unit"):
        module(parse(text))(*torch.zeros(given, 3))


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BadInput, match="unknown backend 'cuda'"):
        module(parse("relu(x)"), backend="cuda")
    with pytest.raises(BadInput, match="unknown backend"):
        parse("relu(x)").module("fast")


def test_it_is_shown_with_its_formula() -> None:
    assert repr(module(parse("x*sigmoid(p0*x)"))) == "ActivationModule(x*sigmoid(p0*x))"


TORCH = {
    "ReLU": nn.ReLU(),
    "Leaky ReLU": nn.LeakyReLU(),
    "ELU": nn.ELU(),
    "SELU": nn.SELU(),
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "Mish": nn.Mish(),
    "Hardswish": nn.Hardswish(),
    "Softplus": nn.Softplus(),
    "Softsign": nn.Softsign(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
}


@pytest.mark.parametrize("name", list(TORCH))
def test_known_functions_are_those_of_torch(name: str) -> None:
    x = torch.linspace(-12, 12, 2001, dtype=torch.float64, requires_grad=True)
    ours, theirs = module(parse(KNOWN[name]))(x), TORCH[name](x)
    # Its softplus is the identity above 20, and beyond 1e-8 nothing else differs.
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)
    slopes = [torch.autograd.grad(y.sum(), x)[0] for y in (ours, theirs)]
    off_kinks = (x.detach().abs() > 1e-9) & ((x.detach().abs() - 3).abs() > 1e-9)
    torch.testing.assert_close(slopes[0][off_kinks], slopes[1][off_kinks], rtol=1e-8, atol=1e-8)


def test_parameters_start_where_the_formula_says() -> None:
    activation = module(parse("p1*silu(p0*x) + p2; p2=-0.5, p0=1.5"))
    starts = {name: p.item() for name, p in activation.named_parameters()}
    assert starts == {"p0": 1.5, "p1": 1.0, "p2": -0.5}


@COPIES
def test_channels_have_values_of_their_own(
    copied: Callable[[ActivationModule], ActivationModule],
) -> None:
    activation = module(parse("max(x, p0*x); p0=0.25, per channel"), n_channels=3)
    p0 = activation.get_parameter("p0")
    assert p0.tolist() == [0.25] * 3
    x = torch.tensor([[-1.0, -2.0, -3.0], [1.0, -1.0, -4.0]])
    activation(x).sum().backward()
    assert p0.grad is not None
    assert p0.grad.tolist() == [-1.0, -3.0, -7.0]
    with torch.no_grad():
        p0.copy_(torch.tensor([0.0, 0.5, 2.0]))
    twin = copied(activation)
    assert twin.expression == activation.expression
    assert twin(x).tolist() == activation(x).tolist() == [[0.0, -1.0, -3.0], [1.0, -0.5, -4.0]]
    fresh = module(activation.expression, n_channels=3)
    fresh.load_state_dict(activation.state_dict())
    assert fresh(x[:, :, None]).tolist() == activation(x[:, :, None]).tolist()


def test_a_formula_per_channel_needs_their_number() -> None:
    with pytest.raises(BadInput, match=r"one value a channel, so .* n_channels=64"):
        parse("p0*tanh(x); per channel").module()


def test_it_is_shown_with_starts_and_channels() -> None:
    shown = repr(parse("p0*tanh(x); p0=2, per channel").module(n_channels=4))
    assert shown == "ActivationModule(p0*tanh(x); p0=2, per channel, n_channels=4)"
