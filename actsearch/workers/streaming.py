"""What all pools have in common: one stream at a time, which ends when the pool is closed."""

from __future__ import annotations

from typing import Self

from actsearch.workers.jobs import Answers, Deadline, NextJob, no_deadline


class Streaming:
    """The part of ``Pool`` around ``_train_all``, which a pool has to write."""

    _running: Answers | None = None

    def _train_all(self, next_job: NextJob, deadline: Deadline) -> Answers:
        """Answer every job; whatever was started ends with the generator."""
        raise NotImplementedError

    def stream(self, next_job: NextJob, *, deadline: Deadline = no_deadline) -> Answers:
        """See ``Pool.stream``."""
        self.close()
        self._running = self._train_all(next_job, deadline)
        return self._running

    def close(self) -> None:
        """See ``Pool.close``."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
