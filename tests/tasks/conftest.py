"""What the tests of the tasks share: a cache of their own, one torch thread, tiny data and nets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from actsearch.tasks import ClassificationTask, Recipe, TrainingData, training_data
from actsearch.tasks.data import Array
from actsearch.tasks.networks import MakeActivation


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session, so that MNIST-1D is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(shared_cache))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def blobs(n_samples: int, seed: int) -> tuple[Array, Array]:
    """Make three clouds of points in the plane, which any network learns at once."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 3, n_samples)
    centres = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    inputs = centres[labels] + 0.5 * rng.randn(n_samples, 2)
    return inputs.astype(np.float32), labels


def blob_data() -> TrainingData:
    return training_data(blobs(300, 1), blobs(200, 2))


class TinyNetwork(nn.Module):
    def __init__(self, make_activation: MakeActivation) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 8), make_activation(), nn.Linear(8, 8), make_activation(), nn.Linear(8, 3)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.layers(inputs)
        return logits


def tiny_task(**changes: object) -> ClassificationTask:
    parts: dict[str, object] = {
        "name": "blobs",
        "data": blob_data,
        "network": TinyNetwork,
        "steps": 40,
        "recipe": Recipe(batch_size=32, learning_rate=0.02),
    }
    return ClassificationTask(**(parts | changes))  # type: ignore[arg-type]
