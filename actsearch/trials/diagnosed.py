"""A task as a diagnosis wants it: other depths and learning rates, and looks into its layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput
from actsearch.tasks.protocol import Record, Rung, Task, Training, inputs_of

if TYPE_CHECKING:
    from actsearch.tasks.network_task import NetworkTask


@dataclass(frozen=True)
class Way:
    """How one network is trained: of which depth and at which learning rate; None: the task's."""

    depth: int | None = None
    learning_rate: float | None = None

    @property
    def rung(self) -> str:
        """The name of the rung that trains so."""
        words = [] if self.depth is None else [f"depth={self.depth}"]
        words += [] if self.learning_rate is None else [f"lr={self.learning_rate:g}"]
        return " ".join(words) or "full"


@dataclass(frozen=True)
class DiagnosedTask:
    """A ``NetworkTask`` whose layers are looked into. Implements ``Task``, ``CompilesAhead``.

    It has one rung for each way to train. The metrics of a record are those of
    ``tasks.diagnosis.Looks`` besides the usual ones; a training that came to no score has them as
    far as it got.

    Args:
        task: a ``NetworkTask``, or one loaded from a file; pickled as it is.
        ways: how to train, one or more.
        looks: after which steps to look; the last of them is the length of a training, which is of
            one step where the weights are looked at as they start.
        gain: of all initial weights behind activations; None: the one that suits the activation.

    Raises:
        BadInput: it is no ``NetworkTask``.
    """

    task: Task
    ways: tuple[Way, ...]
    looks: tuple[int, ...]
    gain: float | None = None
    _made: dict[str, NetworkTask] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        self._network_task()

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.task.name

    @property
    def score_name(self) -> str:
        """The name of the score, on the validation split."""
        return self.task.score_name

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """One rung a way, in their order."""
        last = self.task.rungs[-1]
        return tuple(Rung(way.rung, self._steps, last.seeds) for way in self.ways)

    @property
    def _steps(self) -> int:
        return max(1, self.looks[-1])

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the layers of the task give to a formula."""
        return inputs_of(self.task)

    def prepare(self) -> None:
        """Get the data ready and try the network of each way once; see the Task protocol.

        Raises:
            BadInput: the data can't be had, or a network can't be built.
            ActsearchError: the cache can't be written.
        """
        for way in self.ways:
            self.task_of(way).prepare()

    def settings(self) -> dict[str, Any]:
        """Return what decides a score."""
        return {
            **self._network_task().settings(),
            "ways": [dataclasses.asdict(way) for way in self.ways],
            "gain": self.gain,
        }

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Compile the kernels of formulas in one compiler call."""
        self._network_task().compile(formulas, device)

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each in the way of its rung, and look into it; see the Task protocol."""
        from actsearch.tasks.diagnosis import Looks

        ways = {way.rung: way for way in self.ways}
        records = []
        for training in trainings:
            inner = self.task_of(ways[training.rung])
            asked = dataclasses.replace(training, rung=inner.rungs[-1].name)
            looks = Looks(self.looks)
            record = inner.train_one(asked, device, deadline, observer=looks, gain=self.gain)
            metrics = {**record.metrics, **looks.metrics}
            records.append(dataclasses.replace(record, rung=training.rung, metrics=metrics))
        return records

    def task_of(self, way: Way) -> NetworkTask:
        """Return the task that trains in a way; made once a process, so that data open once.

        Raises:
            BadInput: its network can't be made as deep.
        """
        if way.rung not in self._made:
            from actsearch.tasks.depth import deepened
            from actsearch.tasks.diagnosis import NO_LIMITS

            base = self._network_task()
            recipe = dataclasses.replace(base.recipe, signal=NO_LIMITS)
            if way.learning_rate is not None:
                recipe = dataclasses.replace(recipe, learning_rate=way.learning_rate)
            inner = dataclasses.replace(
                base,
                recipe=recipe,
                steps=self._steps,
                rungs=(),
                until=None,
                data=base.open_data,  # what one of them opened serves the others
            )
            self._made[way.rung] = inner if way.depth is None else deepened(inner, way.depth)
        return self._made[way.rung]

    def _network_task(self) -> NetworkTask:
        from actsearch.tasks.heldout import network_task_of

        inner = network_task_of(self.task)
        if inner is None:
            raise BadInput(
                f"task '{self.task.name}' is no NetworkTask, so there are no layers to look into; "
                "give one network at a time, such as mnist1d-mlp"
            )
        return inner

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": {}}  # arrays stay behind; a worker maps its own
