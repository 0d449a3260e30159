"""A task of your own: search activation functions for your network on your data.

    actsearch search --task examples/my_task.py:make_task --births 200

`make_task` returns the task. Here it is a `ClassificationTask`, which needs three things from you:
a function that makes the data, a class that builds the network, and how long to train. Any object
with the members of `actsearch.tasks.Task` works as well, if your training looks different.
"""

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from actsearch.tasks import ClassificationTask, Recipe, Rung


def spirals(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make points of three interleaved spirals: inputs (n, 2) float32, labels (n,) 0, 1 or 2."""
    rng = np.random.RandomState(seed)  # your data must be the same in every process
    labels = rng.randint(0, 3, n_samples)
    radius = rng.rand(n_samples)
    angle = 4.5 * radius + labels * (2 * np.pi / 3) + 0.25 * rng.randn(n_samples)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points.astype(np.float32), labels


def data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the training and the validation split; formulas are scored on the second."""
    return spirals(1500, seed=1), spirals(1000, seed=2)


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Return samples that the search never sees, for confirming its finds."""
    return spirals(2000, seed=3)


class Network(nn.Module):
    """Your network. Call `make_activation` once for each place where an activation stands.

    A formula may have learnable parameters, so each place needs a module of its own; where they may
    be one a channel (space `pangaea`), say how many: `make_activation(n_channels=24)`. The loop
    initialises linear and convolutional layers to suit the formula; other layers keep what they
    were built with.
    """

    def __init__(self, make_activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 24),
            make_activation(),
            nn.Linear(24, 24),
            make_activation(),
            nn.Linear(24, 3),
        )

    def forward(self, points: Tensor) -> Tensor:
        """Turn standardised inputs (n, 2) into logits (n, 3)."""
        return self.layers(points)


def make_task() -> ClassificationTask:
    """Return the task; actsearch calls this once in each process."""
    return ClassificationTask(
        name="spirals",
        data=data,
        test=held_out,
        network=Network,
        steps=200,
        # A formula is trained for a few steps first, and longer only if it may still win. Without
        # `rungs` there would be three, of about a seventh of the steps, two fifths, and all.
        rungs=(
            Rung("short", steps=60, seeds=(0, 1)),
            Rung("full", steps=200, seeds=(0, 1, 2, 3)),
        ),
        recipe=Recipe(batch_size=100, learning_rate=0.01),
    )
