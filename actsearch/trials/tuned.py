"""A task as a comparison wants it: other lengths, learning rates, targets, and the test split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput
from actsearch.tasks.protocol import Record, Rung, Task, Training, inputs_of
from actsearch.tasks.target import Target

if TYPE_CHECKING:
    from actsearch.tasks.network_task import NetworkTask


_TUNING = "tuning "


@dataclass(frozen=True)
class TunedTask:
    """A ``NetworkTask`` trained in another way. Implements ``Task``, ``CompilesAhead``.

    It has one rung for each learning rate, so that formulas with different rates train side by side
    in one pool of workers; and one more for each to choose the rate by, which is scored on the
    validation split always: a choice by test scores would be one on the test split.

    Args:
        task: a ``NetworkTask``, or one loaded from a file; pickled as it is.
        steps: optimizer steps of one training; None: those of its last rung.
        learning_rates: peaks; empty: the one of its recipe.
        until: a target such as "train-error=0.25", whose step and time are recorded.
        test: score on the test split.
    """

    task: Task
    steps: int | None = None
    learning_rates: tuple[float, ...] = ()
    until: str | None = None
    test: bool = False
    _made: dict[str, Task] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.task.name

    @property
    def score_name(self) -> str:
        """The name of the score, on the split that is scored."""
        return self._inner(self.rungs[0].name).score_name

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """One rung a learning rate, in their order."""
        last = self.task.rungs[-1]
        n_steps = last.steps if self.steps is None else self.steps
        names = [rung_of(rate) for rate in self.learning_rates] or [rung_of(None)]
        return tuple(Rung(name, n_steps, last.seeds) for name in names)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the layers of the task give to a formula."""
        return inputs_of(self.task)

    def prepare(self) -> None:
        """Get the data ready; see the Task protocol."""
        self._inner(self.rungs[0].name).prepare()

    def settings(self) -> dict[str, Any]:
        """Return what decides a score."""
        return {
            **self._inner(self.rungs[0].name).settings(),
            "learning_rates": list(self.learning_rates),
        }

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Compile the kernels of formulas in one compiler call."""
        self._network_task().compile(formulas, device)

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each with the learning rate of its rung; see the Task protocol."""
        records = []
        for training in trainings:
            inner = self._inner(training.rung)
            asked = dataclasses.replace(training, rung=inner.rungs[-1].name)
            (record,) = inner.train([asked], device=device, deadline=deadline)
            records.append(dataclasses.replace(record, rung=training.rung))
        return records

    def _inner(self, rung: str) -> Task:
        """Return the task that trains at ``rung``; made once a process, so that data open once."""
        test = self.test and not rung.startswith(_TUNING)
        rung = rung if self.test else rung.removeprefix(_TUNING)
        if rung not in self._made:
            from actsearch.tasks.heldout import held_out_task

            base = self._network_task()
            changes: dict[str, Any] = {}
            if self.steps is not None:
                changes |= {"steps": self.steps, "rungs": ()}
            if rung != rung_of(None):
                rates = {rung_of(rate): rate for rate in self.learning_rates}
                rate = rates[rung.removeprefix(_TUNING)]
                recipe = dataclasses.replace(base.recipe, learning_rate=rate)
                changes["recipe"] = recipe
            if self.until is not None:
                changes["until"] = Target.parse(self.until)
            if not isinstance(base.data, str):
                changes["data"] = base.open_data  # what one of them opened serves the others
            inner: Task = dataclasses.replace(base, **changes)
            self._made[rung] = held_out_task(inner) if test else inner
        return self._made[rung]

    def _network_task(self) -> NetworkTask:
        from actsearch.tasks.heldout import network_task_of

        inner = network_task_of(self.task)
        if inner is None:
            raise BadInput(
                f"task '{self.task.name}' is no NetworkTask: its steps, learning rate and "
                "target are its own; leave out --steps, --learning-rate and --until"
            )
        return inner

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": {}}


def rung_of(learning_rate: float | None, *, tuning: bool = False) -> str:
    """Return the name of the rung that trains with a learning rate; None: that of the recipe.

    Args:
        learning_rate: one of the task's.
        tuning: the one to choose by, on the validation split.
    """
    name = "full" if learning_rate is None else f"lr={learning_rate:g}"
    return _TUNING + name if tuning else name
