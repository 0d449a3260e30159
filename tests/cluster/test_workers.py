"""Workers that come, go, die and differ: every job is answered once, and nothing hangs."""

from __future__ import annotations

import os
import signal
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError
from actsearch.tasks.protocol import Record, Training
from actsearch.workers import Cluster, Where, reached
from actsearch.workers.cluster import remote
from actsearch.workers.cluster.link import Link
from actsearch.workers.remote import is_ready
from actsearch.workers.shipping import pack
from tests.cluster.conftest import Told, wait_for_workers
from tests.cluster.dask_processes import Dask, end

PRELOADS = Path(__file__).with_name("preloads")


def test_jobs_go_to_all_workers_one_at_a_time(
    link: Link, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    answers = list(pool_on(link).stream(hand_out(jobs(["sleep 0.1"] * 8))))
    assert sorted(job.key[0] for job, _ in answers) == list(range(8))
    by_worker: dict[float, list[tuple[float, float]]] = {}
    for _, record in answers:
        span = (record.metrics["begin"], record.metrics["end"])
        by_worker.setdefault(record.metrics["guard"], []).append(span)
    assert len(by_worker) == 2
    for spans in by_worker.values():
        assert all(end <= begin for (_, end), (begin, _) in pairwise(sorted(spans)))


def test_no_more_are_out_than_was_asked_for(
    link: Link, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    answers = list(pool_on(link, workers=1).stream(hand_out(jobs(["sleep 0.05"] * 4))))
    spans = sorted((r.metrics["begin"], r.metrics["end"]) for _, r in answers)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_a_deadline_travels_as_the_time_that_is_left(
    link: Link, pool_on: Any, jobs: Any, hand_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The driver's clock is an hour ahead of the workers'.
    ahead_s = 3600.0

    class Clock:
        perf_counter, monotonic = time.perf_counter, time.monotonic

        @staticmethod
        def time() -> float:
            return time.time() + ahead_s

    monkeypatch.setattr("actsearch.workers.cluster.stream.time", Clock)
    end_s = time.time() + ahead_s + 30
    ((_, record),) = pool_on(link).stream(hand_out(jobs(["x"])), deadline=lambda: end_s)
    assert 0 < record.metrics["left"] <= 30


def test_a_worker_that_is_killed_costs_nothing_and_one_that_comes_later_works(
    own_dask: Dask, pool_on: Any, jobs: Any, tmp_path: Path
) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()
    own_dask.work()
    own_dask.work()
    given = jobs([f"mark {traces}", *["sleep 0.02"] * 2000])
    queue = iter(given)
    handed: list[Any] = []
    seen: set[float] = set()
    killed = 0
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 2)

        def next_job() -> Any:
            if len(seen) == 3:
                return None
            handed.append(next(queue))
            return handed[-1]

        answers = []
        for job, record in pool_on(link).stream(next_job):
            answers.append((job, record))
            seen.add(record.metrics["guard"])
            if not killed and list(traces.iterdir()):
                killed = int(next(traces.iterdir()).name)
                os.kill(killed, signal.SIGKILL)
                seen.add(killed)
                own_dask.work()
    assert sorted(job.key for job, _ in answers) == sorted(job.key for job in handed)
    assert {record.status for _, record in answers} == {"ok"}
    assert {record.score == job.training.seed / 7 for job, record in answers} == {True}
    (marked,) = (record for job, record in answers if job.training.seed == 0)
    assert marked.metrics["guard"] != killed


def test_what_ends_its_worker_time_and_again_is_a_crash(
    own_dask: Dask, pool_on: Any, jobs: Any, hand_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.stream.MAX_LOSSES", 1)
    for _ in range(3):
        own_dask.work()
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 3)
        answers = list(pool_on(link).stream(hand_out(jobs(["kill-worker", *["x"] * 5]))))
    by_order = {job.training.formula: record for job, record in answers}
    assert len(answers) == 6
    assert by_order["kill-worker"].status == "crashed"
    assert by_order["kill-worker"].message == "the worker was lost while it trained, 2 times"
    assert by_order["x"].status == "ok"


def test_without_workers_it_ends_and_says_so(
    own_dask: Dask, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    worker = own_dask.work()
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 1)
    with Link(Cluster(own_dask.address, wait_s=0.5)) as link:
        assert len(list(pool_on(link).stream(hand_out(jobs(["x"]))))) == 1  # it is awake
        stream = pool_on(link, patience_s=2).stream(hand_out(jobs(["x"] * 2 + ["sleep 60"])))
        assert next(stream)[1].status == "ok"
        end(worker)
        with pytest.raises(ActsearchError, match=r"no worker of the cluster .* can train"):
            list(stream)
        with pytest.raises(ActsearchError, match=r"has no workers after 0.5 s.*--cluster-wait"):
            link.wait_for_workers()


def test_a_worker_of_other_versions_gets_no_work_and_is_named(
    own_dask: Dask, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    own_dask.work("--preload", str(PRELOADS / "other_versions.py"))
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        (other,) = wait_for_workers(link, 1)
        with pytest.raises(ActsearchError) as caught:
            list(pool_on(link).stream(hand_out(jobs(["x"]))))
        assert f"can train: {other}: actsearch 0.0.1 (source abc) (here " in str(caught.value)
        assert ", torch 0.1 (here " in str(caught.value)
        own_dask.work()
        wait_for_workers(link, 2)
        given = iter(jobs(["sleep 0.02"] * 1000))
        with warnings.catch_warnings(record=True, action="always") as told:
            # Until the other has said what it is: each is met by itself.
            answers: list[Any] = []
            stream = pool_on(link).stream(lambda: None if told and answers else next(given, None))
            for answer in stream:
                answers.append(answer)
    assert "gets no work: " in str(told[0].message)
    assert ", torch 0.1 (here " in str(told[0].message)
    assert {record.status for _, record in answers} == {"ok"}
    assert len({record.metrics["guard"] for _, record in answers}) == 1


def test_a_gpu_trains_one_at_a_time_and_who_has_none_trains_nothing(
    own_dask: Dask, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    gpu = ("--resources", "GPU=1", "--preload", str(PRELOADS / "one_gpu.py"), "--nthreads", "2")
    without = own_dask.work()
    with_one = {own_dask.work(*gpu).pid, own_dask.work(*gpu).pid}
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 3)
        pool = pool_on(link, kind="cuda")
        with pytest.warns(UserWarning, match="gets no work: .* no resource GPU"):
            answers = list(pool.stream(hand_out(jobs(["sleep 0.05"] * 12))))
        assert pool.devices == ("cuda:0",)
    assert {record.device for _, record in answers} == {"cuda:0"}
    by_worker: dict[int, list[tuple[float, float]]] = {}
    for _, record in answers:
        span = (record.metrics["begin"], record.metrics["end"])
        by_worker.setdefault(int(record.metrics["guard"]), []).append(span)
    assert set(by_worker) == with_one
    assert without.pid not in by_worker
    for spans in by_worker.values():
        assert all(end <= begin for (_, end), (begin, _) in pairwise(sorted(spans)))
    with reached(Where(cluster=own_dask.address)) as slots:
        assert slots.devices == ("cuda:0",)


@pytest.mark.nightly
def test_a_promise_of_a_gpu_that_is_not_there_is_no_failure_of_candidates(
    own_dask: Dask, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    own_dask.work("--resources", "GPU=1")
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 1)
        with pytest.raises(ActsearchError, match="torch sees no CUDA device in it"):
            list(pool_on(link, kind="cuda").stream(hand_out(jobs(["x"]))))


def test_a_task_that_is_another_there_is_an_error_that_says_in_what(
    link: Link, pool_on: Any, jobs: Any, hand_out: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.write_text("as the driver has it")
    task = Told(digest=data)
    pool = pool_on(link, task)
    given = iter([*jobs(["x"])])

    def next_job() -> Any:
        data.write_text("as a worker has it")  # after the driver has looked
        return next(given, None)

    with (
        warnings.catch_warnings(action="ignore"),  # of the first of the two
        pytest.raises(ActsearchError, match=r"settings differ in data\.digest; .*ACTSEARCH_DATA"),
    ):
        list(pool.stream(next_job))


def test_a_disk_that_is_full_there_is_no_verdict(
    link: Link, pool_on: Any, jobs: Any, hand_out: Any
) -> None:
    with (
        warnings.catch_warnings(action="ignore"),  # of the first of the two
        pytest.raises(ActsearchError, match="No space left on device"),
    ):
        list(pool_on(link).stream(hand_out(jobs(["no-disk"] * 2))))
    # The next search finds the workers as they were.
    assert len(list(pool_on(link).stream(hand_out(jobs(["x"]))))) == 1


def test_a_task_that_nobody_asks_for_any_more_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "IDLE_S", 0.05)
    monkeypatch.setattr(remote, "_LOOK_EVERY_S", 0.01)
    training = Training("x", "full", 0)
    remote.admit("a", pack(Told()), remote.Terms())
    remote.admit("b", pack(Told()), remote.Terms())
    assert remote.train("a", Training("sleep 0.3", "full", 0), "cpu", None, None)
    until = time.monotonic() + 30
    while any(isinstance(remote.train(key, training, "cpu", None, None), Record) for key in "ab"):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert not any(is_ready(key) for key in "ab")
