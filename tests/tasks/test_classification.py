"""Tasks made of parts: what they refuse, what their settings say, what becomes a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from actsearch.errors import BadInput
from actsearch.tasks import Recipe, Training
from actsearch.tasks.protocol import FAILED, NO_SIGNAL, OK, PRUNED, Rung
from actsearch.tasks.signal import PERCENTILES, SignalLimits
from actsearch.tasks.target import Target
from tests.tasks.conftest import TinyNetwork, blob_data, blobs, tiny_task


def test_learned_parameters_are_metrics() -> None:
    (record,) = tiny_task().train([Training("x*sigmoid(p0*x + p1)", "full", 0)])
    assert record.status == OK
    learned = {name for name in record.metrics if name.startswith(("p0", "p1"))}
    assert learned == {"p0[0]", "p0[1]", "p1[0]", "p1[1]"}
    assert all(record.metrics[name] != 1.0 for name in learned)


def test_parameters_learn_from_where_they_start() -> None:
    task = tiny_task(recipe=Recipe(batch_size=32, learning_rate=0.02, parameter_rate=0.0))
    formulas = ("x*sigmoid(p0*x); p0=1.7", "x*sigmoid(1.7*x)")
    with_start, without = task.train([Training(formula, "full", 0) for formula in formulas])
    assert with_start.metrics["p0[0]"] == pytest.approx(1.7)
    assert with_start.score == without.score  # the gain of the weights is that of the start


def test_a_network_that_does_not_say_its_channels_is_told_to() -> None:
    (record,) = tiny_task().train([Training("max(x, p0*x); per channel", "full", 0)])
    assert record.status == FAILED
    assert "channel" in record.message


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 41},
        {"rungs": (Rung("full", 40, (0, 1)),)},
        {"score": "loss"},
        {"until": Target("train-loss", 0.5)},
        {"recipe": Recipe(batch_size=32, learning_rate=0.02, signal=SignalLimits(dead_units=0.5))},
        {"recipe": Recipe(batch_size=16)},
        {"recipe": Recipe(learning_rate=0.5)},
        {"recipe": Recipe(batch_size=32, learning_rate=0.02, parameter_rate=0.5)},
        {"network": lambda make: nn.Sequential(nn.Linear(2, 9), make(), nn.Linear(9, 3))},
        {"data": lambda: (blobs(300, 1), blobs(200, 5))},
    ],
)
def test_settings_tell_what_decides_a_score(change: dict[str, Any]) -> None:
    assert tiny_task(**change).settings() != tiny_task().settings()


def test_settings_leave_out_where_things_lie() -> None:
    other = dataclasses.replace(tiny_task(), data=lambda: (blobs(300, 1), blobs(200, 2)))
    assert other.settings() == tiny_task().settings()


def test_data_are_opened_once() -> None:
    calls = []

    def data() -> Any:
        calls.append(1)
        return blob_data()

    task = tiny_task(data=data)
    task.prepare()
    task.settings()
    task.train([Training("relu(x)", "full", 0), Training("tanh(x)", "full", 0)])
    assert calls == [1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": lambda: 3}, "must return TrainingData or"),
        (
            {"data": lambda: (blobs(30, 1), (np.zeros((4, 2)), np.zeros(3, int)))},
            "validation split",
        ),
        ({"data": "minst"}, "did you mean 'mnist'"),
        ({"network": lambda make: nn.Linear(3, 3)}, "does not run on inputs of shape"),
        ({"network": lambda make: nn.Linear(2, 4)}, r"logits of shape \(2, 3\), got \(2, 4\)"),
        ({"network": lambda: nn.Linear(2, 3)}, "TypeError"),
        ({"recipe": Recipe(augmentation="flip-crop")}, "does not run on inputs of shape"),
    ],
)
def test_mistakes_are_found_before_training(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        tiny_task(**change).prepare()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 0}, "needs steps >= 1"),
        ({"score": "acuracy"}, "did you mean 'accuracy'"),
        ({"rungs": (Rung("full", 41, (0,)),)}, r"steps=40, but its last rung 'full' has 41"),
        ({"data": blob_data()}, "must be the name of a data set or a function"),
    ],
)
def test_parts_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        tiny_task(**change)


def test_unknown_rung() -> None:
    with pytest.raises(BadInput, match="did you mean 'short'"):
        tiny_task().train([Training("relu(x)", "shrt", 0)])


def test_what_a_network_raises_is_a_record() -> None:
    def network(make: Callable[[], nn.Module]) -> nn.Module:
        raise RuntimeError("out of\nmemory")

    (record,) = tiny_task(network=network).train([Training("relu(x)", "full", 0)])
    assert (record.status, record.score) == (FAILED, None)
    assert record.message == "RuntimeError: out of memory"


def test_an_interrupt_passes() -> None:
    def network(make: Callable[[], nn.Module]) -> nn.Module:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny_task(network=network).train([Training("relu(x)", "full", 0)])


def test_random_state_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    task = tiny_task()
    task.prepare()
    task.settings()
    task.train([Training("relu(x)", "full", 0)])
    assert torch.equal(torch.rand(2), expected)
    assert task.network is TinyNetwork


def test_rungs_are_trained_at_their_length_with_a_whole_schedule() -> None:
    """A short rung is what a task of that length trains, not the beginning of the long one."""
    task = tiny_task()
    short, medium, full = (
        task.train([Training("relu(x)", rung.name, 0)])[0] for rung in task.rungs
    )
    assert [record.curve[-1][0] for record in (short, medium, full)] == [6, 16, 40]
    alone = tiny_task(steps=16, rungs=(Rung("brief", 16, (0,)),))
    assert alone.train([Training("relu(x)", "brief", 0)])[0].score == medium.score


def test_short_rungs_look_less_and_leave_the_layers_out() -> None:
    short, _, full = (
        tiny_task(steps=80).train([Training("relu(x)", rung, 0)])[0]
        for rung in ("short", "medium", "full")
    )
    assert (len(short.curve), len(full.curve)) == (4, 8)
    assert set(short.metrics) == {"train_loss", "validation_loss", "validation_accuracy"}
    measures = ["dead_units", "saturated", "output_mean", "output_variance", "gradient_variance"]
    measures += [f"preactivation_p{p:g}" for p in PERCENTILES]
    of_layers = {f"{m}[{k}]" for m in measures for k in (0, 1)}
    assert set(full.metrics) - set(short.metrics) == {"n_parameters", *of_layers}


def test_scored_by_its_loss() -> None:
    task = tiny_task(score="loss")
    (record,) = task.train([Training("relu(x)", "full", 0)])
    (other,) = tiny_task().train([Training("relu(x)", "full", 0)])
    assert task.score_name == "negative validation loss"
    assert record.score == -record.metrics["validation_loss"] == record.curve[-1][2]
    assert record.metrics == other.metrics
    assert other.score == other.metrics["validation_accuracy"]
    assert task.settings()["score"] != tiny_task().settings()["score"]


def test_a_pace_travels_with_the_training() -> None:
    task = tiny_task()
    (free,) = task.train([Training("relu(x)", "full", 0)])
    step, _, reached = free.curve[2]
    (kept, left) = task.train(
        [Training("relu(x)", "full", 0, pace=((step, reached + more),)) for more in (0.0, 1e-6)]
    )
    assert dataclasses.replace(kept, time_s=0) == dataclasses.replace(free, time_s=0)
    assert (left.status, left.score, left.curve) == (PRUNED, None, free.curve[:3])
    assert f"after {step} steps is behind the pace" in left.message


def test_no_signal_says_why() -> None:
    (record,) = tiny_task().train([Training("relu(x - 9)", "short", 0)])
    assert (record.status, record.score, record.curve) == (NO_SIGNAL, None, ())
    assert "100% of the units in activation layer 0 get no gradient" in record.message


def test_replaced_for_a_comparison() -> None:
    task = tiny_task()
    changed = dataclasses.replace(
        task,
        steps=150,
        rungs=(Rung("race", 150, (0,)),),
        recipe=dataclasses.replace(task.recipe, optimizer="sgd", schedule="constant"),
        until=Target("train-error", 0.2),
    )
    (record,) = changed.train([Training("relu(x)", "race", 0)])
    assert record.status == OK
    assert record.metrics["reached_step"] == record.curve[-1][0] >= 100
    assert changed.settings()["until"] == "train-error=0.2"
