"""Workers that hang and a driver that was stopped: neither costs the workers that are well."""

from __future__ import annotations

import math
import os
import queue
import signal
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from distributed.comm.core import CommClosedError

from actsearch.tasks.protocol import STOPPED, Training
from actsearch.workers import Cluster, Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.cluster.remote import Terms
from actsearch.workers.cluster.roster import Gone, Roster, Seat
from actsearch.workers.cluster.stream import Stream, _Answer, _Out
from actsearch.workers.desk import Desk, Ticket
from actsearch.workers.limits import TrainingLimit
from actsearch.workers.memory import parse_memory_limit
from actsearch.workers.watchdog import Watchdog
from tests.cluster.conftest import Told, stream_of
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

    def limits() -> list[int]:  # there
        from actsearch.workers import remote

        of_all = [run.setup.memory_bytes for run in remote._runs.values()]
        return [n_bytes for n_bytes in of_all if n_bytes is not None]  # others' have no limit

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


class _Clock:
    """The clock of a driver that is stopped again and again."""

    perf_counter, time = time.perf_counter, time.time

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


def test_a_driver_that_was_stopped_gives_no_worker_up(
    dask: Dask, link: Link, pool_on: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr("actsearch.workers.cluster.stream.time", clock)
    task = Told()
    pool = pool_on(link, task)
    pool._limit = TrainingLimit(60.0, task.rungs)
    given = iter(jobs(["sleep 0.2"] * 8))
    answers = []
    for _, record in pool.stream(lambda: next(given, None)):
        answers.append(record)
        clock.ahead_s += 10_000.0
    assert [record.status for record in answers] == ["ok"] * 8
    assert len({record.metrics["guard"] for record in answers[-4:]}) == 2


class _Nobody:
    """A cluster whose workers are gone, and with them a training that was out."""

    is_up, is_lost = True, False
    cluster = Cluster("tcp://nobody:1")

    def seats(self) -> list[Any]:
        return []

    def refused(self) -> dict[str, str]:
        return {}

    def all_refused(self) -> bool:
        return False


def test_the_end_of_the_budget_ends_a_search_that_has_no_workers(jobs: Any) -> None:
    nobody: Any = _Nobody()
    end_s = time.time() + 0.2
    given = iter(jobs(["x"]))
    desk = Desk(lambda: next(given, None) if time.time() < end_s else None, ("cpu",))
    ticket = desk.pull()
    assert isinstance(ticket, Ticket)
    desk.put_back(ticket.number)
    limit = TrainingLimit(None, Told().rungs)
    stream = Stream(
        *(nobody, nobody, desk, queue.SimpleQueue(), lambda: end_s),
        key="k",
        most=2,
        limit=limit,
        grace_s=60.0,
        patience_s=3.0,
    )
    ((job, record),) = stream.answers()
    assert (job, record.status) == (ticket.job, STOPPED)


@pytest.mark.parametrize("limit_s", [10.0, None])
def test_a_guard_has_the_time_on_a_cluster_that_it_has_here(
    link: Link, jobs: Any, limit_s: float | None
) -> None:
    here = Watchdog(lambda: None, 60.0, 1)
    here.sent(0, limit_s)
    roster = Roster(link, key="k", payload=b"", terms=Terms(), kind="cpu", tell=print)
    given = iter(jobs(["x"]))
    desk = Desk(lambda: next(given, None), ("cpu",))
    stream = stream_of(link, roster, desk, 1, limit_s)
    ticket = desk.pull()
    assert isinstance(ticket, Ticket)
    stream._send(ticket, Seat(next(iter(link.workers())), "cpu"))
    assert stream._out[0].late_s == here._out[0].allowed_s
    stream.clear()


def test_losses_are_counted_for_each_training_and_where_a_worker_was_lost(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Gone | None] = []
    roster = Roster(link, key="k", payload=b"", terms=Terms(), kind="cpu", tell=told.append)
    roster._hear((0.0, {"action": "remove-worker", "worker": "left", "expected": True}))
    roster._hear((0.0, {"action": "remove-worker", "worker": "lost", "expected": False}))
    came, closing = {"action": "add-worker"}, {"action": "closing-worker"}  # so says its nanny
    for worker, events in {"ended": [came, closing], "anew": [came, closing, came]}.items():
        for event in events:
            link.client.log_event(worker, event)
    for worker in ("ended", "anew"):
        roster._hear((0.0, {"action": "remove-worker", "worker": worker, "expected": False}))
    roster._met.add("broken")
    monkeypatch.setattr(Link, "is_up", False)
    roster._look()
    until = time.monotonic() + 30
    while len(told) < 5:  # why one was lost the scheduler is asked first
        assert time.monotonic() < until
        time.sleep(0.01)
    assert told[0] == Gone("left", False)
    found = {gone.worker: gone.was_lost for gone in told if gone is not None}
    assert found == {"left": False, "lost": True, "ended": False, "anew": True, "broken": False}
    # The same candidate and seed at two rungs, each lost once: the second is not the first again.
    monkeypatch.setattr("actsearch.workers.cluster.stream.MAX_LOSSES", 1)
    both = iter([Job((1, 1), Training("x", rung, 1)) for rung in ("short", "full")])
    desk = Desk(lambda: next(both, None), ("cpu",))
    stream = stream_of(link, roster, desk, 2)

    def send_both() -> list[int]:
        for ticket in [desk.pull(), desk.pull()]:
            assert isinstance(ticket, Ticket)
            follower: Future[None] = Future()
            follower.set_result(None)
            future = SimpleNamespace(release=lambda: None)
            seat = Seat("worker", "cpu")
            stream._out[ticket.number] = _Out(ticket, seat, future, follower, 0.0, math.inf)
        return list(stream._out)

    for was_lost in (True, False):
        send_both()
        assert not list(stream._lose(Gone("worker", was_lost)))
    for number in send_both():  # the connection broke under an answer
        assert not list(stream._take(_Answer(number, CommClosedError("closed"))))
    assert len(send_both()) == 2
    assert not roster.refused()


def test_who_has_just_come_is_not_of_no_use() -> None:
    known = {"old:1": {"status": "running"}, "new:2": {"status": "init"}}
    link: Any = SimpleNamespace(is_up=True, workers=lambda: known)
    roster = Roster(link, key="k", payload=b"", terms=Terms(), kind="cpu", tell=lambda _: None)
    roster._met.add("old:1")  # asked, and refused
    roster.refuse("old:1", "other versions")
    roster._look()
    assert not roster.all_refused()  # another one is starting
    del known["new:2"]
    roster._look()
    assert roster.all_refused()
    roster._hear((0.0, {"action": "add-worker", "worker": "new:2"}))
    assert not roster.all_refused()  # it is heard of, and not seen yet
    roster._look()
    assert roster.all_refused()
