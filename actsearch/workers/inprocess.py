"""The pool of one worker that is this very process: nothing to start, and easy to debug.

A candidate that kills the process kills the search; a pool of processes survives that.
"""

from __future__ import annotations

import time
from types import TracebackType

from actsearch.tasks.protocol import Task
from actsearch.workers.jobs import Answers, Deadline, NextJob, Wait, no_deadline
from actsearch.workers.training import torch_threads, train_one

#: How long to sleep before asking again where there is nothing to do.
_NAP_S = 0.02


class InProcessPool:
    """One training at a time, here. Implements ``Pool``."""

    n_workers = 1

    def __init__(self, task: Task, *, device: str = "cpu", threads: int = 1) -> None:
        self.devices = (device,)
        self._task = task
        self._threads = threads
        self._running: Answers | None = None

    def stream(self, next_job: NextJob, *, deadline: Deadline = no_deadline) -> Answers:
        """See ``Pool.stream``."""
        self.close()
        self._running = self._train_all(next_job, deadline)
        return self._running

    def _train_all(self, next_job: NextJob, deadline: Deadline) -> Answers:
        while (job := next_job()) is not None:
            if isinstance(job, Wait):
                time.sleep(_NAP_S)
                continue
            with torch_threads(self._threads):
                record = train_one(self._task, job.training, self.devices[0], deadline())
            yield job, record

    def close(self) -> None:
        """See ``Pool.close``."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def __enter__(self) -> InProcessPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
