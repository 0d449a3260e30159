"""Mixture densities: the likelihood against scipy's, its gradient, what a bad scale comes to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import norm
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.expressions.known import KNOWN_SCALES, NAMED
from actsearch.tasks import TASKS, NetworkTask, Recipe, Training, load_task
from actsearch.tasks.datasets import inverse_sine, store
from actsearch.tasks.heldout import CONFIRM, held_out_task
from actsearch.tasks.initialisation import initialise, own_gain
from actsearch.tasks.joint import JointTask
from actsearch.tasks.known import known_of
from actsearch.tasks.mixture import (
    MIXTURE_DENSITY,
    TANH_GAIN,
    MixtureDensityNetwork,
    negative_log_likelihood,
    scales_at_fault,
)
from actsearch.tasks.networks import MLP
from actsearch.tasks.protocol import DIVERGED, NO_SIGNAL, OK, Task, names_channels
from actsearch.tasks.units import FormulaFactory
from tests.tasks.conftest import tiny_task
from tests.tasks.contract import TaskContract

N, KERNELS = 7, 3


def mixtures(seed: int, n_targets: int = 1, least_scale: float = 0.05) -> tuple[Tensor, Tensor]:
    """Make outputs (N, KERNELS, 2 + n_targets) with scales above 0, and targets, in float64."""
    rng = np.random.RandomState(seed)
    outputs = rng.randn(N, KERNELS, 2 + n_targets)
    outputs[..., 1] = least_scale + np.abs(outputs[..., 1])
    return torch.tensor(outputs), torch.tensor(rng.randn(N, n_targets))


def densities(outputs: Tensor, targets: Tensor) -> Any:
    """Return the density of each target as it is written in the paper, without logarithms."""
    logits, scales, means = (part.numpy() for part in outputs.split([1, 1, targets.shape[1]], 2))
    kernels = norm.pdf(targets.numpy()[:, None, :], means, scales).prod(axis=2)
    return (softmax(logits[..., 0], axis=1) * kernels).sum(axis=1)


@given(seed=st.integers(0, 10_000), n_targets=st.integers(1, 3))
def test_likelihood_is_that_of_the_density(seed: int, n_targets: int) -> None:
    outputs, targets = mixtures(seed, n_targets, least_scale=0.3)
    expected = -np.log(densities(outputs, targets))
    total = negative_log_likelihood(outputs, targets, reduction="sum")
    assert float(total) == pytest.approx(expected.sum(), rel=1e-9)
    assert float(negative_log_likelihood(outputs, targets)) == pytest.approx(expected.mean())


def test_a_density_integrates_to_one() -> None:
    outputs, _ = mixtures(3)
    points = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    likely = [
        math.exp(-float(negative_log_likelihood(outputs[:1], point.reshape(1, 1))))
        for point in points
    ]
    assert float(np.trapezoid(likely, points.numpy())) == pytest.approx(1.0, abs=1e-4)


def test_gradients_are_those_of_differences() -> None:
    outputs, targets = mixtures(5, n_targets=2)
    outputs.requires_grad_()
    assert torch.autograd.gradcheck(lambda o: negative_log_likelihood(o, targets), [outputs])


def test_a_density_far_below_what_a_float_holds_has_a_logarithm() -> None:
    outputs = torch.tensor([[[0.0, 0.01, 0.0]]])
    loss = float(negative_log_likelihood(outputs, torch.tensor([[10.0]])))
    expected = -norm.logpdf(10.0, 0.0, 0.01)
    assert expected > 1e5
    assert loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scale", [0.0, -0.0, -1e-30, -1.0])
@pytest.mark.parametrize("target", [0.0, 0.5])
def test_a_scale_that_is_not_above_zero_gives_no_likelihood(scale: float, target: float) -> None:
    """Be it one of many, and be the target just where its kernel is."""
    outputs = torch.tensor([[[0.0, 0.3, 0.1], [-5.0, scale, 0.5]]]).expand(4, 2, 3)
    loss = negative_log_likelihood(outputs, torch.full((4, 1), target))
    assert math.isnan(float(loss))
    assert scales_at_fault(outputs).startswith("4 of 8 scales are not above 0, the least ")
    assert scales_at_fault(outputs[:, :1]) == ""


def test_the_activation_is_called_for_once_and_makes_the_scales() -> None:
    made: list[nn.Module] = []

    def make() -> nn.Module:
        made.append(nn.Softplus())
        return made[-1]

    network = MixtureDensityNetwork(make, n_inputs=2, n_hidden=5, n_kernels=4, n_targets=3)
    assert len(made) == 1
    outputs = network(torch.randn(6, 2))
    assert outputs.shape == (6, 4, 5)
    hidden = torch.tanh(network.hidden(torch.zeros(1, 2)))
    scales = network(torch.zeros(1, 2))[0, :, 1]
    torch.testing.assert_close(scales, nn.functional.softplus(network.scales(hidden))[0])


def test_it_begins_with_the_gain_of_its_tanh_whatever_the_activation() -> None:
    assert own_gain(MLP(nn.ReLU, n_inputs=2, hidden=(3,))) is None
    network = MixtureDensityNetwork(nn.ELU, n_hidden=400, n_kernels=50)
    gain = own_gain(network)
    assert gain == TANH_GAIN
    initialise(network, gain, torch.Generator().manual_seed(0))
    assert float(network.scales.weight.detach().std()) == pytest.approx(TANH_GAIN / 20, rel=0.02)


def tiny_mdn(**changes: Any) -> NetworkTask:
    parts: dict[str, Any] = {
        "name": "mdn", "data": "inverse-sine", "network": MixtureDensityNetwork, "steps": 60,
        "goal": MIXTURE_DENSITY, "known": KNOWN_SCALES, "recipe": Recipe(learning_rate=0.01),
    }  # fmt: skip
    return NetworkTask(**(parts | changes))


class TestMdn(TaskContract):
    formulas = ("softplus(x)", "exp(p0*x)")
    diverging = "silu(x)"

    def make_task(self) -> Task:
        return tiny_mdn()


def test_its_records_tell_likelihoods_and_no_accuracy() -> None:
    (record,) = tiny_mdn().train([Training("exp(x)", "full", 0)])
    assert record.status == OK
    assert record.score == -record.metrics["validation_loss"]
    assert not [name for name in record.metrics if "accuracy" in name]
    assert {name for name in record.metrics if name.endswith("[0]")} >= {"output_mean[0]"}


@pytest.mark.parametrize("formula", ["x", "silu(x)", "-exp(x)", "x*x - 1", "relu(x)", "sin(x)"])
def test_what_is_not_above_zero_diverges_at_once(formula: str) -> None:
    (record,) = tiny_mdn().train([Training(formula, "full", 0)])
    assert (record.status, record.score, record.curve) == (DIVERGED, None, ())
    assert "scales are not above 0, the least" in record.message


def test_what_falls_below_zero_later_diverges_then() -> None:
    """At the start pre-activations are small; on the way one goes beyond 3."""
    recipe = Recipe(learning_rate=0.3)
    task = tiny_mdn(recipe=recipe, steps=400)
    (record,) = task.train([Training("relu(x + 6) - 0.01", "full", 0)])
    assert (record.status, record.score) == (DIVERGED, None)


def test_a_flat_scale_is_no_signal() -> None:
    (record,) = tiny_mdn().train([Training("1 + 0*x", "full", 0)])
    assert record.status == NO_SIGNAL


@pytest.mark.parametrize("formula", KNOWN_SCALES.values())
def test_every_known_scale_is_above_zero_and_begins_to_learn(formula: str) -> None:
    values = parse(formula).evaluate(np.linspace(-15, 15, 601), {})
    assert values.min() > 0
    (record,) = tiny_mdn(steps=30).train([Training(formula, "full", 0)])
    assert record.status == OK


def test_squareplus_is_what_it_is_called() -> None:
    x = np.linspace(-10, 10, 201)
    found = parse(KNOWN_SCALES["squareplus"]).evaluate(x, {})
    np.testing.assert_allclose(found, (x + np.sqrt(x**2 + 4)) / 2, rtol=1e-9)


def test_three_splits_of_the_inverse_sine() -> None:
    folder = store.converted("inverse-sine")
    seen: set[float] = set()
    for name in store.SPLITS:
        split = store.map_split(folder, name)
        n = inverse_sine.N_SAMPLES[name]
        x, t = split.inputs, split.targets
        assert x.shape == t.shape == (n, 1)
        assert x.dtype == t.dtype == np.dtype(np.float32)
        assert 0 <= t.min() < 0.01
        assert 0.99 < t.max() <= 1
        noise = x - (t + 0.3 * np.sin(2 * np.pi * t))
        assert np.abs(noise).max() <= 0.1 + 1e-6
        assert noise.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.05)
        seen |= set(t[:, 0].tolist())
    assert len(seen) > 8_900  # three samples, not one thrice
    data = store.open_training("inverse-sine")
    assert (data.n_classes, data.targets_settings) == (None, {"n_targets": 1})
    assert data.std[0] == pytest.approx(float(data.train.inputs.std()), rel=1e-4)


def test_targets_stay_as_they_are() -> None:
    data = store.open_training("inverse-sine")
    np.testing.assert_array_equal(data.train.targets, inverse_sine.generate()["train"].targets)


def test_held_out_it_is_scored_on_the_test_split() -> None:
    held = held_out_task(tiny_mdn())
    assert held.score_name == "test log-likelihood"
    assert held.settings()["test"]["n"] == inverse_sine.N_SAMPLES["test"]
    (record,) = held.train([Training("exp(x)", CONFIRM, 0)])
    (searched,) = tiny_mdn().train([Training("exp(x)", "full", 0)])
    assert record.curve == searched.curve
    assert record.score == -record.metrics["test_loss"] != searched.score
    assert record.metrics["validation_score"] == searched.score


def test_it_is_held_against_its_own_known_activations() -> None:
    task = load_task("mdn")
    assert known_of(task) == KNOWN_SCALES
    assert known_of(tiny_task()) == NAMED
    with pytest.raises(BadInput, match=r"'mdn' can't be one of several at once: .*give it alone"):
        JointTask([load_task("mnist1d-mlp"), task])
    with pytest.raises(BadInput, match="known: log-likelihood"):
        load_task("mdn@accuracy")


@pytest.mark.slow
class TestShipped(TaskContract):
    formulas = ("softplus(x)", "exp(p0*x)")
    diverging = "silu(x)"

    def make_task(self) -> Task:
        return load_task("mdn")


def test_scales_may_have_parameters_a_kernel() -> None:
    network = MixtureDensityNetwork(FormulaFactory("softplus(p0*x); per channel"), n_kernels=4)
    assert [one.numel() for one in network.scale_activation.parameters()] == [4]
    assert network(torch.zeros(5, 1)).shape == (5, 4, 3)
    # So do all tasks that ship.
    assert [name for name in TASKS if not names_channels(load_task(name))] == []
