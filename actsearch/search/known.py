"""Trainings that a repair of the run set aside: answered when they are asked for, not made again.

The search asks as ever and does not know who answers, so its log is that of a run without a hole.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import fields

from actsearch.runs.aside import Aside
from actsearch.tasks.protocol import Record, Training
from actsearch.workers import WAIT, Job, Pool
from actsearch.workers.jobs import Answers, Deadline, NextJob, Wait, no_deadline


def known_first(pool: Pool, known: Sequence[Aside]) -> Pool:
    """Return a pool that hands on to ``pool`` what is not known.

    Args:
        pool: what trains.
        known: what was set aside; without it ``pool`` is returned.
    """
    return _KnownFirst(pool, known) if known else pool


class _KnownFirst:
    """Implements ``Pool`` by another one."""

    def __init__(self, pool: Pool, known: Sequence[Aside]) -> None:
        self._pool = pool
        self._known = {
            Training(one.formula, one.row.rung, one.row.seed, one.heat.pace): one.row
            for one in known
        }
        self.n_workers = pool.n_workers
        self.devices = pool.devices

    def stream(self, next_job: NextJob, *, deadline: Deadline = no_deadline) -> Answers:
        found: deque[Job] = deque()
        ended = False
        n_sent = n_back = 0  # each counted in a thread of its own

        def unknown() -> Job | Wait | None:
            nonlocal ended, n_sent
            while isinstance(job := next_job(), Job) and job.training in self._known:
                found.append(job)
            ended = job is None
            n_sent += isinstance(job, Job)
            # It may be what was found that all wait for: it is told after the next answer of the
            # pool, and where none is to come, when the pool has come to its end.
            return None if job is WAIT and found and n_sent == n_back else job

        first: list[Job | Wait] = []

        def hand_out() -> Job | Wait | None:
            return first.pop() if first else unknown()

        while not ended:
            job = unknown()
            yield from self._answers(found)
            if job is None:
                continue
            first[:] = [job]
            with contextlib.closing(self._pool.stream(hand_out, deadline=deadline)) as answers:
                for answer in answers:
                    n_back += 1
                    yield answer
                    yield from self._answers(found)
            yield from self._answers(found)

    def _answers(self, found: deque[Job]) -> Answers:
        while found:
            job = found.popleft()
            row = self._known[job.training]
            values = {one.name: getattr(row, one.name) for one in fields(Record)[1:]}
            yield job, Record(job.training.formula, **values)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
