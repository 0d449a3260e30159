"""The shipped tasks by name, and the way from a name or a file to a task object.

Importable without torch and numpy: the command line lists the tasks from here.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from actsearch.errors import BadInput, shorten, unknown
from actsearch.paths import typed_path
from actsearch.tasks.protocol import Task

TASKS: dict[str, str] = {
    "mnist1d-mlp": "two hidden layers of 100 on MNIST-1D; seconds to make, nothing to download",
    "mnist1d-cnn": "three 1-d convolutions on MNIST-1D; the default search",
    "keywords": "a hidden layer of 64 on sparse keywords of documents; or on a matrix of your own: "
    "--data FILE.npz",
    "mnist-mlp": "two hidden layers on MNIST digits",
    "mnist-cnn": "three convolutions on MNIST digits",
    "fashion-cnn": "three convolutions on Fashion-MNIST",
    "cifar10-cnn": "three convolutions on CIFAR-10, with flips and shifts",
    "cifar10-cnn4": "four convolutions on CIFAR-10 as they are, at a constant learning rate",
    "mdn": "the scales of a mixture density network on the inverse sine problem; space positive",
}

OWN = "a task of your own is given as path/to/file.py:make_task"

#: What a shipped task can be scored by, as in ``mnist1d-cnn@loss``; the first is what it is where
#: nothing is said. These are of the tasks that classify, those of others follow.
SCORES = ("accuracy", "loss")
#: Behind the name of a shipped task: formulas with a second projection get narrower layers.
EQUAL_PARAMETERS = "equal-parameters"
_OTHER_SCORES = {"mdn": ("log-likelihood",)}
_ONE_WIDTH = ("mdn",)  # tasks whose networks can't be made narrower


def scores_of(name: str) -> tuple[str, ...]:
    """Return what the shipped task ``name`` can be scored by, the usual score first."""
    return _OTHER_SCORES.get(name, SCORES)


def load_task(
    spec: str, data: Path | None = None, *, named: bool = True, data_named: bool = True
) -> Task:
    """Return the task called ``spec``.

    Args:
        spec: a name of ``TASKS``, perhaps with its score (``NAME@loss``, ``NAME@accuracy``), with
            equal parameters (``NAME@equal-parameters``), or with both; or
            ``path/to/file.py:function``, where the function returns an object of the Task protocol
            (and may take the data folder as an argument ``data``); or several of these with commas
            between them, for one score over all (``JointTask``).
        data: the user's data folder, in torchvision's layout; None: ``ACTSEARCH_DATA``, else
            downloads into the cache.
        named: whether the user named the task. A file that a run names is run only where the user
            named it before (``tasks.consent``).
        data_named: whether the user named the data, where a task file is handed them.

    Raises:
        NotNamed: they did not; nothing was run.
        BadInput: unknown name or score, a task named twice, tasks that can't be trained together,
            or the file has no such task.
    """
    specs = task_specs(spec)
    if len(specs) == 1:
        return _load_one(specs[0], data, named, data_named)
    from actsearch.tasks.joint import JointTask

    return JointTask([_load_one(one, data, named, data_named) for one in specs])


def task_specs(spec: str) -> list[str]:
    """Return the tasks that ``spec`` names, which are several where commas stand between them.

    Raises:
        BadInput: nothing between two commas, or a task named twice.
    """
    if "," not in spec or _is_there(spec):  # a path may have a comma in it
        return [spec.strip()]
    specs = [one.strip() for one in spec.split(",")]
    if "" in specs:
        raise BadInput(
            f"no task between two commas, or at an end, of '{shorten(spec)}'; several tasks are "
            "given as mnist1d-cnn,mnist1d-mlp"
        )
    plain = [one.removesuffix(f"@{scores_of(one.partition('@')[0])[0]}") for one in specs]
    doubled = next((one for one in plain if plain.count(one) > 1), None)
    if doubled is not None:
        raise BadInput(f"task '{shorten(doubled)}' is given twice; name each task once")
    return specs


def absolute_spec(spec: str) -> str:
    """Return ``spec`` with the paths of task files made absolute, to be loaded from anywhere.

    Raises:
        BadInput: as ``task_specs``.
    """
    return ",".join(
        f"{_path_of(one).resolve()}:{one.rpartition(':')[2]}" if _is_file(one) else one
        for one in task_specs(spec)
    )


def _load_one(spec: str, data: Path | None, named: bool, data_named: bool) -> Task:
    if _is_file(spec):
        function, at, _ = spec.rpartition(":")[2].partition("@")
        if at:
            raise BadInput(
                f"'{shorten(spec)}': a score, or equal parameters, can be chosen for shipped tasks "
                f"alone; let {shorten(function)}() return a task that is scored so, or a "
                "ClassificationTask with equal_parameters=True"
            )
        from actsearch.tasks.user_task import load_user_task

        return load_user_task(spec, data, named=named, data_named=data_named)
    name, *variants = spec.split("@")
    if name not in TASKS:
        raise BadInput(f"{unknown('task', name, TASKS)}; {OWN}")
    there = scores_of(name) if name in _ONE_WIDTH else (*scores_of(name), EQUAL_PARAMETERS)
    for variant in variants:
        if variant not in there:
            raise unknown(f"variant of task '{name}':", variant, there)
    scores = [variant for variant in variants if variant != EQUAL_PARAMETERS]
    if len(set(variants)) < len(variants) or len(scores) > 1:
        raise BadInput(
            f"'{shorten(spec)}' says one thing twice; a task has one score, as in "
            f"{'@'.join((name, *there[-2:]))}"
        )
    from actsearch.tasks.shipped import shipped_task

    task = shipped_task(name, data)
    if not variants:
        return task
    equal = EQUAL_PARAMETERS in variants
    score = scores[0] if scores else task.score
    return dataclasses.replace(task, name=spec, score=score, equal_parameters=equal)


def _is_file(spec: str) -> bool:
    return ":" in spec or spec.endswith(".py")


def _is_there(spec: str) -> bool:
    try:
        return _path_of(spec).is_file()
    except (BadInput, OSError):  # a name that no file has
        return False


def _path_of(spec: str) -> Path:
    return typed_path(spec.rpartition(":")[0] or spec)
