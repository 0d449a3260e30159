"""The pools of one worker: this very process, or one process that it guards itself.

In this process there is nothing to start, prints are seen and a debugger may be used; but a
candidate that kills the process kills the search.
"""

from __future__ import annotations

import time
from typing import Protocol

from actsearch.tasks.protocol import Record, Task, Training
from actsearch.workers.charge import Setup
from actsearch.workers.guard import Guard, record_of
from actsearch.workers.jobs import Answers, Deadline, NextJob, Wait
from actsearch.workers.limits import TrainingLimit
from actsearch.workers.streaming import Streaming
from actsearch.workers.training import torch_threads, train_one

#: How long to sleep before asking again where there is nothing to do.
_NAP_S = 0.02


class _Trainer(Protocol):
    def train(self, training: Training, device: str, deadline: float | None) -> Record:
        """Train once."""

    def close(self) -> None:
        """Leave nothing behind."""


class _Here:
    """Trains in this process."""

    def __init__(self, task: Task, threads: int) -> None:
        self._task = task
        self._threads = threads

    def train(self, training: Training, device: str, deadline: float | None) -> Record:
        with torch_threads(self._threads):
            return train_one(self._task, training, device, deadline)

    def close(self) -> None:
        pass


class _Guarded:
    """Trains in a process of its own; a new one is started where it was closed."""

    def __init__(self, setup: Setup, limit: TrainingLimit) -> None:
        self._setup = setup
        self._limit = limit
        self._guard: Guard | None = None

    def train(self, training: Training, device: str, deadline: float | None) -> Record:
        if self._guard is None:
            self._guard = Guard(self._setup)
        limit_s = self._limit.of(training.rung)
        record = record_of(self._guard.train(training, device, deadline, limit_s))
        self._limit.saw(record)
        return record

    def close(self) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None


class OnePool(Streaming):
    """One training at a time. Implements ``Pool``."""

    n_workers = 1

    def __init__(self, trainer: _Trainer, device: str = "cpu") -> None:
        self.devices = (device,)
        self._trainer = trainer

    def _train_all(self, next_job: NextJob, deadline: Deadline) -> Answers:
        try:
            while (job := next_job()) is not None:
                if isinstance(job, Wait):
                    time.sleep(_NAP_S)
                    continue
                yield job, self._trainer.train(job.training, self.devices[0], deadline())
        finally:
            self._trainer.close()


def in_process(task: Task, *, device: str, threads: int) -> OnePool:
    """Return the pool that trains in this process."""
    return OnePool(_Here(task, threads), device)


def guarded(setup: Setup, limit: TrainingLimit, *, device: str) -> OnePool:
    """Return the pool that trains in one process, which this one guards."""
    return OnePool(_Guarded(setup, limit), device)
