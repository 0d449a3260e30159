"""What a task is: the values that travel between the driver and the trainings, and the protocol.

The search knows nothing of networks or data: it asks a task for records of (formula, rung, seed)
and a task may answer many at once. Everything here is plain data, free of torch and numpy, so that
the driver, the store and the command line can import it at no cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from actsearch.errors import BadInput

OK = "ok"
DIVERGED = "diverged"  # the loss became infinite or NaN
FAILED = "failed"  # building or training the network raised
STOPPED = "stopped"  # the deadline passed
CRASHED = "crashed"  # the worker process died; set by the workers, never by a task
TIMEOUT = "timeout"  # it took longer than a training may; set by the workers, too
NO_SIGNAL = "no signal"  # at initialisation nothing, or infinity, comes through the network
PRUNED = "pruned"  # its curve fell behind the pace that was asked for

#: What the layers of every network give to an activation: its pre-activation.
ONLY_X = ("x",)

STATUSES = (OK, DIVERGED, FAILED, STOPPED, CRASHED, TIMEOUT, NO_SIGNAL, PRUNED)

#: Points (step, least validation score) that a training's curve must not fall below.
Pace = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Rung:
    """One level of effort: how long a training is, and with which seeds it may be repeated.

    Seeds are used in their order, and only as many as the search needs to decide about a candidate.
    ``learning_rate`` is a factor on the task's own: a short training may rank better at another.
    """

    name: str
    steps: int
    seeds: tuple[int, ...]
    learning_rate: float = 1.0

    def settings(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {**vars(self), "seeds": list(self.seeds)}


@dataclass(frozen=True)
class Training:
    """One training that is asked for.

    ``pace`` may be ignored by a task; one that heeds it ends a training whose validation score at
    one of these steps is below the given one, with status "pruned".
    """

    formula: str
    rung: str
    seed: int
    pace: Pace = ()


@dataclass(frozen=True)
class Record:
    """What came of one training: plain, picklable values that JSON can hold (all floats finite).

    ``score`` is higher for better and None unless ``status`` is "ok". ``metrics`` holds the final
    losses and what the activation's parameters became (``p0[1]``: parameter p0 of the second
    activation layer), and of whole trainings how many numbers the network learned
    (``n_parameters``) and what passed its layers (``signal.Signal.metrics``). ``curve`` has a few
    points (step, training loss, validation score).
    """

    formula: str
    rung: str
    seed: int
    status: str
    score: float | None
    metrics: dict[str, float]
    curve: tuple[tuple[int, float, float], ...]
    time_s: float
    device: str
    message: str = ""


@runtime_checkable
class Task(Protocol):
    """A network and its data, as the search sees them.

    An object of this protocol must be cheap to pickle (names and settings, no arrays): it is sent
    to the workers, which open the data on first use. It may have an attribute ``known``, name ->
    formula of the known activations that its results are held against; without it, or with None,
    these are those of the zoo.
    """

    @property
    def name(self) -> str:
        """The name shown to people and kept in the run."""

    @property
    def score_name(self) -> str:
        """What ``Record.score`` measures, as in "validation accuracy"."""

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The levels of effort, the cheapest first; at least one."""

    def prepare(self) -> None:
        """Download, convert or generate the data; called once, before any worker starts.

        Raises:
            BadInput: the data are missing or damaged.
            ActsearchError: they can't be written to the cache.
        """

    def settings(self) -> dict[str, Any]:
        """Return all that decides a score (network, optimizer, steps, hash of the data) as JSON."""

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each of ``trainings`` and return their records in the same order.

        In a worker process what a training changes (the current folder, environment variables,
        handlers of signals, warnings, switches of torch and numpy) is set back before the next one
        to what it was when the task had been loaded, and the global generators of random numbers
        are seeded with ``Training.seed``.

        Args:
            trainings: what to train; the same training gives the same record, whatever came before.
            device: a torch device, as in "cpu" or "cuda:0".
            deadline: a ``time.time()`` value after which trainings end with status "stopped".

        Returns:
            One record for each training. A bad candidate is a record, never an exception.
        """


@runtime_checkable
class CompilesAhead(Protocol):
    """A task that can do work for many formulas at once, such as one call of a compiler."""

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Get formulas ready that will be trained soon; called by the driver.

        Args:
            formulas: as trainings will name them.
            device: where they will be trained.
        """


@runtime_checkable
class GivesInputs(Protocol):
    """A task whose layers give more to an activation than its pre-activation."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What formulas may read: ``x``, and of ``u`` (second projection), ``o`` (overlap)."""


def inputs_of(task: object) -> tuple[str, ...]:
    """Return what the layers of a task give to a formula; ``x`` alone where it does not say."""
    return tuple(task.inputs) if isinstance(task, GivesInputs) else ONLY_X


def check_inputs(task: Task, read: Sequence[str], who: str) -> None:
    """Refuse what reads inputs that the layers of a task don't give.

    Args:
        task: where it would be trained.
        read: what it reads.
        who: what reads it, as the message shall begin.

    Raises:
        BadInput: the task lacks one.
    """
    given = inputs_of(task)
    lacking = [name for name in read if name not in given]
    if lacking:
        raise BadInput(
            f"{who} reads {', '.join(read)}, and the layers of task '{task.name}' give "
            f"{', '.join(given)}{'' if len(given) > 1 else ' alone'}; {_REMEDIES[lacking[-1]]}"
        )


@runtime_checkable
class NamesChannels(Protocol):
    """A task that knows whether formulas with parameters a channel can be trained on it."""

    @property
    def names_channels(self) -> bool:
        """Whether its network says at each activation how many channels there are."""


def names_channels(task: object) -> bool:
    """Return whether parameters a channel can be trained; a task that can't say is taken to."""
    return not isinstance(task, NamesChannels) or task.names_channels


def check_channels(task: Task, who: str, otherwise: str) -> None:
    """Refuse what has parameters a channel where the network does not say how many there are.

    Args:
        task: where it would be trained.
        who: what has them, as the message shall begin.
        otherwise: what else helps than another network, as the message shall end.

    Raises:
        BadInput: a place of the network is silent.
    """
    if not names_channels(task):
        raise BadInput(
            f"{who} has parameters per channel, and the network of task '{task.name}' does not say "
            "at each activation how many channels there are; build the layers of your own by "
            "actsearch.tasks.units.unit, or call make_activation(n_channels=...), or "
            f"{otherwise}"
        )


_REMEDIES = {
    "u": "take another task, such as mnist1d-mlp or mnist1d-cnn, or build the layers of your own "
    "by actsearch.tasks.units.unit and let your network say inputs = ('x', 'u')",
    "o": "overlaps are of fully connected layers: take a task such as keywords, or build the "
    "layers of your own by actsearch.tasks.units.unit and let your network say inputs = "
    "('x', 'u', 'o')",
}
