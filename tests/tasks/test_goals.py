"""Goals: what they refuse, what they measure, and that classification is what it always was."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.tasks import Goal, NetworkTask, Recipe, Score, Training, load_task
from actsearch.tasks.data import TrainingData, training_data
from actsearch.tasks.goals import CLASSIFICATION, Measured, negative_loss, share_wrong
from actsearch.tasks.heldout import CONFIRM, held_out_task
from actsearch.tasks.mixture import MIXTURE_DENSITY
from actsearch.tasks.protocol import OK
from actsearch.tasks.registry import TASKS, scores_of
from actsearch.tasks.target import Target
from tests.tasks.conftest import TinyNetwork, blobs, tiny_task

#: What tiny_task gave at rung "full" and seed 0 before there were goals: train loss, validation
#: loss, accuracy; and the same formula held out, with seed 1,000,001: test loss, test accuracy.
BEFORE: dict[str, tuple[float, ...]] = {
    "relu(x)": (0.01414212, 0.01321085, 1, 0.2384122, 0.9916667),
    "x*sigmoid(p0*x)": (0.01198357, 0.01164126, 1, 0.05091685, 1),
    "gelu(x)": (0.01137632, 0.01105409, 1, 0.1111195, 0.9916667),
}


def line(n_samples: int, seed: int) -> tuple[Any, Any]:
    """Make points whose targets, two numbers each, follow from them."""
    inputs = np.random.RandomState(seed).uniform(-1, 1, (n_samples, 1)).astype(np.float32)
    return inputs, np.concatenate([2 * inputs, inputs - 1], axis=1)


def line_data() -> TrainingData:
    return training_data(line(200, 1), line(100, 2))


def held_out_line() -> tuple[Any, Any]:
    return line(100, 3)


def squared(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    errors = (outputs - targets).square().sum(1)
    return errors.mean() if reduction == "mean" else errors.sum()


def as_targets(data: TrainingData) -> tuple[int | str, ...]:
    return (data.train.targets.shape[1],)


#: A goal of a user's own.
SQUARES = Goal(
    name="least squares",
    loss=squared,
    scores=(Score("error", "negative squared error on validation", negative_loss),),
    output=("predictions", as_targets),
    of_labels=False,
)


class Line(nn.Sequential):
    def __init__(self, make: Any) -> None:
        super().__init__(nn.Linear(1, 16), make(), nn.Linear(16, 2))


def line_task(**changes: Any) -> NetworkTask:
    parts: dict[str, Any] = {
        "name": "line",
        "data": line_data,
        "network": Line,
        "goal": SQUARES,
        "steps": 60,
    }
    parts |= {"recipe": Recipe(batch_size=20, learning_rate=0.03)}
    return NetworkTask(**(parts | {"test": held_out_line} | changes))


@pytest.mark.parametrize("formula", ["relu(x)", "x*sigmoid(p0*x)", "gelu(x)"])
def test_classification_scores_as_before(formula: str) -> None:
    """To three digits: the last ones are the machine's."""
    task = tiny_task(test=lambda: blobs(120, 3))
    (record,) = task.train([Training(formula, "full", 0)])
    (held,) = held_out_task(task).train([Training(formula, CONFIRM, 1_000_001)])
    names = ("train_loss", "validation_loss", "validation_accuracy")
    found = [record.metrics[name] for name in names]
    found += [held.metrics["test_loss"], held.metrics["test_accuracy"]]
    assert found == pytest.approx(BEFORE[formula], rel=1e-3)
    assert record.score == record.metrics["validation_accuracy"]
    assert held.score == held.metrics["test_accuracy"]


def test_settings_of_classification_have_no_new_key() -> None:
    """Saved runs are compared by them."""
    settings = tiny_task().settings()
    assert list(settings) == [
        "task", "score", "data", "network", "recipe", "rungs", "until", "loop_version",
    ]  # fmt: skip
    assert list(settings["data"]) == ["name", "digest", "n_train", "n_validation", "n_classes"]
    assert settings["loop_version"] == 3


