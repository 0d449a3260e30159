"""Disk or data that fail at a worker: it gets another chance; a training's own fault ends it."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actsearch.errors import MachineFault
from actsearch.tasks.protocol import Training
from actsearch.workers import WAIT, Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.cluster.remote import Terms
from actsearch.workers.cluster.roster import Roster, Seat
from actsearch.workers.cluster.stream import _Answer, _Out
from actsearch.workers.desk import Desk, Ticket
from actsearch.workers.guard import Faulty
from tests.cluster.conftest import Told, stream_of, wait_for_workers
from tests.cluster.dask_processes import Dask, end


@pytest.fixture(scope="module")
def elsewhere(dask: Dask, link: Link) -> Iterator[int]:
    """Return a worker on another machine than the two that there are."""
    worker = dask.work("--host", "127.0.0.2")
    wait_for_workers(link, 3)
    yield worker.pid
    dask.workers.remove(worker)
    end(worker)
    wait_for_workers(link, 2)


def _without_disk(file: Path) -> tuple[Told, str]:
    return Told(), f"no-disk-at {file}"


def _without_data(file: Path) -> tuple[Told, str]:
    return Told(lacks_at=file), "sleep 0.02"


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (_without_disk, "it can't go on: .*No space left on device"),
        pytest.param(
            *(_without_data, "it can't load the task: .*the data are not here"),
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_machine_trains_again_once_its_fault_has_passed(
    lacking: Callable[[Path], tuple[Told, str]],
    said: str,
    dask: Dask,
    link: Link,
    elsewhere: int,
    pool_on: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.stream.REST_S", 0.1)
    faulty = {worker.pid for worker in dask.workers[:2]}  # two workers of one machine
    file = tmp_path / "faulty"
    file.write_text(" ".join(map(str, faulty)))
    task, order = lacking(file)
    guards: list[int] = []
    n_out = 0

    def next_job() -> Any:
        nonlocal n_out
        if faulty <= set(guards) or n_out > 600:
            return None
        n_out += 1
        return Job((n_out, 0), Training(order, "full", n_out))

    with warnings.catch_warnings(record=True, action="always") as told:
        for _, record in pool_on(link, task).stream(next_job):
            assert record.status == "ok"
            guards.append(int(record.metrics["guard"]))
            if told and file.read_text():
                assert set(guards) == {elsewhere}
                file.write_text("")
    assert len(guards) == n_out
    assert set(guards) == {*faulty, elsewhere}
    assert re.search(rf"gets? no work for now: .*{said}", str(told[0].message))


def test_a_machine_is_one_place_however_many_workers_it_has(
    jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    link: Any = SimpleNamespace(is_up=True)
    roster = Roster(link, key="k", payload=b"", terms=Terms(), kind="cpu", tell=print)
    roster._hosts = {"a:1": "a", "a:2": "a", "a:3": "a", "b:1": "b"}
    given = iter(jobs(["x", "y"]))
    desk = Desk(lambda: next(given, WAIT), ("cpu",))
    stream = stream_of(link, roster, desk, 1)

    def send(ticket: Ticket, seat: Seat) -> None:
        follower: Future[None] = Future()
        follower.set_result(None)
        future = SimpleNamespace(release=lambda: None)
        stream._out[ticket.number] = _Out(ticket, seat, future, follower, 0.0, math.inf)

    monkeypatch.setattr(stream, "_send", send)

    def meets_a_fault(*there: str) -> str:
        """Return where a training goes that meets a fault, of the workers that are free."""
        roster._seats = {worker: (Seat(worker, "cpu"),) for worker in there}
        stream._hand_out()
        ((number, out),) = stream._out.items()
        assert not list(stream._take(_Answer(number, Faulty("no disk"))))
        return out.seat.worker

    assert meets_a_fault("a:1", "a:2") == "a:1"
    assert set(roster.refused()) == {"a:1", "a:2"}
    assert roster.rests("a:2")
    assert meets_a_fault("a:3") == "a:3"
    roster._refused.clear()
    with pytest.raises(MachineFault, match="a:1 and b:1: no disk"):
        meets_a_fault("a:2", "b:1")


def test_a_fault_of_one_training_on_two_machines_is_its_own(
    link: Link, elsewhere: int, pool_on: Any, jobs: Any
) -> None:
    def tasks() -> list[str]:  # there
        from actsearch.workers import remote

        return list(remote._runs)

    before = link.client.run(tasks)
    given = iter(jobs(["sleep 0.02"] * 4 + ["no-disk"]))
    stream = pool_on(link).stream(
        lambda: next(given, Job((9, 9), Training("sleep 0.02", "full", 9)))
    )
    where = r"tcp://\S+ and tcp://\S+: OSError: .*No space left on device"
    with (
        warnings.catch_warnings(action="ignore"),  # of the first of the two
        pytest.raises(MachineFault, match=f"can't go on: {where}") as caught,
    ):
        list(stream)
    assert set(re.findall(r"tcp://(\S+):\d+", str(caught.value))) == {"127.0.0.1", "127.0.0.2"}
    # Those that rested at the end have let go of the task as well.
    assert link.client.run(tasks) == before
