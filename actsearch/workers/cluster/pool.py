"""The pool of workers on a cluster, and how a search gets one."""

from __future__ import annotations

import queue
import uuid
from typing import Any

from actsearch.tasks.protocol import Task
from actsearch.workers.cluster.elsewhere import pack_to_open
from actsearch.workers.cluster.link import Link
from actsearch.workers.cluster.remote import Terms
from actsearch.workers.cluster.roster import Roster
from actsearch.workers.cluster.stream import Stream
from actsearch.workers.desk import CPU, Desk
from actsearch.workers.jobs import Answers, Deadline, NextJob
from actsearch.workers.limits import TrainingLimit
from actsearch.workers.streaming import Streaming

TERMS = Terms()
#: How long a search goes on without any worker: those of a batch system, or of a machine that
#: starts anew, come back.
PATIENCE_S = 60.0


class ClusterPool(Streaming):
    """Trainings on the workers of a cluster. Implements ``Pool``.

    Args:
        task: what to train on; it is prepared before the stream is read, and pickled once.
        link: the cluster, which is not closed here.
        limit: how long a training may take.
        workers: how many trainings run at once at most.
        kind: "cpu", or "cuda" for workers with a GPU of their own.
        terms: of each training.
        patience_s: how long to go on without a worker.
    """

    def __init__(
        self,
        task: Task,
        link: Link,
        limit: TrainingLimit,
        *,
        workers: int,
        kind: str = CPU,
        terms: Terms = TERMS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.devices = (CPU,) if kind == CPU else (f"{kind}:0",)
        self._task = task
        self._link = link
        self._most = workers
        self._kind = kind
        self._limit = limit
        self._terms = terms
        self._patience_s = max(patience_s, link.cluster.wait_s)
        self._roster: Roster | None = None

    @property
    def n_workers(self) -> int:
        """How many trainings run at once: as many as can now, or before the start, at most."""
        return min(self.n_seats or self._most, self._most)

    @property
    def n_seats(self) -> int | None:
        """How many trainings the workers that are there have room for; None before the start."""
        return None if self._roster is None else len(self._roster.seats())

    def _train_all(self, next_job: NextJob, deadline: Deadline) -> Answers:
        desk = Desk(next_job, (CPU,))
        payload = pack_to_open(self._task)
        key = uuid.uuid4().hex  # two searches on one cluster must not end each other's trainings
        news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        roster = Roster(
            self._link,
            key=key,
            payload=payload,
            terms=self._terms,
            kind=self._kind,
            tell=news.put,
        )
        stream = Stream(
            self._link,
            roster,
            desk,
            news,
            deadline,
            key=key,
            most=self._most,
            limit=self._limit,
            grace_s=self._terms.grace_s,
            patience_s=self._patience_s,
        )
        with roster:
            self._roster = roster
            try:
                yield from stream.answers()
            finally:
                self._roster = None
                stream.clear()
