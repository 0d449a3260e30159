"""Searches on a cluster: the log is that of a search here, whatever becomes of the cluster."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput, WorkersGone
from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.search import resume, search
from actsearch.workers import Cluster
from actsearch.workers.cluster.link import Link
from tests.cluster.conftest import wait_for_workers
from tests.cluster.dask_processes import Dask, end
from tests.cluster.slow import SlowTask
from tests.search.simulated import SimulatedTask

BIRTHS = 40


def log_of(path: Path) -> list[str]:
    with RunStore.open(path) as store:
        return event_log(store)


@pytest.fixture(scope="session")
def local_log(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The log of the search in this process."""
    root = tmp_path_factory.mktemp("local")
    found = search("swish", SimulatedTask(), births=BIRTHS, workers=1, run="r", runs_dir=root)
    return log_of(found.path)


def test_a_search_on_a_cluster_is_the_search_here(
    dask: Dask, link: Link, local_log: list[str], tmp_path: Path
) -> None:
    seen: list[Any] = []
    found = search(
        "swish",
        SimulatedTask(),
        births=BIRTHS,
        cluster=Cluster(dask.address, wait_s=60),
        run="r",
        runs_dir=tmp_path,
        observer=seen.append,
    )
    assert log_of(found.path) == local_log
    with RunStore.open(found.path) as store:
        facts = store.last_search()["cluster"]
    assert facts == {
        "address": dask.address,
        "workers": 2,
        "threads": 2,
        "hosts": ["127.0.0.1"],
    }


def test_a_scheduler_that_is_killed_is_an_error_and_the_run_goes_on_here(
    own_dask: Dask, local_log: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.link.CONNECT_S", 1.0)
    own_dask.work()

    def look(snapshot: Any) -> None:
        if snapshot.n_trainings == 5:
            end(own_dask.scheduler)

    with pytest.raises(WorkersGone, match=r"to the scheduler .* is lost: start it again, or leave"):
        search(
            "swish",
            SimulatedTask(),
            births=BIRTHS,
            cluster=Cluster(own_dask.address, wait_s=60),
            run="r",
            runs_dir=tmp_path,
            observer=look,
        )
    n_before = len(log_of(tmp_path / "r"))
    assert 5 < n_before < len(local_log)
    found = resume("r", task=SimulatedTask(), workers=1, runs_dir=tmp_path)
    assert log_of(found.path) == local_log


def test_a_search_goes_on_as_a_worker_dies(
    own_dask: Dask, local_log: list[str], tmp_path: Path
) -> None:
    own_dask.work()
    own_dask.work()
    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 2)
    seen: list[Any] = []

    def look(snapshot: Any) -> None:
        seen.append(snapshot)
        if len(seen) == 5:
            end(own_dask.workers[0])

    found = search(
        "swish",
        SlowTask(),
        births=BIRTHS,
        cluster=Cluster(own_dask.address, wait_s=60),
        run="r",
        runs_dir=tmp_path,
        observer=look,
    )
    assert len(seen) > 10
    assert own_dask.workers[0].poll() is not None
    assert log_of(found.path) == local_log


def test_more_workers_at_once_than_the_lag_are_refused(dask: Dask, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="17 workers are more than the lag of 16"):
        search(
            "swish",
            SimulatedTask(),
            births=BIRTHS,
            workers=17,
            cluster=Cluster(dask.address, wait_s=60),
            runs_dir=tmp_path,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_workers_may_be_killed_and_come_at_any_moment(
    own_dask: Dask, tmp_path: Path, seed: int
) -> None:
    births = 300
    local = search(
        "swish", SimulatedTask(), births=births, workers=1, run="l", runs_dir=tmp_path, seed=seed
    )
    chance = random.Random(seed)
    for _ in range(3):
        own_dask.work()
    killed = 0

    def look(snapshot: Any) -> None:
        nonlocal killed
        if snapshot.n_trainings % 6 == 0:
            alive = [worker for worker in own_dask.workers if worker.poll() is None]
            if alive:
                os.kill(chance.choice(alive).pid, signal.SIGKILL)
                killed += 1
            own_dask.work()

    with Link(Cluster(own_dask.address, wait_s=60)) as link:
        wait_for_workers(link, 3)
    found = search(
        "swish",
        SlowTask(),
        births=births,
        cluster=Cluster(own_dask.address, wait_s=60),
        run="r",
        runs_dir=tmp_path,
        observer=look,
        seed=seed,
    )
    assert killed >= 12
    assert log_of(found.path) == log_of(local.path)


@pytest.mark.nightly
def test_real_training_is_the_same_on_a_cluster(tmp_path: Path) -> None:
    def found(**where: Any) -> list[str]:
        result = search("swish", "mnist1d-mlp", births=12, runs_dir=tmp_path, **where)
        return log_of(result.path)

    here = found(workers=2, run="here")
    assert found(cluster="local:2", run="there") == here
