"""The test split, for the trials that confirm and compare, and for nothing else.

It lives in a file of its own so that a search can't reach it: no other room than the trials imports
this file (a test holds that), and what the training loop is given has no test split in it.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from actsearch.errors import BadInput, shorten
from actsearch.tasks import protocol
from actsearch.tasks.data import (
    Split,
    TrainingData,
    check_held_out,
    checked_split,
    content_digest,
)
from actsearch.tasks.datasets import store
from actsearch.tasks.equal import n_parameters
from actsearch.tasks.feed import evaluate, shared_feed
from actsearch.tasks.joint import JointTask
from actsearch.tasks.network_task import (
    NetworkTask,
    scaled,
    slower_backend,
)
from actsearch.tasks.protocol import Record, Rung, Task, Training, inputs_of
from actsearch.tasks.training import fit

#: The one rung of a held-out task.
CONFIRM = "confirm"


@dataclass(frozen=True)
class HeldOut:
    """The test split, and how many classes its labels have, None where targets are numbers.

    Inputs are raw, to be standardised by the mean and deviation of the training data, as in
    ``training.Feed``.
    """

    test: Split
    n_classes: int | None


def network_task_of(task: Task) -> NetworkTask | None:
    """Return the ``NetworkTask`` that ``task`` is or wraps (as its ``task``), else None."""
    inner: Any = task
    while inner is not None and not isinstance(inner, NetworkTask):
        inner = getattr(inner, "task", None)
    return inner


def has_test_split(task: Task) -> bool:
    """Tell whether ``held_out_task`` has something to score on; no data are read.

    Several tasks as one have a test split where each of them has.
    """
    if isinstance(task, JointTask):
        return all(map(has_test_split, task.tasks))
    inner = network_task_of(task)
    return inner is not None and (isinstance(inner.data, str) or inner.test is not None)


def open_test_split(task: Task) -> HeldOut:
    """Open the samples that no search has seen.

    Args:
        task: a shipped task, or a ``NetworkTask`` with a ``test`` function.

    Raises:
        BadInput: the task has no test split, or its data can't be had.
        ActsearchError: the cache can't be written.
    """
    inner = network_task_of(task)
    if inner is None:
        raise BadInput(f"task '{task.name}' is no NetworkTask, so it has no test split")
    training = inner.open_data()
    if isinstance(inner.data, str):
        folder = store.converted(inner.data, inner.folder)
        return HeldOut(store.map_split(folder, "test"), training.n_classes)
    if inner.test is None:
        raise BadInput(
            f"task '{task.name}' has no test split; give it test=FUNCTION, which returns "
            "(inputs, labels)"
        )
    try:
        inputs, targets = inner.test()
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the test function of task '{task.name}' must return (inputs, labels): "
            f"{shorten(str(error))}"
        ) from error
    split = checked_split(inputs, targets, name="test")
    check_held_out(split, training, task.name)
    return HeldOut(split, training.n_classes)


def held_out_task(task: Task, *, curve: bool = True) -> Task:
    """Return ``task`` as trials use it: trained as ever, scored on the test split.

    Args:
        task: a task with a test split.
        curve: look at the validation split on the way and at the end, as a search does; a verdict
            needs none of it, and on 10,000 images it takes a sixth of the time.

    Raises:
        BadInput: it has none.
    """
    if not has_test_split(task):
        raise BadInput(
            f"task '{task.name}' has no test split; scores on its validation split are all it gives"
        )
    if isinstance(task, JointTask):
        return JointTask([held_out_task(part, curve=curve) for part in task.tasks])
    return HeldOutTask(task, curve)


@dataclass(frozen=True)
class HeldOutTask:
    """A task whose score is measured on the test split. Implements ``Task``, ``CompilesAhead``.

    It has one rung, "confirm", as long as the last one of ``task``; a training may name any seed.
    The record's metrics say the score on the validation split, too (``validation_score``), and its
    curve is the one of that split; without ``curve`` there is neither, and the score is the same.
    """

    task: Task
    curve: bool = True
    _opened: list[TrainingData] = field(
        default_factory=list, init=False, repr=False, compare=False, hash=False
    )

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.task.name

    @property
    def score_name(self) -> str:
        """The name of the task's score, on the test split."""
        return self.task.score_name.replace("validation", "test")

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The one rung, which is the full length."""
        return (dataclasses.replace(self.task.rungs[-1], name=CONFIRM),)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the layers of the task give to a formula."""
        return inputs_of(self.task)

    def prepare(self) -> None:
        """Get the data ready, test split included.

        Raises:
            BadInput: they can't be had, or don't fit the network.
            ActsearchError: the cache can't be written.
        """
        self.task.prepare()
        self._open_scored()

    def settings(self) -> dict[str, Any]:
        """Return what decides a score: the task's own settings, and the test split by its hash."""
        test = self._open_scored().validation
        return {
            **self.task.settings(),
            "score": self.score_name,
            "test": {"digest": content_digest(test), "n": len(test)},
        }

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Compile the kernels of formulas that will be trained soon, in one compiler call."""
        self._network_task().compile(formulas, device)

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each of ``trainings`` and score it on the test split; see the Task protocol.

        Raises:
            BadInput: the data can't be had.
        """
        return [self._train_one(training, device, deadline) for training in trainings]

    def _train_one(self, training: Training, device: str, deadline: float | None) -> Record:
        task, scored = self._network_task(), self._open_scored()
        begin, message, outcome, score = time.perf_counter(), "", None, None
        metrics: dict[str, float] = {}
        recipe = scaled(task.recipe, self.rungs[0].learning_rate)
        # A target may be one of the validation split's, and then its looks are part of the task.
        lean = not self.curve and task.until is None
        if lean:
            few = recipe.curve_samples
            recipe = dataclasses.replace(recipe, curve_points=1, short_samples=few)
        try:
            factory = task.factory_of(training.formula)
            outcome = fit(
                factory,
                task.network_for(factory),
                task.open_data(),
                recipe,
                steps=self.rungs[0].steps,
                seed=training.seed,
                device=device,
                deadline=deadline,
                goal=task.goal,
                score=task.score,
                until=task.until,
                brief=lean,
            )
            metrics = dict(outcome.metrics)
            if outcome.status == protocol.OK:
                metrics["n_parameters"] = float(n_parameters(outcome.network))
            if lean:
                metrics = {k: v for k, v in metrics.items() if not k.startswith("validation")}
            if outcome.status == protocol.OK and outcome.score is not None:
                feed = shared_feed(scored, torch.device(device))
                measured = evaluate(outcome.network, feed, None, task.goal)
                score = task.goal.score(task.score).of(measured)
                metrics |= measured.metrics("test")
                if not lean:
                    metrics["validation_score"] = outcome.score
            notes = (outcome.message, slower_backend(training.formula, device))
            message = "; ".join(note for note in notes if note)
        except OSError:
            raise  # the machine's fault, not the candidate's
        except Exception as error:  # noqa: BLE001 - a bad candidate must not end the trials
            outcome, message = None, shorten(f"{type(error).__name__}: {error}", 300)
        status = outcome.status if outcome else protocol.FAILED
        if score is not None and not math.isfinite(score):
            status, score = protocol.DIVERGED, None
        return Record(
            formula=training.formula,
            rung=training.rung,
            seed=training.seed,
            status=status,
            score=score if status == protocol.OK else None,
            metrics={name: value for name, value in metrics.items() if math.isfinite(value)},
            curve=outcome.curve if outcome and not lean else (),
            time_s=time.perf_counter() - begin,
            device=device,
            message=message,
        )

    def _network_task(self) -> NetworkTask:
        inner = network_task_of(self.task)
        assert inner is not None  # held_out_task made sure of it
        return inner

    def _open_scored(self) -> TrainingData:
        """Return the data of the task with the test split in the place of the validation split.

        For scoring alone: of the training split it has a single sample, lest a GPU hold all of it
        a second time.
        """
        if not self._opened:
            data, test = self._network_task().open_data(), open_test_split(self.task).test
            sample = Split(data.train.inputs[:1], data.train.targets[:1])
            self._opened.append(dataclasses.replace(data, train=sample, validation=test))
        return self._opened[0]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": []}  # the arrays stay behind; a worker maps its own
