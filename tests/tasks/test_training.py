"""The loop: same seed, same numbers; candidates differ by their activation; it stops in time."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from actsearch.expressions import parse
from actsearch.tasks import Recipe, training, watch
from actsearch.tasks.data import Split, TrainingData
from actsearch.tasks.feed import Feed, evaluate
from actsearch.tasks.goals import Measured
from actsearch.tasks.initialisation import measured_gain
from actsearch.tasks.protocol import DIVERGED, NO_SIGNAL, OK, PRUNED, STOPPED
from actsearch.tasks.recipe import make_optimizer
from actsearch.tasks.target import Target
from actsearch.tasks.training import Outcome, fit, learned_parameters
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


def test_the_score_is_of_the_validation_split(data: TrainingData) -> None:
    other_labels = Split(data.validation.inputs, (data.validation.targets + 1) % 3)
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
    expected = evaluate(outcome.network, feed)
    assert (outcome.score, outcome.metrics["validation_loss"]) == expected
    assert outcome.score != evaluate(outcome.network, feed, 7)[0]
    assert all(round(7 * accuracy, 9).is_integer() for _, _, accuracy in outcome.curve[:-1])


def test_a_brief_training_is_scored_by_fewer_samples(data: TrainingData) -> None:
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-4, curve_samples=11, short_samples=30)
    outcome = run(data, nn.ReLU, recipe=recipe, brief=True)
    feed = Feed(data, torch.device("cpu"))
    expected = evaluate(outcome.network, feed, 30)
    assert (outcome.score, outcome.metrics["validation_loss"]) == expected
    whole = run(data, nn.ReLU, recipe=recipe)
    assert whole.metrics["validation_loss"] == evaluate(outcome.network, feed)[1] != expected[1]


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
    assert {name for name in outcome.metrics if "weight" in name} == {"weight[0]", "weight[1]"}
    assert all(outcome.metrics[f"weight[{k}]"] != 0.25 for k in (0, 1))
    optimizer = make_optimizer(
        outcome.network, [m for m in outcome.network.modules() if isinstance(m, nn.PReLU)], recipe
    )
    decayed, biases, slopes = (group["params"] for group in optimizer.param_groups)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [10.0, 0.0, 0.0]
    assert all(p.ndim >= 2 for p in decayed)
    assert (len(decayed), len(biases), len(slopes)) == (3, 3, 2)


def test_parameters_of_the_activation_have_a_rate_of_their_own(data: TrainingData) -> None:
    moved = {}
    for rate in (0.0, 0.1, 1.0):
        recipe = Recipe(batch_size=32, learning_rate=0.02, parameter_rate=rate)
        (first, second) = (
            run(data, nn.PReLU, recipe=recipe, steps=1).metrics[f"weight[{k}]"] for k in (0, 1)
        )
        moved[rate] = abs(first - 0.25), abs(second - 0.25)
    assert moved[0.0] == (0.0, 0.0)
    for small, large in zip(moved[0.1], moved[1.0], strict=True):
        assert small == pytest.approx(0.1 * large, rel=1e-3)


def test_of_parameters_of_channels_mean_and_deviation_are_told() -> None:
    one, other = (parse("max(x, p0*x); per channel").module(n_channels=n) for n in (2, 1))
    one.load_state_dict({"p0": torch.tensor([0.0, 0.5])})
    assert learned_parameters([one, nn.ReLU(), nn.Sequential(other)]) == {
        "p0[0]": 0.25, "p0_sd[0]": 0.25, "p0[2]": 1.0,
    }  # fmt: skip


def test_exceptions_are_passed_on(data: TrainingData) -> None:
    class Raises(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(data, Raises)


def test_no_training_where_no_signal_comes_through(data: TrainingData) -> None:
    met: list[int] = []

    class Flat(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            met.append(len(x))
            return 0.0 * x + 1.0

    outcome = run(data, Flat)
    assert (outcome.status, outcome.score, outcome.curve) == (NO_SIGNAL, None, ())
    assert "activation layer 0" in outcome.message
    assert met.count(32) == 2  # one batch through two places


def test_a_pace_prunes_at_points_of_the_curve_alone(data: TrainingData) -> None:
    free = run(data, nn.ReLU, steps=80)
    steps = [step for step, _, _ in free.curve]
    assert steps == [10, 20, 30, 40, 50, 60, 70, 80]
    assert run(data, nn.ReLU, steps=80, pace=((11, 2.0), (39, 2.0))).curve == free.curve
    assert run(data, nn.ReLU, steps=80, pace=tuple((s, v) for s, _, v in free.curve)).score
    for k in (0, 3, 7):
        pruned = run(data, nn.ReLU, steps=80, pace=((10, 0.0), (steps[k], 1.01)))
        assert (pruned.status, pruned.score, pruned.metrics) == (PRUNED, None, {})
        assert pruned.curve == free.curve[: k + 1]
        assert "behind the pace, 1.01" in pruned.message


@pytest.mark.parametrize("metric", ["train-error", "train-loss"])
def test_ends_at_a_training_target(data: TrainingData, metric: str) -> None:
    """The mean over the last 100 batches, computed here again from what the network gave."""
    values: list[float] = []

    def network(make: Callable[[], nn.Module]) -> nn.Module:
        net = TinyNetwork(make)
        net.register_forward_hook(lambda _m, _i, logits: seen.append(logits.detach().clone()))
        return net

    seen: list[Tensor] = []
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-3, curve_points=1)
    options: dict[str, Any] = {"network": network, "recipe": recipe, "steps": 400, "brief": True}
    value = {"train-error": 0.3, "train-loss": 0.8}[metric]
    outcome = run(data, nn.ReLU, until=Target(metric, value), **options)
    reached = int(outcome.metrics["reached_step"])
    assert outcome.status == OK
    assert 100 < reached < 400
    assert outcome.curve[-1][0] == reached
    assert outcome.metrics["reached_s"] > 0

    order_rng = torch.Generator().manual_seed(1)
    order = training.sample_order(len(data.train), 32, 400, order_rng)
    for step in range(reached):
        labels = torch.from_numpy(data.train.targets)[order[step]]
        if metric == "train-error":
            values.append(float((seen[step].argmax(1) != labels).float().mean()))
        else:
            values.append(float(nn.functional.cross_entropy(seen[step], labels)))
    assert sum(values[-100:]) / 100 <= value + 1e-6
    assert sum(values[-101:-1]) / 100 > value - 1e-6

    feed = Feed(data, torch.device("cpu"))
    assert outcome.score == evaluate(outcome.network, feed)[0]


def test_ends_at_a_validation_target_and_scores_on_all_samples(data: TrainingData) -> None:
    recipe = dataclasses.replace(RECIPE, curve_samples=50)
    free = run(data, nn.ReLU, recipe=recipe, steps=80)
    k = next(k for k, (_, _, accuracy) in enumerate(free.curve) if accuracy >= 0.9)
    assert k < 7
    outcome = run(data, nn.ReLU, recipe=recipe, steps=80, until=Target("validation-error", 0.1))
    assert outcome.status == OK
    assert outcome.curve[:k] == free.curve[:k]
    assert outcome.metrics["reached_step"] == outcome.curve[-1][0] == free.curve[k][0]
    assert outcome.score == evaluate(outcome.network, Feed(data, torch.device("cpu")))[0]


def test_a_target_that_is_not_reached_leaves_no_trace(data: TrainingData) -> None:
    slow = dataclasses.replace(RECIPE, learning_rate=1e-5)
    free = run(data, nn.ReLU, recipe=slow, steps=120)
    for metric in ("train-error", "train-loss", "validation-error", "validation-loss"):
        outcome = run(data, nn.ReLU, recipe=slow, steps=120, until=Target(metric, 0.01))
        assert (outcome.curve, outcome.metrics) == (free.curve, free.metrics)


def test_seconds_to_a_target_leave_evaluation_out(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(watch.time, "perf_counter", lambda: clock[0])
    real = training.evaluate

    def slow_evaluation(*arguments: Any) -> Measured:
        clock[0] += 1000.0
        return real(*arguments)

    monkeypatch.setattr(training, "evaluate", slow_evaluation)

    class Second(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            clock[0] += 0.5 if self.training else 0.0
            return torch.relu(x)

    options: dict[str, Any] = {"steps": 120, "brief": True}
    outcome = run(data, Second, until=Target("train-loss", 1.0), **options)
    assert outcome.metrics["reached_s"] == outcome.metrics["reached_step"] == 100
    late = run(data, Second, until=Target("validation-error", 0.2), **options)
    assert late.metrics["reached_s"] == late.metrics["reached_step"]


def test_the_layers_are_measured_at_the_end(data: TrainingData) -> None:
    def stuck(x: Tensor) -> Tensor:
        return torch.relu(x) * 0.5

    outcome = run(data, lambda: Spy(stuck), steps=20)
    assert 0 <= outcome.metrics["dead_units[0]"] < 1
    feed = Feed(data, torch.device("cpu"))
    inputs, _ = feed.validation_batch(slice(0, 500))
    with torch.no_grad():
        outputs = outcome.network.layers[:2](inputs)  # type: ignore[index, operator]
    assert outcome.metrics["output_mean[0]"] == pytest.approx(float(outputs.mean()), rel=1e-5)
    assert outcome.metrics["output_variance[0]"] == pytest.approx(
        float(outputs.var(correction=0)), rel=1e-5
    )
    brief = run(data, lambda: Spy(stuck), steps=20, brief=True)
    assert not [name for name in brief.metrics if name.endswith("]")]
