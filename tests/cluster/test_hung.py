"""Workers that hang and a driver that was stopped: neither costs the workers that are well."""

from __future__ import annotations

import os
import signal
from typing import Any

from actsearch.tasks.protocol import Training
from actsearch.workers import Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.cluster.remote import Terms
from actsearch.workers.memory import parse_memory_limit
from tests.cluster.dask_processes import Dask


def test_a_worker_that_hangs_keeps_no_other_out_and_shares_when_it_comes(
    dask: Dask, link: Link, pool_on: Any
) -> None:
    hung = dask.workers[0]
    guards: list[int] = []
    n_shared = 0

    def next_job() -> Any:
        if n_shared > 6 or len(guards) > 500:
            return None
        return Job((len(guards), 0), Training("sleep 0.02", "full", 0))

    def limits() -> list[int | None]:  # there
        from actsearch.workers import remote

        return [run.setup.memory_bytes for run in remote._runs.values()]

    pool = pool_on(link, terms=Terms(memory_limit="auto"), patience_s=15)
    os.kill(hung.pid, signal.SIGSTOP)
    try:
        stream = pool.stream(next_job)
        for _, record in stream:
            guards.append(int(record.metrics["guard"]))
            if len(guards) == 1:
                os.kill(hung.pid, signal.SIGCONT)
            n_shared += len(set(guards)) == 2
            if n_shared == 6:
                found = link.client.run(limits)
    finally:
        os.kill(hung.pid, signal.SIGCONT)
    assert guards[0] == dask.workers[1].pid
    assert set(guards) == {worker.pid for worker in dask.workers[:2]}
    # Each was alone when it came.
    assert set(map(tuple, found.values())) == {(parse_memory_limit("auto", 2),)}