def test_labels_have_the_digest_that_they_had() -> None:
    inputs, labels = np.arange(6.0).reshape(3, 2), np.array([0, 1, 2])
    data = training_data((inputs, labels), (inputs + 1, labels))
    assert data.digest == "331e73dca364ce9f1ac9e4acedc3dc97"


def test_numbers_are_learned_and_scored() -> None:
    task = line_task()
    task.prepare()
    settings = task.settings()
    assert (settings["goal"], settings["data"]["n_targets"]) == ("least squares", 2)
    (record,) = task.train([Training("relu(x)", "full", 0)])
    assert record.status == OK
    assert record.score == -record.metrics["validation_loss"]
    assert record.score > -0.1
    assert not [name for name in record.metrics if "accuracy" in name]
    (held,) = pickle.loads(pickle.dumps(held_out_task(task))).train(
        [Training("relu(x)", CONFIRM, 0)]
    )
    assert held.score == -held.metrics["test_loss"]
    assert held.curve == record.curve
    assert not [name for name in held.metrics if "accuracy" in name]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: line_task(goal=CLASSIFICATION), r"needs targets that are labels \(n,\)"),
        (lambda: tiny_task(goal=SQUARES), r"needs targets that are numbers \(n, d\), got int64"),
        (
            lambda: line_task(network=lambda make: nn.Linear(1, 3)),
            r"2 samples into predictions of shape \(2, 2\), got \(2, 3\)",
        ),
        (
            lambda: line_task(known={"mine": "exq(x)"}),
            "known activation 'mine' of task 'line' is no formula: .*exq",
        ),
        (
            lambda: line_task(goal=MIXTURE_DENSITY),
            r"2 samples into mixtures of shape \(2, kernels, 4\), got \(2, 2\)",
        ),
    ],
)
def test_what_does_not_go_together(make: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make().prepare()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score": "accuracy"}, r"unknown score 'accuracy' .*known: error"),
        ({"until": Target("train-error", 0.1)}, "has none .* takes train-loss, validation-loss"),
        ({"until": Target("validation-loss", -1.0)}, "must be a number from 0 on, got -1"),
        ({"known": {}}, "names no known activation"),
    ],
)
def test_what_means_nothing(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        line_task(**change)


def test_a_density_may_have_a_negative_loss() -> None:
    MIXTURE_DENSITY.check_target("mdn", Target("train-loss", -1.0))
    with pytest.raises(BadInput, match="counts wrong answers, and task 'mdn' has none"):
        MIXTURE_DENSITY.check_target("mdn", Target("train-error", 0.1))


def test_a_loss_ends_a_training_of_numbers() -> None:
    (record,) = line_task(steps=400, until=Target("validation-loss", 0.5)).train(
        [Training("relu(x)", "full", 0)]
    )
    assert record.status == OK
    assert record.metrics["reached_step"] == record.curve[-1][0] < 400


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (lambda: line(5, 3)[:1] * 2, r"targets .* have shape \(1,\) a sample, training .* \(2,\)"),
        (lambda: (line(5, 3)[0], np.zeros(5, int)), r"targets of task 'line' have shape \(\)"),
    ],
)
def test_a_test_split_of_other_targets(test: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        held_out_task(line_task(test=test)).prepare()


def test_measures() -> None:
    assert Measured(0.5, 2.0).metrics("test") == {"test_loss": 2.0, "test_accuracy": 0.5}
    assert Measured(None, 2.0).metrics("validation") == {"validation_loss": 2.0}
    outputs = torch.tensor([[2.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    labels = torch.tensor([0, 0, 0])
    assert float(share_wrong(CLASSIFICATION, outputs, labels)) == pytest.approx(1 / 3)
    assert math.isnan(CLASSIFICATION.score("accuracy").of(Measured(None, 1.0)))


def test_scores_that_can_be_asked_for_are_those_of_the_goals() -> None:
    for name in TASKS:
        task = load_task(name)
        assert isinstance(task, NetworkTask)
        assert tuple(score.key for score in task.goal.scores) == scores_of(name)
        assert task.score == scores_of(name)[0]


def test_a_network_of_classes_is_classified_by_whatever_name() -> None:
    assert tiny_task().goal is CLASSIFICATION
    assert tiny_task(goal=CLASSIFICATION, network=TinyNetwork) == tiny_task()
