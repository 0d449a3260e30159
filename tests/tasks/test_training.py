"""The loop: same seed, same numbers; candidates differ by their activation; it stops in time."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.tasks import Recipe, training
from actsearch.tasks.data import Split, TrainingData
from actsearch.tasks.initialisation import measured_gain
from actsearch.tasks.protocol import DIVERGED, OK, STOPPED
from actsearch.tasks.training import (
    Feed,
    Outcome,
    curve_steps,
    evaluate,
    fit,
    flip_and_crop,
    one_cycle,
    sample_order,
)
from tests.tasks.conftest import TinyNetwork, blob_data

RECIPE = Recipe(batch_size=32, learning_rate=0.02)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return blob_data()


class Spy(nn.Module):
    """An activation that notes the weights that it starts from and the signals it meets."""

    def __init__(self, function: Callable[[Tensor], Tensor] = torch.relu) -> None:
        super().__init__()
        self.function = function
        self.met: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.met.append(x.detach().clone())
        return self.function(x)


def run(data: TrainingData, make: Callable[[], nn.Module], **changes: Any) -> Outcome:
    options = {"recipe": RECIPE, "steps": 30, "seed": 0, **changes}
    return fit(make, options.pop("network", TinyNetwork), data, **options)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_learns(data: TrainingData, optimizer: str) -> None:
    rate = {"adamw": 0.02, "sgd": 0.1}[optimizer]
    recipe = Recipe(batch_size=32, optimizer=optimizer, learning_rate=rate)
    outcome = run(data, nn.ReLU, recipe=recipe, steps=80)
    assert outcome.status == OK
    assert outcome.score is not None
    assert outcome.score > 0.95
    assert outcome.metrics["validation_loss"] < 0.3
    assert [step for step, _, _ in outcome.curve] == list(range(10, 81, 10))
    losses = [loss for _, loss, _ in outcome.curve]
    assert losses[-1] < losses[0]
    assert outcome.metrics["train_loss"] == losses[-1]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("optimizer", "adam", "did you mean 'adamw'"),
        ("augmentation", "flip", "did you mean 'flip-crop'"),
        ("batch_size", 0, "batch_size must be 1 or more, got 0"),
    ],
)
def test_recipes_that_cannot_be(field: str, value: object, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Recipe(**{field: value})  # type: ignore[arg-type]


def test_the_score_is_of_the_validation_split(data: TrainingData) -> None:
    other_labels = Split(data.validation.inputs, (data.validation.labels + 1) % 3)
    twisted = dataclasses.replace(data, validation=other_labels)
    outcome = run(twisted, nn.ReLU, steps=80)
    assert outcome.score is not None
    assert outcome.score < 0.05
    assert outcome.metrics["train_loss"] < 0.3
    assert outcome.metrics["validation_loss"] > 1


def test_the_curve_looks_at_few_samples_and_the_score_at_all(data: TrainingData) -> None:
    few = Recipe(batch_size=32, learning_rate=1e-4, curve_samples=7)
    outcome = run(data, nn.ReLU, recipe=few)
    feed = Feed(data, torch.device("cpu"))
    expected = evaluate(outcome.network, feed, data.validation)
    assert (outcome.score, outcome.metrics["validation_loss"]) == expected
    assert outcome.score != evaluate(outcome.network, feed, data.validation, 7)[0]
    assert all(round(7 * accuracy, 9).is_integer() for _, _, accuracy in outcome.curve[:-1])


def test_seeds_decide_weights_and_batches(data: TrainingData) -> None:
    frozen = Recipe(batch_size=32, learning_rate=0.0)
    (w0, met0), (w1, met1) = (
        (next(o.network.parameters()).detach(), [loss for _, loss, _ in o.curve])
        for o in (run(data, nn.ReLU, recipe=frozen, seed=seed) for seed in (0, 1))
    )
    assert not torch.equal(w0, w1)
    assert met0 != met1


def test_large_gradients_are_bounded(data: TrainingData) -> None:
    start = run(data, nn.ReLU, recipe=Recipe(batch_size=32, learning_rate=0.0))
    tight = Recipe(batch_size=32, optimizer="sgd", learning_rate=0.1, clip_norm=1e-6)
    moved = run(data, nn.ReLU, recipe=dataclasses.replace(tight, weight_decay=0.0))
    for a, b in zip(start.network.parameters(), moved.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_weights_start_at_the_measured_gain(data: TrainingData) -> None:
    """With a rate of 0 the weights stay as they began."""
    recipe = Recipe(batch_size=32, learning_rate=0.0)
    relu, tanh = (
        [p.detach() for p in run(data, kind, recipe=recipe).network.parameters() if p.ndim == 2]
        for kind in (nn.ReLU, nn.Tanh)
    )
    ratio = measured_gain(nn.Tanh()) / measured_gain(nn.ReLU())
    assert abs(ratio - 1) > 0.1
    assert torch.equal(relu[0], tanh[0])
    for a, b in zip(relu[1:], tanh[1:], strict=True):
        torch.testing.assert_close(a * ratio, b)


def test_same_seed_same_numbers_whatever_came_before(data: TrainingData) -> None:
    first = run(data, nn.GELU)
    torch.manual_seed(99)
    torch.rand(5)
    run(data, nn.Tanh, seed=1)
    again = run(data, nn.GELU)
    assert (again.curve, again.metrics) == (first.curve, first.metrics)
    weights = [list(o.network.parameters()) for o in (first, again)]
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    assert run(data, nn.GELU, seed=1).curve != first.curve


def test_dropout_is_seeded_and_the_random_state_given_back(data: TrainingData) -> None:
    def network(make: Callable[[], nn.Module]) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 8), make(), nn.Dropout(0.5), nn.Linear(8, 3))

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = run(data, nn.ReLU, network=network)
    assert torch.equal(torch.rand(3), expected)
    assert run(data, nn.ReLU, network=network).metrics == one.metrics


def test_candidates_share_weights_and_batches(data: TrainingData) -> None:
    """The first layer's output comes before any activation, so it must be the same for all."""
    spies: list[list[Spy]] = []
    for function in (torch.relu, torch.tanh, lambda x: x * torch.sigmoid(x)):
        mine: list[Spy] = []

        def make(function: Any = function, mine: list[Spy] = mine) -> nn.Module:
            mine.append(Spy(function))
            return mine[-1]

        # with a rate of 0 the weights stay, so every batch can be compared
        recipe = Recipe(batch_size=32, learning_rate=0.0)
        run(data, make, recipe=recipe, steps=12)
        spies.append(mine)
    # the network has two places; a third module was made to measure the gain
    first_places = [max(mine, key=lambda spy: len(spy.met)) for mine in spies]
    signals = [[met for met in spy.met if len(met) == 32] for spy in first_places]
    assert len(signals[0]) == 12
    for other in signals[1:]:
        assert all(torch.equal(a, b) for a, b in zip(signals[0], other, strict=True))
    assert len({tuple(batch.flatten().tolist()) for batch in signals[0]}) == 12


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_stops_at_the_first_loss_that_is_not_finite(data: TrainingData, value: float) -> None:
    calls = []

    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(len(x))
            return x * value if calls.count(32) > 10 else torch.relu(x)

    outcome = run(data, Breaks, steps=1000)
    assert outcome.status == DIVERGED
    assert outcome.score is None
    assert calls.count(32) <= 12
    assert all(math.isfinite(v) for point in outcome.curve for v in point)


