"""The measured gain against closed forms, and weights that only the seed and one factor decide."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.expressions import KNOWN, Layered, parse, parse_candidate
from actsearch.kernels import module
from actsearch.tasks.initialisation import (
    GAIN_LIMITS,
    gains_behind,
    initialise,
    measured_gain,
    scale_to_batch,
)
from actsearch.tasks.networks import CNN, MLP
from actsearch.tasks.units import FormulaFactory, LayeredFactory, Noting


class Of(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize(
    ("formula", "moment"),
    [
        ("relu(x)", 1 / 2),
        ("abs(x)", 1.0),
        ("x*x", 3.0),
        ("x**3", 15.0),
        ("sin(x)", (1 - math.exp(-2)) / 2),
        ("cos(x)", (1 + math.exp(-2)) / 2),
        ("exp(x)", math.exp(2)),
        ("exp(-x*x)", 1 / math.sqrt(5)),
        ("p0*x", 1.0),  # a parameter counts at its initial value, 1
    ],
)
def test_gain_is_right(formula: str, moment: float) -> None:
    assert measured_gain(module(parse(formula))) == pytest.approx(moment**-0.5, rel=1e-4)


@pytest.mark.parametrize(
    ("formula", "moment"),
    [
        ("x*u", 1.0),
        ("relu(x)*u", 1 / 2),
        ("max(x, u)", 1.0),  # max has mean 1 / sqrt(pi) and variance 1 - 1 / pi
        ("x*sin(u)", (1 - math.exp(-2)) / 2),
        ("x**2*u", 3.0),
    ],
)
def test_gain_is_right_for_two_projections(formula: str, moment: float) -> None:
    assert measured_gain(module(parse(formula))) == pytest.approx(moment**-0.5, rel=1e-3)


def test_gain_is_that_of_one_channel_where_there_are_several() -> None:
    assert measured_gain(module(parse("p0*relu(x)"), n_channels=1)) == measured_gain(
        module(parse("relu(x)"))
    )


@pytest.mark.parametrize("formula", ["relu(x)*o", "x*sqrt_abs(o)", "relu(x)", "x*u*o"])
def test_a_batch_scales_what_no_expectation_tells(formula: str) -> None:
    rng = torch.Generator().manual_seed(0)
    inputs = (torch.rand(300, 200, generator=rng) < 0.1).float()
    network = MLP(FormulaFactory(formula), n_inputs=200, hidden=(100, 100))
    scale = float(inputs.square().mean().sqrt())
    initialise(network, 1.0, rng, torch.Generator().manual_seed(1), input_scale=scale)
    first = [p.detach().clone() for p in network.layers[1].parameters()]
    scale_to_batch(network, inputs)
    assert all(map(torch.equal, first, network.layers[1].parameters()))
    logits = network(inputs).detach()
    assert float(logits.square().mean().sqrt()) == pytest.approx(1.0, rel=0.6)


def test_where_nothing_comes_through_the_weights_stay() -> None:
    network = MLP(FormulaFactory("relu(x)*o"), n_inputs=3, hidden=(4,))
    before = [p.detach().clone() for p in network.parameters()]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    scale_to_batch(network, torch.zeros(5, 3))
    for old, new in zip(before, network.parameters(), strict=True):
        assert new.ndim == 1 or torch.equal(old, new)


def test_gain_of_leaky_relu_is_that_of_he() -> None:
    slope = 0.25
    expected = nn.init.calculate_gain("leaky_relu", slope)
    assert measured_gain(nn.LeakyReLU(slope)) == pytest.approx(expected, rel=1e-4)


@given(factor=st.floats(0.1, 10))
def test_gain_undoes_a_factor(factor: float) -> None:
    plain = measured_gain(Of(torch.tanh))
    assert measured_gain(Of(lambda z: factor * torch.tanh(z))) == pytest.approx(
        plain / factor, rel=1e-4
    )


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (torch.zeros_like, GAIN_LIMITS[1]),
        (lambda z: 1e-30 * z, GAIN_LIMITS[1]),
        (lambda z: 1e30 * z, GAIN_LIMITS[0]),
        (lambda z: z.new_full(z.shape, math.nan), 1.0),
        (lambda z: torch.where(z > 2, math.inf, z), pytest.approx(1.0, abs=0.2)),
    ],
)
def test_gain_stays_sane(function: Callable[[Tensor], Tensor], expected: object) -> None:
    assert measured_gain(Of(function)) == expected


def weights_of(network: nn.Module, gain: float, seed: int = 3) -> list[Tensor]:
    initialise(network, gain, torch.Generator().manual_seed(seed))
    return [p.detach().clone() for p in network.parameters()]


def test_base_weights_do_not_depend_on_the_candidate() -> None:
    def build() -> nn.Module:
        return MLP(nn.Identity, n_inputs=20, hidden=(30, 40))

    one, two = weights_of(build(), 1.0), weights_of(build(), 2.5)
    assert torch.equal(one[0], two[0])  # the first layer sees inputs, not activations
    for a, b in zip(one[2:], two[2:], strict=True):
        torch.testing.assert_close(2.5 * a, b)
    assert all(not bias.any() for bias in one[1::2])
    assert not torch.equal(weights_of(build(), 1.0, seed=4)[0], one[0])


@pytest.mark.parametrize("name", ["ReLU", "GELU", "Tanh", "ELU"])
def test_variance_stays_one_through_the_layers(name: str) -> None:
    activation = module(parse({k.lower(): v for k, v in KNOWN.items()}[name.lower()]))
    network = MLP(lambda: activation, n_inputs=256, hidden=(512,) * 4)
    initialise(network, measured_gain(activation), torch.Generator().manual_seed(0))
    z = torch.randn(400, 256, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for layer in network.layers:
            z = layer(z)
            if isinstance(layer, nn.Linear):
                assert float(z.square().mean()) == pytest.approx(1.0, abs=0.35)


def test_fan_in_of_convolutions() -> None:
    network = CNN(nn.Identity, shape=(16, 12, 12), convolutions=((64, 3, 1), (64, 5, 1)))
    first, _, second, *_ = weights_of(network, 3.0)
    assert float(first.std()) == pytest.approx((16 * 9) ** -0.5, rel=0.05)
    assert float(second.std()) == pytest.approx(3 * (64 * 25) ** -0.5, rel=0.05)


def test_own_layers_are_left_alone() -> None:
    norm, slope = nn.LayerNorm(4), nn.PReLU()
    network = nn.Sequential(nn.Linear(3, 4), norm, slope)
    initialise(network, 2.0, torch.Generator().manual_seed(0))
    assert torch.equal(norm.weight, torch.ones(4))
    assert float(slope.weight.detach()) == 0.25


def test_each_layer_has_the_gain_of_the_activation_before_it() -> None:
    candidate = parse_candidate("input: tanh(x) | hidden: 0.1*relu(x) | last: 7*sin(x)")
    assert isinstance(candidate, Layered)
    built = Noting(LayeredFactory(candidate, 3))
    network = MLP(built, n_inputs=300, hidden=(300, 300, 300))
    behind = gains_behind(LayeredFactory(candidate, 3), built.built)
    initialise(network, 99.0, torch.Generator().manual_seed(0), behind=behind)
    gains = [measured_gain(FormulaFactory(str(part)).sample()) for part in candidate.parts]
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    deviations = [float(layer.weight.detach().std()) * math.sqrt(300) for layer in layers]
    assert deviations == pytest.approx([1.0, *gains], rel=0.05)
    assert [str(one.expression) for one in built.built] == [str(p) for p in candidate.parts]


def test_one_formula_for_all_groups_trains_as_that_formula() -> None:
    plain = initialised("relu(x)")
    parts = Layered(tuple((group, parse("relu(x)")) for group in ("input", "last")))
    factory = LayeredFactory(parts, 2)
    built = Noting(factory)
    network = MLP(built, n_inputs=8, hidden=(6, 5))
    initialise(
        network, 1.0, torch.Generator().manual_seed(3), behind=gains_behind(factory, built.built)
    )
    for one, other in zip(plain.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def initialised(formula: str) -> nn.Module:
    factory = FormulaFactory(formula)
    network = MLP(factory, n_inputs=8, hidden=(6, 5))
    gain = measured_gain(factory.sample())
    initialise(network, gain, torch.Generator().manual_seed(3))
    return network


def test_more_groups_than_activations_are_refused() -> None:
    candidate = parse_candidate("input: tanh(x) | hidden: relu(x) | last: sin(x)")
    assert isinstance(candidate, Layered)
    with pytest.raises(BadInput, match="3 groups of layers, and the network has 2 activation"):
        LayeredFactory(candidate, 2)
