"""What the driver hands out and what it gets back, whatever does the work in between.

``Pool`` is the whole interface between the search and its workers. The search says what is next
when it is asked, and never learns in which process, on which device or in what order it was done.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, Protocol

from actsearch.tasks.protocol import Record, Training


@dataclass(frozen=True)
class Job:
    """One training with the driver's own key: the birth's id and the seed."""

    key: tuple[int, int]
    training: Training


class Wait(enum.Enum):
    """The type of ``WAIT``."""

    WAIT = "wait"


#: Nothing to hand out at this moment; ask again shortly.
WAIT: Final = Wait.WAIT

#: Returns the next job, WAIT, or None for the end. Called from any thread, one call at a time; it
#: must not block, and must not need a lock that is held while the stream is asked for its next.
NextJob = Callable[[], "Job | Wait | None"]

#: Returns the ``time.time()`` value at which trainings are to stop, or None for no such time.
Deadline = Callable[[], "float | None"]

Answers = Generator[tuple[Job, Record], None, None]


def no_deadline() -> None:
    """Return None: trainings may take as long as they take."""


class Pool(Protocol):
    """Workers that train. A context manager; nothing of it is left after ``close``."""

    @property
    def n_workers(self) -> int:
        """How many trainings run at once."""

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that they run on."""

    def stream(self, next_job: NextJob, *, deadline: Deadline = no_deadline) -> Answers:
        """Train what ``next_job`` hands out and yield each job with its record as it ends.

        Jobs are pulled one at a time, no more than are needed to keep the workers busy. Every job
        that was pulled is answered exactly once, in any order, unless the stream is closed before
        its end. Whatever a training does, its answer is a record.

        Args:
            next_job: what is next. None ends the stream as soon as what is in flight has ended;
                it is not called again after that.
            deadline: looked at when a job is sent out; a training stops then, with status
                "stopped".

        Raises:
            ActsearchError: the workers can't be started, or can't load the task.
        """

    def close(self) -> None:
        """End what runs, at once, and leave no process behind."""

    def __enter__(self) -> Pool: ...

    def __exit__(self, *_: object) -> None: ...
