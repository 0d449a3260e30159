"""The test split, for the stage that confirms finalists, and for nothing else.

It lives in a file of its own so that a search can't reach it: no other file of this package imports
this one (a test holds that), and what the training loop is given has no test split in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.errors import BadInput, shorten
from actsearch.tasks.classification import ClassificationTask
from actsearch.tasks.data import Split, checked_split
from actsearch.tasks.datasets import store
from actsearch.tasks.protocol import Task
from actsearch.tasks.user_task import UserTask


@dataclass(frozen=True)
class HeldOut:
    """The test split, and how many classes its labels have.

    Inputs are raw, to be standardised by the mean and deviation of the training data, as in
    ``training.Feed``.
    """

    test: Split
    n_classes: int


def open_test_split(task: Task) -> HeldOut:
    """Open the samples that no search has seen.

    Args:
        task: a shipped task, or a ``ClassificationTask`` with a ``test`` function.

    Raises:
        BadInput: the task has no test split, or its data can't be had.
        ActsearchError: the cache can't be written.
    """
    inner = task.task if isinstance(task, UserTask) else task
    if not isinstance(inner, ClassificationTask):
        raise BadInput(f"task '{task.name}' is no ClassificationTask, so it has no test split")
    training = inner.open_data()
    if isinstance(inner.data, str):
        folder = store.converted(inner.data, inner.folder)
        return HeldOut(store.map_split(folder, "test"), training.n_classes)
    if inner.test is None:
        raise BadInput(
            f"task '{task.name}' has no test split; give its ClassificationTask test=FUNCTION, "
            "which returns (inputs, labels)"
        )
    try:
        inputs, labels = inner.test()
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the test function of task '{task.name}' must return (inputs, labels): "
            f"{shorten(str(error))}"
        ) from error
    split = checked_split(inputs, labels, name="test")
    if split.inputs.shape[1:] != training.train.inputs.shape[1:]:
        raise BadInput(
            f"test inputs of task '{task.name}' have shape {split.inputs.shape[1:]} a sample, "
            f"training inputs {training.train.inputs.shape[1:]}"
        )
    return HeldOut(split, training.n_classes)
