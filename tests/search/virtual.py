"""Workers that take virtual time: a pool that trains in no time and says how long it would take.

Times of trainings of one length are log-normal, and drawn by what is trained, so that everything is
the same on every machine. Only for tests and ``benchmarks/scaling.py``.
"""

from __future__ import annotations

import heapq
import math
from statistics import NormalDist
from typing import Any

from actsearch.tasks.protocol import Record, Rung
from actsearch.workers import Job, Wait
from tests.search.simulated import PoolWithoutProcesses, SimulatedTask, number_of


class LadderTask(SimulatedTask):
    """The simulated task with rungs as long as those that a task of one's own has by default."""

    rungs = (
        Rung("short", 50, (0,)),
        Rung("medium", 140, (0,)),
        Rung("full", 350, tuple(range(8))),
    )


def factor(sigma: float, *key: object) -> float:
    """Return a number that is log-normal with median 1 over the keys."""
    return math.exp(sigma * NormalDist().inv_cdf(number_of("time", *key) * (1 - 2e-12) + 1e-12))


class VirtualPool(PoolWithoutProcesses):
    """Implements ``Pool`` in virtual time; a training of the shortest rung takes 1 in the median.

    Args:
        n_workers: How many trainings run at once.
        task: What trains.
        sigma: Standard deviation of the logarithms of the times.
        driver: What the driver needs for each record before it hands out more. It does one thing
            at a time, and the worker waits for it.
    """

    def __init__(
        self, n_workers: int, task: Any, *, sigma: float = 0.8, driver: float = 0.0
    ) -> None:
        self.n_workers = n_workers
        self.clock = 0.0
        self.n_trainings = 0
        self.busy = 0.0
        #: When there was nothing more to hand out: what comes after is no longer a search.
        self.end: float | None = None
        self._task = task
        self._sigma = sigma
        self._driver = driver

    @property
    def share(self) -> float:
        """Share of the workers' time up to the end that was spent in trainings."""
        assert self.end is not None
        return self.busy / (self.n_workers * self.end)

    def time_of(self, job: Job, record: Record) -> float:
        """Return how long a training takes; one that is stopped early takes less."""
        shortest = self._task.rungs[0].steps
        steps = {rung.name: rung.steps for rung in self._task.rungs}[record.rung]
        if record.status == "pruned":
            steps = record.curve[-1][0]
        return steps / shortest * factor(self._sigma, *job.key, record.rung)

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        running: list[tuple[float, int, Job, Record]] = []
        while True:
            while self.end is None and len(running) < self.n_workers:
                job = next_job()
                if isinstance(job, Wait):
                    break
                if job is None:
                    self.end = self.clock
                    self.busy -= sum(ends - self.clock for ends, *_ in running)
                    break
                record = self._task.train([job.training])[0]
                time = self.time_of(job, record)
                self.busy += time
                self.n_trainings += 1
                heapq.heappush(running, (self.clock + time, self.n_trainings, job, record))
            if not running:
                assert self.end is not None, "the engine waits and nothing is in flight"
                return
            ends, _, job, record = heapq.heappop(running)
            # It may have ended while the driver was at an earlier one.
            self.clock = max(ends, self.clock) + self._driver
            yield job, record
