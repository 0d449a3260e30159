"""The six tasks of the program: which network, which data, how long, and how it learns.

Sizes are for a CPU: one thread trains a candidate of about eight operations, all evaluation
included, in 1 to 3 s (mnist1d, mnist-mlp), 5 to 7 s (CNNs on 28x28) or 15 s (cifar10-cnn), measured
on a core of the early 2020s with other programs beside it. Learning rates are those at which a
family of activations (ReLU, GELU, SiLU, ELU, tanh, sin, x*cos(x) ...) did best on average, not ReLU
alone.
"""

from __future__ import annotations

import functools
from pathlib import Path

from actsearch.errors import unknown
from actsearch.tasks.classification import ClassificationTask
from actsearch.tasks.networks import CNN, MLP
from actsearch.tasks.training import Recipe

_SMALL_CNN = functools.partial(
    CNN, shape=(1, 28, 28), convolutions=((24, 5, 3), (48, 3, 2), (48, 3, 1)), pool="none"
)

_SHIPPED = (
    ClassificationTask(
        name="mnist1d-mlp",
        data="mnist1d",
        network=functools.partial(MLP, n_inputs=40, hidden=(100, 100)),
        steps=900,
        seeds=(0, 1),
        recipe=Recipe(batch_size=100, learning_rate=0.015),
    ),
    ClassificationTask(
        name="mnist1d-cnn",
        data="mnist1d",
        network=functools.partial(
            CNN, shape=(1, 40), convolutions=((16, 5, 2), (32, 5, 2), (64, 5, 2))
        ),
        steps=650,
        seeds=(0, 1),
        recipe=Recipe(batch_size=64, learning_rate=0.018),
    ),
    ClassificationTask(
        name="mnist-mlp",
        data="mnist",
        network=functools.partial(MLP, n_inputs=784, hidden=(256, 128)),
        steps=600,
        recipe=Recipe(batch_size=128, learning_rate=0.0015),
    ),
    ClassificationTask(
        name="mnist-cnn",
        data="mnist",
        network=_SMALL_CNN,
        steps=300,
        recipe=Recipe(batch_size=128, learning_rate=0.008),
    ),
    ClassificationTask(
        name="fashion-cnn",
        data="fashion-mnist",
        network=_SMALL_CNN,
        steps=300,
        recipe=Recipe(batch_size=128, learning_rate=0.008),
    ),
    ClassificationTask(
        name="cifar10-cnn",
        data="cifar10",
        network=functools.partial(
            CNN, shape=(3, 32, 32), convolutions=((32, 4, 3), (64, 3, 2), (64, 3, 1)), pool="none"
        ),
        steps=600,
        recipe=Recipe(
            batch_size=64, learning_rate=0.004, augmentation="flip-crop", curve_samples=500
        ),
    ),
)

_BY_NAME = {task.name: task for task in _SHIPPED}


def shipped_task(name: str, folder: Path | None = None) -> ClassificationTask:
    """Return a shipped task that reads its data from the user's ``folder``.

    Raises:
        BadInput: no such task.
    """
    if name not in _BY_NAME:
        raise unknown("task", name, _BY_NAME)
    task = _BY_NAME[name]
    return ClassificationTask(
        name=task.name,
        data=task.data,
        network=task.network,
        steps=task.steps,
        seeds=task.seeds,
        recipe=task.recipe,
        folder=folder,
    )
