"""Workers that leave, pause or hang, and a connection that breaks: no training is to blame."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from actsearch.tasks.protocol import Training
from actsearch.workers import Cluster, Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.limits import TrainingLimit
from tests.cluster.conftest import Told, wait_for_workers
from tests.cluster.dask_processes import Dask


@pytest.fixture(autouse=True)
def _no_loss_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first loss that is counted be a crash."""
    monkeypatch.setattr("actsearch.workers.cluster.stream.MAX_LOSSES", 0)


def first_and(order: str, is_over: Callable[[], bool]) -> Callable[[], Any]:
    """Hand out ``order``, and then short trainings until it is over; at most some hundreds."""
    numbers = iter(range(600))

    def next_job() -> Any:
        number = next(numbers, None)
        if number is None or is_over():
            return None
        formula = "sleep 0.02" if number else order
        return Job((number, 0), Training(formula, "full", number))

    return next_job


def leave(link: Link, dask: Dask, pid: int) -> None:
    """Have the scheduler take a worker out of its service."""
    (address,) = (name for name, found in link.client.run(os.getpid).items() if found == pid)
    link.client.retire_workers([address])


def terminate(link: Link, dask: Dask, pid: int) -> None:
    """Ask a worker to end, as batch systems ask all that they started."""
    psutil: Any = pytest.importorskip("psutil")  # comes with Dask
    for worker in dask.workers:
        if pid in (found.pid for found in psutil.Process(worker.pid).children()):
            worker.terminate()
            return
    raise AssertionError(f"{pid} is no worker's")


@pytest.mark.nightly
@pytest.mark.parametrize("how", [leave, terminate])
def test_a_worker_that_leaves_in_order_is_no_loss(
    how: Callable[[Link, Dask, int], None], own_dask: Dask, pool_on: Any, tmp_path: Path
) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()
    own_dask.work(nanny=True)
    own_dask.work(nanny=True)
    guards: dict[int, int] = {}
    left = 0
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 2)
        stream = pool_on(link).stream(first_and(f"mark {traces}", lambda: 0 in guards))
        for job, record in stream:
            assert record.status == "ok", record
            guards[job.key[0]] = int(record.metrics["guard"])
            if not left and list(traces.iterdir()):
                left = int(next(traces.iterdir()).name)
                how(link, own_dask, left)
    assert left
    assert guards[0] != left


@pytest.mark.nightly
def test_a_paused_worker_gets_nothing_until_it_goes_on(
    dask: Dask, link: Link, pool_on: Any
) -> None:
    first, paused = (worker.pid for worker in dask.workers[:2])
    addresses = {found: name for name, found in link.client.run(os.getpid).items()}

    def pause(dask_worker: Any, status: str) -> None:
        from distributed.core import Status

        statuses: Any = Status
        dask_worker.status = statuses.lookup[status]

    def become(status: str) -> None:
        link.client.run(pause, status=status, workers=[addresses[paused]])
        until = time.monotonic() + 30
        while link.workers()[addresses[paused]]["status"] != status:
            assert time.monotonic() < until
            time.sleep(0.02)

    guards: list[int] = []
    become("paused")
    try:
        stream = pool_on(link).stream(first_and("x", lambda: paused in guards))
        for _, record in stream:
            assert record.status == "ok", record
            guards.append(int(record.metrics["guard"]))
            if len(guards) == 20:
                become("running")
    finally:
        become("running")
    assert set(guards[:20]) == {first}
    assert set(guards) == {first, paused}


@pytest.mark.nightly
def test_a_worker_that_hangs_while_it_trains_is_given_up(
    own_dask: Dask, pool_on: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.stream.MAX_LOSSES", 1)  # this is one
    monkeypatch.setattr("actsearch.workers.guard.START_S", 2.0)
    traces = tmp_path / "traces"
    traces.mkdir()
    own_dask.work()
    own_dask.work()
    guards: dict[int, int] = {}
    hung = 0
    task = Told()
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 2)
        pool = pool_on(link, task)
        pool._limit = TrainingLimit(1.0, task.rungs)
        with warnings.catch_warnings(record=True, action="always") as told:
            stream = pool.stream(first_and(f"mark {traces}", lambda: 0 in guards and bool(told)))
            for job, record in stream:
                assert record.status == "ok", record
                guards[job.key[0]] = int(record.metrics["guard"])
                if not hung and list(traces.iterdir()):
                    hung = int(next(traces.iterdir()).name)
                    os.kill(hung, signal.SIGSTOP)
    assert hung
    assert guards[0] != hung
    assert "a training there ended long after its limit" in str(told[0].message)


class _Relay:
    """A way to a scheduler that can be cut; who comes after that gets through again."""

    def __init__(self, address: str) -> None:
        there = urlsplit(address)
        self._there = (str(there.hostname), int(there.port or 0))
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(self._there)
                self._open += [near, far]
                for ends in [(near, far), (far, near)]:
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(2**16):
                target.sendall(piece)
        for end in (source, target):
            end.close()

    def cut(self) -> None:
        """Break all connections that there are."""
        cut, self._open = self._open, []
        for end in cut:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()
        self.cut()


@pytest.mark.nightly
def test_a_connection_that_breaks_and_comes_back_costs_nothing(
    dask: Dask, link: Link, pool_on: Any
) -> None:
    answered: list[int] = []
    n_cut = 0
    with (
        contextlib.closing(_Relay(dask.address)) as relay,
        Link(Cluster(relay.address, wait_s=60)) as far,
    ):
        stream = pool_on(far).stream(first_and("sleep 0.5", lambda: len(answered) > 60))
        for job, record in stream:
            assert record.status == "ok", record
            answered.append(job.key[0])
            if len(answered) in (20, 40):
                relay.cut()
                n_cut += 1
    assert n_cut == 2
    assert sorted(answered) == list(range(len(answered)))
