"""The real MNIST, Fashion-MNIST and CIFAR-10, where this machine has them.

They are looked for in the folder that ``ACTSEARCH_TEST_DATA`` names, in torchvision's layout.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from actsearch.tasks import ClassificationTask, Training, load_task
from actsearch.tasks.datasets import store
from actsearch.tasks.datasets.catalog import DATASETS
from actsearch.tasks.protocol import OK

ROOT = Path(os.environ.get("ACTSEARCH_TEST_DATA") or "nowhere")
pytestmark = pytest.mark.slow

# Training pixels / 255 of the 60,000 images, as published
MOMENTS = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}


def needs(name: str) -> None:
    if not (ROOT / DATASETS[name].folder).is_dir():
        pytest.skip(f"no {DATASETS[name].folder} in {ROOT}")


@pytest.mark.parametrize("name", MOMENTS)
def test_idx_sets(name: str) -> None:
    needs(name)
    data = store.open_training(name, ROOT)
    assert (len(data.train), len(data.validation)) == (50_000, 10_000)
    assert data.mean[0] / 255 == pytest.approx(MOMENTS[name][0], abs=0.001)
    assert data.std[0] / 255 == pytest.approx(MOMENTS[name][1], abs=0.001)
    folder = store.converted(name, ROOT)
    test = store.map_split(folder, "test")
    assert (
        np.bincount(data.train.targets).sum() + np.bincount(data.validation.targets).sum() == 60_000
    )
    if name == "mnist":
        assert np.bincount(test.targets).tolist() == [
            980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
        ]  # fmt: skip


def test_cifar10() -> None:
    needs("cifar10")
    data = store.open_training("cifar10", ROOT)
    assert (len(data.train), len(data.validation)) == (45_000, 5_000)
    assert np.asarray(data.mean) / 255 == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.002)


@pytest.mark.parametrize(
    ("task_name", "dataset", "least"),
    [
        ("mnist-mlp", "mnist", 0.90),
        ("mnist-cnn", "mnist", 0.90),
        ("fashion-cnn", "fashion-mnist", 0.70),
        ("cifar10-cnn", "cifar10", 0.25),
    ],
)
def test_tasks_learn(task_name: str, dataset: str, least: float) -> None:
    needs(dataset)
    shipped = load_task(task_name, ROOT)
    assert isinstance(shipped, ClassificationTask)
    task = dataclasses.replace(shipped, steps=100, rungs=())  # a short one: does it learn at all
    task.prepare()
    (record,) = task.train([Training("gelu(x)", "full", 0)])
    assert record.status == OK
    assert record.score is not None
    assert record.score > least
