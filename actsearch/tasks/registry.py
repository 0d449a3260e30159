"""The shipped tasks by name, and the way from a name or a file to a task object.

Importable without torch and numpy: the command line lists the tasks from here.
"""

from __future__ import annotations

from pathlib import Path

from actsearch.errors import BadInput, unknown
from actsearch.tasks.protocol import Task

TASKS: dict[str, str] = {
    "mnist1d-mlp": "two hidden layers of 100 on MNIST-1D; seconds to make, nothing to download",
    "mnist1d-cnn": "three 1-d convolutions on MNIST-1D; the default search",
    "mnist-mlp": "two hidden layers on MNIST digits",
    "mnist-cnn": "three convolutions on MNIST digits",
    "fashion-cnn": "three convolutions on Fashion-MNIST",
    "cifar10-cnn": "three convolutions on CIFAR-10, with flips and shifts",
}

OWN = "a task of your own is given as path/to/file.py:make_task"


def load_task(spec: str, data: Path | None = None) -> Task:
    """Return the task called ``spec``.

    Args:
        spec: a name of ``TASKS``, or ``path/to/file.py:function``, where the function returns an
            object of the Task protocol (and may take the data folder as an argument ``data``).
        data: the user's data folder, in torchvision's layout; None: ``ACTSEARCH_DATA``, else
            downloads into the cache.

    Raises:
        BadInput: unknown name, or the file has no such task.
    """
    if spec in TASKS:
        from actsearch.tasks.shipped import shipped_task

        return shipped_task(spec, data)
    if ":" in spec or spec.endswith(".py"):
        from actsearch.tasks.user_task import load_user_task

        return load_user_task(spec, data)
    raise BadInput(f"{unknown('task', spec, TASKS)}; {OWN}")
