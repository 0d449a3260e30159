"""The signal probe: measures against a computation by hand, and who passes and who does not."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from actsearch.expressions import KNOWN
from actsearch.tasks import Recipe
from actsearch.tasks.protocol import NO_SIGNAL, OK
from actsearch.tasks.shipped import shipped_task
from actsearch.tasks.signal import (
    DEFAULT_LIMITS,
    PERCENTILES,
    LayerSignal,
    Signal,
    fault,
    percentiles,
    probing,
)
from actsearch.tasks.training import fit
from actsearch.tasks.units import FormulaFactory, Noting, Unit, unit
from tests.tasks.conftest import TinyNetwork, blob_data


def measured(network: nn.Module, activations: list[nn.Module], inputs: Tensor) -> Signal:
    with probing(activations) as probe:
        loss = cross_entropy(network(inputs), torch.arange(len(inputs)) % 3)
    loss.backward()
    return probe.signal(float(loss.detach()))


def batch(n: int = 40) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_measures_are_right() -> None:
    places: list[nn.Module] = []

    def make() -> nn.Module:
        places.append(nn.Tanh())
        return places[-1]

    network, inputs = TinyNetwork(make), batch()
    with torch.no_grad():
        next(network.parameters()).mul_(4.0)  # for some saturation
    signal = measured(network, places, inputs)

    one = network.layers[0](inputs)
    out = torch.tanh(one)
    two = network.layers[2](out)
    last = torch.tanh(two)
    loss = cross_entropy(network.layers[4](last), torch.arange(40) % 3)
    gradients = torch.autograd.grad(loss, [out, last])
    assert signal.loss == pytest.approx(float(loss.detach()))
    assert [layer.position for layer in signal.layers] == [0, 1]
    for layer, output, gradient in zip(signal.layers, (out, last), gradients, strict=True):
        output = output.detach()
        assert layer.output_mean == pytest.approx(float(output.mean()), rel=1e-4)
        assert layer.output_variance == pytest.approx(float(output.var(correction=0)), rel=1e-4)
        assert layer.gradient_variance == pytest.approx(float(gradient.var(correction=0)), rel=1e-4)
        slopes = 1 - output**2
        assert layer.saturated == pytest.approx(float((slopes < 0.01).float().mean()))
        assert layer.dead_units == 0
    assert signal.layers[0].saturated > 0
    assert set(signal.metrics()) >= {"dead_units[0]", "saturated[1]", "gradient_variance[1]"}
    assert signal.metrics()["output_mean[1]"] == signal.layers[1].output_mean


@pytest.mark.parametrize("positions", [(), (5,), (3, 4)])
def test_dead_units_are_channels_without_gradient_in_any_sample(positions: tuple[int, ...]) -> None:
    relu = nn.ReLU()
    inputs = torch.rand(12, 4, *positions).requires_grad_()
    shift = torch.zeros(4, *(1,) * len(positions))
    shift[1] = -2.0  # below 0 for all samples
    with probing([relu]) as probe:
        outputs = relu(inputs + shift)
    # channel 2 lives in one sample alone
    weights = torch.ones_like(outputs)
    weights[1:, 2] = 0
    (outputs * weights).sum().backward()
    (layer,) = probe.signal(0.0).layers
    assert layer.dead_units == 0.25
    n_reached = 12 + 12 + 12 + 1
    assert layer.saturated == pytest.approx(12 / n_reached)


def test_hooks_go_and_numbers_stay() -> None:
    def gradients(probed: bool) -> list[Tensor]:
        torch.manual_seed(1)
        places: list[nn.Module] = []

        def make() -> nn.Module:
            places.append(nn.GELU())
            return places[-1]

        network = TinyNetwork(make)
        if probed:
            measured(network, places, batch())
            assert all(not place._forward_hooks for place in places)
        else:
            cross_entropy(network(batch()), torch.arange(40) % 3).backward()
        assert torch.rand(()) == expected
        return [p.grad for p in network.parameters() if p.grad is not None]

    torch.manual_seed(1)
    TinyNetwork(nn.GELU)
    expected = torch.rand(())
    for a, b in zip(gradients(True), gradients(False), strict=True):
        assert torch.equal(a, b)


def test_hooks_go_when_the_network_raises() -> None:
    relu = nn.ReLU()
    with pytest.raises(ZeroDivisionError), probing([relu]):
        raise ZeroDivisionError
    assert not relu._forward_hooks


def test_what_does_not_take_part_is_left_out() -> None:
    used, unused, of_data = nn.ReLU(), nn.ReLU(), nn.ReLU()
    network = nn.Sequential(of_data, nn.Linear(2, 6), used, nn.Linear(6, 3))
    signal = measured(network, [of_data, unused, used], batch())
    assert [layer.position for layer in signal.layers] == [0, 2]
    # no gradient is asked for before the first linear layer, so nothing is known of its slope
    assert (signal.layers[0].dead_units, signal.layers[0].saturated) == (0, 0)


GOOD = LayerSignal(0, 0.3, 0.5, 1e-5, 0.1, 0.4)


def with_last(**changes: Any) -> Signal:
    return Signal((GOOD, dataclasses.replace(GOOD, position=1, **changes)), 2.3)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (dataclasses.replace(with_last(), loss=math.nan), "the loss on the first batch is nan"),
        (with_last(output_variance=math.inf), "the output variance in activation layer 1 is inf"),
        (with_last(gradient_variance=math.nan), "the gradient variance in activation layer 1"),
        (with_last(dead_units=0.99), "99% of the units in activation layer 1 get no gradient"),
        (with_last(output_variance=0.0), r"last activation layer don't vary \(all 0.3\)"),
        (with_last(output_variance=8e-14), "don't vary"),
        (with_last(gradient_variance=0.0), "no gradient reaches"),
        (with_last(gradient_variance=11.0), "gradients vanish .*: 9.1e-07 is left"),
        (with_last(gradient_variance=9e-14), r"gradients explode .*: 1.1e\+08 times"),
    ],
)
def test_faults(signal: Signal, says: str) -> None:
    reason = fault(signal, DEFAULT_LIMITS)
    assert reason is not None
    with pytest.raises(ValueError, match=says):
        raise ValueError(reason)


@pytest.mark.parametrize(
    "signal",
    [
        with_last(),
        with_last(dead_units=0.98),
        with_last(output_variance=1e-12),
        with_last(gradient_variance=9.0),
        with_last(gradient_variance=2e-13),
        Signal((), 1.0),
    ],
)
def test_no_faults(signal: Signal) -> None:
    assert fault(signal, DEFAULT_LIMITS) is None


def test_limits_are_the_recipes() -> None:
    assert fault(with_last(dead_units=0.5), DEFAULT_LIMITS) is None
    strict = dataclasses.replace(DEFAULT_LIMITS, dead_units=0.5)
    assert fault(with_last(dead_units=0.5), strict) is not None


def status_after_one_step(task_name: str, formula: str, seed: int) -> tuple[str, str]:
    task = shipped_task(task_name)
    outcome = fit(
        FormulaFactory(formula),
        task.network,
        task.open_data(),
        task.recipe,
        steps=1,
        seed=seed,
        brief=True,
    )
    return outcome.status, outcome.message


@pytest.mark.slow
@pytest.mark.parametrize("task", ["mnist1d-mlp", "mnist1d-cnn"])
@pytest.mark.parametrize("name", KNOWN)
def test_every_known_activation_passes(task: str, name: str) -> None:
    assert [status_after_one_step(task, KNOWN[name], seed) for seed in (0, 1)] == [(OK, "")] * 2


@pytest.mark.slow
@pytest.mark.parametrize("task", ["mnist1d-mlp", "mnist1d-cnn"])
@pytest.mark.parametrize(
    "formula", ["sign(x)", "relu(x - 9)", "exp(x*x)*exp(exp(x))", "exp(exp(x))", "1e-20*sin(x)"]
)
def test_these_do_not(task: str, formula: str) -> None:
    status, message = status_after_one_step(task, formula, 0)
    assert status == NO_SIGNAL
    assert message


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (torch.sign, "100% of the units in activation layer 0"),
        (lambda x: x * math.inf, "the loss on the first batch is nan"),
        (lambda x: 1e-9 * torch.sin(x), "gradients vanish"),
    ],
)
def test_ends_a_training(function: Callable[[Tensor], Tensor], says: str) -> None:
    class Of(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return function(x)

    outcome = fit(Of, TinyNetwork, blob_data(), Recipe(), steps=30, seed=0)
    assert outcome.status == NO_SIGNAL
    assert says in outcome.message


@pytest.mark.parametrize("formula", ["relu(u)", "max(x, u)", "relu(x)*u", "relu(x) + 0*u"])
def test_a_unit_is_dead_where_no_input_of_it_gets_a_gradient(formula: str) -> None:
    noting = Noting(FormulaFactory(formula))
    network = nn.Sequential(*unit(nn.Linear(2, 8), noting), nn.Linear(8, 3))
    (layer,) = (one for one in network.modules() if isinstance(one, Unit))
    assert layer.second is not None
    with torch.no_grad():
        # Of the last four units x is below zero and below u always, of the first four never.
        layer.projection.get_parameter("bias").copy_(torch.tensor([20.0] * 4 + [-30.0] * 4))
        layer.second.get_parameter("bias").copy_(torch.tensor([-10.0] * 8))
    signal = measured(network, noting.built, batch()).layers[0]
    dead = {"relu(u)": 1.0, "max(x, u)": 0.0, "relu(x)*u": 0.5, "relu(x) + 0*u": 0.5}
    assert signal.dead_units == dead[formula]


def test_preactivations_are_kept_where_asked_for() -> None:
    relu = nn.ReLU()
    inputs = torch.randn(300, 64, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 + 1
    for asked in (False, True):
        with probing([relu], keeps_inputs=asked) as probe:
            relu(inputs.requires_grad_()).sum().backward()
        (layer,) = probe.signal(0.0).layers
        assert bool(layer.preactivations) == asked
    exact = torch.quantile(inputs.flatten()[:1_000_000].detach().double(), 0.975)
    assert layer.preactivations[97.5] == pytest.approx(float(exact), abs=0.1)
    assert layer.preactivations[50] == pytest.approx(1.0, abs=0.05)
    metrics = Signal((layer,), 0.0).metrics()
    assert metrics["preactivation_p97.5[0]"] == layer.preactivations[97.5]
    assert list(layer.preactivations) == list(PERCENTILES)


def test_percentiles_of_few_odd_and_infinite_values() -> None:
    assert percentiles(torch.full((3,), math.nan)) == {}
    assert percentiles(torch.tensor([math.inf, 2.0]))[50] == 2.0
    # Channels of different means: a stride that fell upon one of them would tell of it alone.
    channels = torch.arange(64.0).reshape(1, 64, 1).expand(1024, 64, 16)
    assert percentiles(channels)[50] == pytest.approx(31.5, abs=0.6)