def test_validation_that_is_not_finite_is_divergence(data: TrainingData) -> None:
    class BreaksInEvaluation(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x) if self.training else x * math.nan

    assert run(data, BreaksInEvaluation).status == DIVERGED


def test_stops_at_the_deadline(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(training.time, "time", lambda: next(clock))
    outcome = run(data, nn.ReLU, steps=400, deadline=12.5)
    assert outcome.status == STOPPED
    assert outcome.score is None
    assert next(clock) == 14  # it looked 14 times: 52 steps, no more
    assert [step for step, _, _ in outcome.curve] == [50]


def test_deadline_in_the_future(data: TrainingData) -> None:
    assert run(data, nn.ReLU, deadline=time.time() + 1000).status == OK


def test_parameters_of_the_activation_learn_without_decay(data: TrainingData) -> None:
    recipe = Recipe(batch_size=32, learning_rate=0.02, weight_decay=10.0)
    outcome = run(data, nn.PReLU, recipe=recipe)
    assert set(outcome.metrics) == {"train_loss", "validation_loss", "weight[0]", "weight[1]"}
    assert all(outcome.metrics[f"weight[{k}]"] != 0.25 for k in (0, 1))
    optimizer = training.make_optimizer(
        outcome.network, [m for m in outcome.network.modules() if isinstance(m, nn.PReLU)], recipe
    )
    by_decay = {group["weight_decay"]: group["params"] for group in optimizer.param_groups}
    assert all(p.ndim >= 2 for p in by_decay[10.0])
    assert len(by_decay[10.0]) == 3
    assert len(by_decay[0.0]) == 5  # three biases, two slopes


def test_exceptions_are_passed_on(data: TrainingData) -> None:
    class Raises(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(data, Raises)


@given(steps=st.integers(1, 2000), warmup=st.floats(0, 1))
def test_one_cycle_rises_and_falls(steps: int, warmup: float) -> None:
    shares = [one_cycle(step, steps, warmup) for step in range(1, steps + 1)]
    assert all(0 < share <= 1 + 1e-12 for share in shares)
    peak = shares.index(max(shares))
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)
    assert max(shares) > 0.49  # the peak may lie between two steps


@given(
    n=st.integers(1, 60), batch=st.integers(1, 40), steps=st.integers(1, 12), seed=st.integers(0, 9)
)
def test_every_epoch_is_a_permutation(n: int, batch: int, steps: int, seed: int) -> None:
    order = sample_order(n, batch, steps, torch.Generator().manual_seed(seed))
    assert order.shape == (steps, batch)
    flat = order.flatten().tolist()
    for start in range(0, len(flat) - n + 1, n):
        assert sorted(flat[start : start + n]) == list(range(n))
    rest = flat[len(flat) // n * n :]
    assert len(set(rest)) == len(rest)


@given(steps=st.integers(1, 500), n_points=st.integers(1, 12))
def test_curve_ends_at_the_last_step(steps: int, n_points: int) -> None:
    points = curve_steps(steps, n_points)
    assert max(points) == steps
    assert min(points) >= 1
    assert len(points) == min(steps, n_points)


def test_flip_and_crop_moves_pixels_and_draws_from_the_seed() -> None:
    images = torch.arange(1.0, 1 + 40 * 3 * 8 * 8).reshape(40, 3, 8, 8)
    moved = flip_and_crop(images, torch.Generator().manual_seed(0), padding=2)
    assert moved.shape == images.shape
    assert torch.equal(moved, flip_and_crop(images, torch.Generator().manual_seed(0), padding=2))
    padded = nn.functional.pad(images, (2,) * 4)
    found = set()
    for k in range(40):
        matches = [
            (flip, dy, dx)
            for flip, source in ((False, padded), (True, padded.flip(3)))
            for dy in range(5)
            for dx in range(5)
            if torch.equal(source[k, :, dy : dy + 8, dx : dx + 8], moved[k])
        ]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) > 20
    assert {flip for flip, _, _ in found} == {False, True}


def test_feed_standardises(data: TrainingData) -> None:
    inputs, labels = Feed(data, torch.device("cpu")).train_batch(torch.arange(len(data.train)))
    torch.testing.assert_close(inputs.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.std(0, unbiased=False), torch.ones(2), atol=1e-5, rtol=0)
    assert labels.dtype == torch.int64
