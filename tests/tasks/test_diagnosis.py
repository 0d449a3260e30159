"""Looks into layers: measures against a computation by hand, and scores that they don't move."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from actsearch.errors import BadInput
from actsearch.tasks import Training
from actsearch.tasks.data import TrainingData
from actsearch.tasks.depth import MAX_DEPTH, deepened, takes_depth
from actsearch.tasks.diagnosis import (
    MEASURES,
    NO_LIMITS,
    LayerLook,
    Looks,
    look_into,
    looking_steps,
)
from actsearch.tasks.goals import CLASSIFICATION
from actsearch.tasks.initialisation import measured_gain
from actsearch.tasks.networks import CNN, MLP
from actsearch.tasks.protocol import DIVERGED, NO_SIGNAL, OK
from actsearch.tasks.recipe import Recipe
from actsearch.tasks.shipped import shipped_task
from actsearch.tasks.training import Observer, fit
from actsearch.tasks.units import FormulaFactory, MakeActivation, Noting
from tests.tasks.conftest import TinyNetwork, blob_data, tiny_task

TARGETS = torch.arange(40) % 3


def batch() -> Tensor:
    return torch.randn(40, 2, generator=torch.Generator().manual_seed(0))


def looked_into(
    make: Callable[[], nn.Module], change: Callable[[nn.Module], None] = lambda _: None
) -> list[LayerLook]:
    torch.manual_seed(0)
    factory = Noting(make)
    network = TinyNetwork(factory)
    with torch.no_grad():
        change(network)
    return look_into(network, factory.built, batch(), TARGETS, CLASSIFICATION)


def test_measures_are_those_computed_by_hand() -> None:
    looks = looked_into(nn.ReLU)
    torch.manual_seed(0)
    network = TinyNetwork(nn.ReLU)
    one = torch.relu(network.layers[0](batch()))
    two = torch.relu(network.layers[2](one))
    # Of each sample's own loss, so a sum and not a mean.
    loss = cross_entropy(network.layers[4](two), TARGETS, reduction="sum")
    gradients = torch.autograd.grad(loss, [one, two])
    for place, (look, output, gradient) in enumerate(
        zip(looks, (one, two), gradients, strict=True)
    ):
        output = output.detach().double()
        assert look.position == place
        assert look.gradient == pytest.approx(math.sqrt(float((gradient**2).mean())), rel=1e-4)
        assert look.output_mean == pytest.approx(float(output.mean()), rel=1e-6)
        assert look.output_deviation == pytest.approx(float(output.std(correction=0)), rel=1e-6)
        assert look.zeros == float((output == 0).double().mean())
        limit = 1e-3 * math.sqrt(float((output**2).mean()))
        assert look.near_zero == float((output.abs() <= limit).double().mean())
        assert look.dead_units == float((output == 0).all(0).double().mean())
    assert 0 < looks[0].zeros < 1


def test_zeros_and_what_is_next_to_them_are_counted() -> None:
    class Nearly(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            out = x + x.sign()
            out[:10], out[10:30] = 0.0, 1e-6
            return out

    for look in looked_into(Nearly):
        assert look.zeros == pytest.approx(0.25)
        assert look.near_zero == pytest.approx(0.75)


def test_a_dead_layer_a_saturated_one_and_vanishing_gradients_are_seen() -> None:
    def off(network: nn.Module) -> None:
        network.get_parameter("layers.2.bias")[:6] = -100.0  # of 8 units

    looks = looked_into(nn.ReLU, off)
    assert looks[1].dead_units >= 0.75
    assert looks[1].zeros >= 0.75

    def all_off(network: nn.Module) -> None:
        network.get_parameter("layers.2.bias").fill_(-100.0)

    first, last = looked_into(nn.ReLU, all_off)
    assert (first.dead_units, last.dead_units, first.gradient) == (1.0, 1.0, 0.0)
    assert last.gradient > 0
    assert math.isnan(first.saturated), "there is nothing to judge by"
    assert last.saturated == 1.0

    def steep(network: nn.Module) -> None:
        network.get_parameter("layers.2.weight").mul_(1e4)

    assert looked_into(nn.Sigmoid)[1].saturated == 0
    assert looked_into(nn.Sigmoid, steep)[1].saturated > 0.95

    def faint(network: nn.Module) -> None:
        network.get_parameter("layers.2.weight").mul_(1e-6)

    plain, vanishing = looked_into(nn.Tanh), looked_into(nn.Tanh, faint)
    assert plain[0].gradient / plain[1].gradient > 0.01
    assert 0 < vanishing[0].gradient / vanishing[1].gradient < 1e-5


class Dropping(TinyNetwork):
    """Draws random numbers and keeps statistics while it trains."""

    def __init__(self, make_activation: MakeActivation) -> None:
        super().__init__(make_activation)
        self.layers = nn.Sequential(*self.layers, nn.BatchNorm1d(3), nn.Dropout(0.3))


@pytest.mark.parametrize("network", [TinyNetwork, Dropping])
def test_looks_move_no_score_and_no_weight(network: Any) -> None:
    task = tiny_task(network=network)
    asked = Training("x*sigmoid(p0*x)", "full", 3)
    plain = task.train_one(asked)
    looks = Looks((0, 1, 7, 40))
    watched = task.train_one(asked, observer=looks)
    assert (plain.status, plain.score, plain.curve) == (OK, watched.score, watched.curve)
    assert plain.metrics == watched.metrics
    keys = {f"{name}[{k}]@{s}" for name in MEASURES for k in (0, 1) for s in (0, 1, 7, 40)}
    assert set(looks.metrics) == keys
    assert looks.metrics["output_mean[0]@0"] != looks.metrics["output_mean[0]@40"]


def test_an_observer_is_asked_at_its_steps_alone() -> None:
    class Asked(Observer):
        steps = frozenset({0, 2, 5, 99})
        seen: list[int]

        def look(self, step: int, network: nn.Module, *_: Any) -> None:
            self.seen.append(step)
            assert network.training

    asked = Asked()
    asked.seen = []
    tiny_task(steps=5).train_one(Training("relu(x)", "full", 0), observer=asked)
    assert asked.seen == [0, 2, 5]


def test_the_look_at_the_start_is_at_the_initial_weights() -> None:
    data, factory = blob_data(), FormulaFactory("tanh(x)")
    looks, recipe = Looks((0,)), Recipe(batch_size=32, learning_rate=0.02)
    short, long = (
        fit(factory, TinyNetwork, data, recipe, steps=n, seed=1, observer=looks) for n in (1, 9)
    )
    first = dict(looks.metrics)
    assert short.status == long.status == OK
    other = Looks((0,))
    fit(factory, TinyNetwork, data, recipe, steps=9, seed=2, observer=other)
    assert first == looks.metrics != other.metrics


def started_with(gain: float | None, formula: str = "sigmoid(x)", **more: Any) -> list[Tensor]:
    """Return the weights after a step that moves nothing."""
    recipe = Recipe(batch_size=32, learning_rate=1e-30)
    network = fit(
        FormulaFactory(formula), TinyNetwork, blob_data(), recipe, steps=1, seed=0, gain=gain,
        **more,
    ).network  # fmt: skip
    return [p.detach() for p in network.parameters() if p.ndim == 2]


def test_a_gain_that_is_given_takes_the_place_of_the_measured_one() -> None:
    measured, plain, he = started_with(None), started_with(1.0), started_with(math.sqrt(2))
    gain = measured_gain(nn.Sigmoid())
    assert torch.equal(measured[0], plain[0])
    for layer in (1, 2):
        torch.testing.assert_close(measured[layer], gain * plain[layer])
        torch.testing.assert_close(he[layer], math.sqrt(2) * plain[layer])
    for layer, weights in enumerate(started_with(1.0, "relu(x)")):
        assert torch.equal(weights, plain[layer])


def test_a_training_that_is_given_up_keeps_what_was_seen() -> None:
    def run(formula: str, **changes: Any) -> tuple[str, Looks]:
        looks = Looks((0, 1, 2, 40))
        record = tiny_task(**changes).train_one(Training(formula, "full", 0), observer=looks)
        return record.status, looks

    status, looks = run("1e-9*relu(x)")
    assert status == NO_SIGNAL
    assert {key.split("@")[1] for key in looks.metrics} == {"0"}
    status, looks = run("1e-9*relu(x)", recipe=Recipe(learning_rate=0.02, signal=NO_LIMITS))
    assert status == OK
    status, looks = run("exp(exp(x))")
    assert status in {DIVERGED, NO_SIGNAL}
    assert all(math.isfinite(value) for value in looks.metrics.values())


@given(st.integers(1, 10_000), st.integers(2, 60))
def test_steps_to_look_at_begin_with_0_and_end_with_the_last(steps: int, n_points: int) -> None:
    found = looking_steps(steps, n_points)
    assert (found[0], found[-1]) == (0, steps)
    assert list(found) == sorted(set(found))
    assert len(found) <= n_points
    assert 1 in found or n_points == 2


def n_activations(build: Callable[..., nn.Module], **settings: Any) -> tuple[nn.Module, int]:
    factory = Noting(nn.ReLU)
    network = build(factory, **settings)
    return network, len(factory.built)


def test_networks_are_as_deep_as_they_are_told() -> None:
    network, n = n_activations(MLP, n_inputs=6, hidden=(8, 4), depth=5)
    assert n == 5
    assert [m.out_features for m in network.modules() if isinstance(m, nn.Linear)] == [8] * 5 + [10]
    settings = {"shape": (1, 20), "convolutions": ((4, 5, 2), (6, 3, 2)), "pool": "none"}
    shallow, n = n_activations(CNN, **settings)
    assert n == 2
    deep, n = n_activations(CNN, **settings, depth=6)
    assert n == 6
    assert deep(torch.zeros(3, 1, 20)).shape == (3, 10)
    kept, further = (
        [m for m in one.modules() if isinstance(m, nn.Conv1d)] for one in (shallow, deep)
    )
    assert [str(one) for one in kept] == [str(one) for one in further[:2]]
    assert {str(one) for one in further[2:]} == {str(nn.Conv1d(6, 6, 3, stride=1, padding=1))}
    assert str(n_activations(CNN, **settings, depth=2)[0]) == str(shallow)


def test_tasks_are_made_deeper_or_refused() -> None:
    for name in ("mnist1d-mlp", "mnist1d-cnn", "mnist-cnn", "cifar10-cnn4", "keywords"):
        task = shipped_task(name)
        assert takes_depth(task.network)
        assert deepened(task, 7).n_places == 7
        assert task.inputs == deepened(task, 7).inputs
    for depth in (0, -1, MAX_DEPTH + 1):
        with pytest.raises(BadInput, match=f"from 1 to {MAX_DEPTH} layers, got {depth}"):
            deepened(shipped_task("mnist1d-mlp"), depth)
    with pytest.raises(BadInput, match=r"mnist1d-cnn.*can't be built.*3 or more, got 2"):
        deepened(shipped_task("mnist1d-cnn"), 2)
    with pytest.raises(BadInput, match="network of task 'mdn' takes no depth; take another"):
        deepened(shipped_task("mdn"), 4)


def test_a_network_of_ones_own_is_made_deeper_by_its_argument() -> None:
    def build(make_activation: MakeActivation, *, depth: int = 1) -> nn.Module:
        if depth > 3:
            raise ValueError("only three of\x1b[31m them")
        layers = [nn.Sequential(nn.Linear(2, 2), make_activation()) for _ in range(depth)]
        return nn.Sequential(*layers[: depth - 1], nn.Linear(2, 3))

    task = tiny_task(network=build)
    assert deepened(task, 3).n_places == 3
    with pytest.raises(BadInput, match=r"can't be built with depth 4: only three of"):
        deepened(task, 4)

    def none(make_activation: MakeActivation, *, depth: int = 1) -> nn.Module:
        return nn.Linear(2, 3)

    with pytest.raises(BadInput, match="has no activation at depth 2"):
        deepened(tiny_task(network=none), 2)


def test_the_loop_works_on_data_of_its_own() -> None:
    """A look takes as many samples as there are, up to its batch."""
    data: TrainingData = blob_data()
    looks = Looks((0,))
    fit(
        FormulaFactory("relu(x)"), TinyNetwork, data, Recipe(batch_size=32), steps=1, seed=0,
        observer=looks,
    )  # fmt: skip
    assert looks.metrics["dead_units[0]@0"] in {k / 8 for k in range(9)}
