"""The tasks of the program: which network, which data, how long, and how it learns.

Sizes are for a CPU: one thread trains a candidate of about eight operations, all evaluation
included, in 1 to 2 s (mnist1d, mnist-mlp, mdn), 3 to 4 s (CNNs on 28x28) or 7 s (cifar10-cnn),
measured on a core of the early 2020s. Learning rates are those at which the best of the known
activations do best (benchmarks/rates.py): at a lower one a new function can win by learning faster
alone.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from actsearch.errors import unknown
from actsearch.expressions.known import KNOWN_SCALES
from actsearch.tasks.datasets import matrix
from actsearch.tasks.datasets.catalog import data_root
from actsearch.tasks.mixture import MIXTURE_DENSITY, MixtureDensityNetwork
from actsearch.tasks.network_task import NetworkTask
from actsearch.tasks.networks import CNN, MLP
from actsearch.tasks.protocol import Rung
from actsearch.tasks.recipe import Recipe

_SMALL_CNN = functools.partial(
    CNN, shape=(1, 28, 28), convolutions=((24, 5, 3), (48, 3, 2), (48, 3, 1)), pool="none"
)

#: Task -> steps of the short, the medium and the full rung, and the factor on the learning rate of
#: the first two. The short ones were chosen so that their score ranks the known activations as the
#: full one does (benchmarks/rungs.py; docs/results.md has what it says). The medium ones lie
#: between; most of them and `cifar10-cnn4`, which is there to be compared on, were not measured.
_LADDERS = {
    "mnist1d-mlp": (500, 700, 900, 1.0),
    "mnist1d-cnn": (160, 325, 650, 0.7),
    "keywords": (100, 200, 400, 1.0),
    "mnist-mlp": (330, 450, 600, 1.0),
    "mnist-cnn": (150, 220, 300, 1.0),
    "fashion-cnn": (115, 190, 300, 1.0),
    "cifar10-cnn": (90, 230, 600, 1.0),
    "cifar10-cnn4": (615, 1540, 4000, 1.0),
    "mdn": (300, 700, 1500, 1.0),
}

_RUNGS = {
    task: (
        Rung("short", short, (0,), rate),
        Rung("medium", medium, (0,), rate),
        Rung("full", full, tuple(range(8))),
    )
    for task, (short, medium, full, rate) in _LADDERS.items()
}

_KEYWORDS_HIDDEN = (64,)

_SHIPPED = (
    NetworkTask(
        name="mnist1d-mlp",
        data="mnist1d",
        network=functools.partial(MLP, n_inputs=40, hidden=(100, 100)),
        steps=900,
        rungs=_RUNGS["mnist1d-mlp"],
        recipe=Recipe(batch_size=100, learning_rate=0.025),
    ),
    NetworkTask(
        name="mnist1d-cnn",
        data="mnist1d",
        network=functools.partial(
            CNN, shape=(1, 40), convolutions=((16, 5, 2), (32, 5, 2), (64, 5, 2))
        ),
        steps=650,
        rungs=_RUNGS["mnist1d-cnn"],
        recipe=Recipe(batch_size=64, learning_rate=0.036),
    ),
    # One hidden layer: the overlap is made for the layer that sees the sparse features.
    NetworkTask(
        name="keywords",
        data="keywords",
        network=functools.partial(MLP, n_inputs=600, hidden=_KEYWORDS_HIDDEN, n_classes=11),
        steps=400,
        rungs=_RUNGS["keywords"],
        recipe=Recipe(batch_size=100, learning_rate=0.003),
    ),
    NetworkTask(
        name="mnist-mlp",
        data="mnist",
        network=functools.partial(MLP, n_inputs=784, hidden=(256, 128)),
        steps=600,
        rungs=_RUNGS["mnist-mlp"],
        recipe=Recipe(batch_size=128, learning_rate=0.003),
    ),
    NetworkTask(
        name="mnist-cnn",
        data="mnist",
        network=_SMALL_CNN,
        steps=300,
        rungs=_RUNGS["mnist-cnn"],
        recipe=Recipe(batch_size=128, learning_rate=0.008),
    ),
    NetworkTask(
        name="fashion-cnn",
        data="fashion-mnist",
        network=_SMALL_CNN,
        steps=300,
        rungs=_RUNGS["fashion-cnn"],
        recipe=Recipe(batch_size=128, learning_rate=0.008),
    ),
    NetworkTask(
        name="cifar10-cnn",
        data="cifar10",
        network=functools.partial(
            CNN, shape=(3, 32, 32), convolutions=((32, 4, 3), (64, 3, 2), (64, 3, 1)), pool="none"
        ),
        steps=600,
        rungs=_RUNGS["cifar10-cnn"],
        recipe=Recipe(batch_size=64, learning_rate=0.004, augmentation="flip-crop"),
    ),
    # In the manner of figure 1 of Krizhevsky, Sutskever and Hinton 2012 (four convolutional layers
    # on CIFAR-10, ReLU against tanh down to 25 % training error, nothing that regularises).
    NetworkTask(
        name="cifar10-cnn4",
        data="cifar10",
        network=functools.partial(
            CNN,
            shape=(3, 32, 32),
            convolutions=((32, 4, 2), (64, 3, 2), (64, 3, 1), (64, 3, 1)),
            pool="none",
        ),
        steps=4000,
        rungs=_RUNGS["cifar10-cnn4"],
        recipe=Recipe(
            batch_size=64,
            optimizer="sgd",
            learning_rate=0.02,
            schedule="constant",
            weight_decay=0.0,
            warmup=0.02,
        ),
    ),
    # Bishop 1994, with 32 tanh units for his 20 and 8 kernels for his 3: with his sizes a training
    # ends in one of several optima, and in which is a matter of the seed (validation
    # log-likelihoods of exp over four seeds: 0.75 to 0.90, and 1.02 to 1.05 with these).
    NetworkTask(
        name="mdn",
        data="inverse-sine",
        network=functools.partial(MixtureDensityNetwork, n_hidden=32, n_kernels=8),
        steps=1500,
        rungs=_RUNGS["mdn"],
        recipe=Recipe(batch_size=100, learning_rate=0.01),
        goal=MIXTURE_DENSITY,
        known=KNOWN_SCALES,
    ),
)

_BY_NAME = {task.name: task for task in _SHIPPED}


def shipped_task(name: str, folder: Path | None = None) -> NetworkTask:
    """Return a shipped task that reads its data from the user's ``folder``.

    ``keywords`` takes a file as well: a user's own sparse matrix (``datasets.matrix``), which the
    network gets as many inputs and outputs for as it has features and classes.

    Raises:
        BadInput: no such task, or a matrix that can't be read.
    """
    if name not in _BY_NAME:
        raise unknown("task", name, _BY_NAME)
    given = data_root(folder)
    if name == "keywords" and given is not None and given.suffix == matrix.ENDING:
        return _on_matrix(_BY_NAME[name], given.resolve())
    return dataclasses.replace(_BY_NAME[name], folder=folder)


def _on_matrix(task: NetworkTask, path: Path) -> NetworkTask:
    documents = matrix.read(path)
    return dataclasses.replace(
        task,
        data=functools.partial(matrix.training, path),
        test=functools.partial(matrix.test, path),
        network=functools.partial(
            MLP,
            n_inputs=documents.inputs.shape[1],
            hidden=_KEYWORDS_HIDDEN,
            n_classes=documents.n_classes,
        ),
    )
