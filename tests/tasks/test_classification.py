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
from actsearch.tasks.protocol import FAILED, OK
from tests.tasks.conftest import TinyNetwork, blob_data, blobs, tiny_task


def test_learned_parameters_are_metrics() -> None:
    (record,) = tiny_task().train([Training("x*sigmoid(p0*x + p1)", "search", 0)])
    assert record.status == OK
    learned = {name for name in record.metrics if name.startswith("p")}
    assert learned == {"p0[0]", "p0[1]", "p1[0]", "p1[1]"}
    assert all(record.metrics[name] != 1.0 for name in learned)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 41},
        {"seeds": (0, 1)},
        {"recipe": Recipe(batch_size=16)},
        {"recipe": Recipe(learning_rate=0.5)},
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
    task.train([Training("relu(x)", "search", 0), Training("tanh(x)", "search", 0)])
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
        ({"seeds": ()}, "one seed or more"),
        ({"data": blob_data()}, "must be the name of a data set or a function"),
    ],
)
def test_parts_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        tiny_task(**change)


def test_unknown_rung() -> None:
    with pytest.raises(BadInput, match="did you mean 'search'"):
        tiny_task().train([Training("relu(x)", "serch", 0)])


def test_what_a_network_raises_is_a_record() -> None:
    def network(make: Callable[[], nn.Module]) -> nn.Module:
        raise RuntimeError("out of\nmemory")

    (record,) = tiny_task(network=network).train([Training("relu(x)", "search", 0)])
    assert (record.status, record.score) == (FAILED, None)
    assert record.message == "RuntimeError: out of memory"


def test_an_interrupt_passes() -> None:
    def network(make: Callable[[], nn.Module]) -> nn.Module:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny_task(network=network).train([Training("relu(x)", "search", 0)])


def test_random_state_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    task = tiny_task()
    task.prepare()
    task.settings()
    task.train([Training("relu(x)", "search", 0)])
    assert torch.equal(torch.rand(2), expected)
    assert task.network is TinyNetwork
