"""Disk or data that fail at a worker: it gets another chance; a training's own fault ends it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.tasks.protocol import Training
from actsearch.workers import Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.training import MachineFault
from tests.cluster.conftest import Told
from tests.cluster.dask_processes import Dask


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
def test_a_worker_trains_again_once_its_fault_has_passed(
    lacking: Callable[[Path], tuple[Told, str]],
    said: str,
    dask: Dask,
    link: Link,
    pool_on: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actsearch.workers.cluster.stream.REST_S", 0.1)
    faulty, well = (worker.pid for worker in dask.workers[:2])
    file = tmp_path / "faulty"
    file.write_text(str(faulty))
    task, order = lacking(file)
    guards: list[int] = []
    n_out = 0

    def next_job() -> Any:
        nonlocal n_out
        if faulty in guards or n_out > 600:
            return None
        n_out += 1
        return Job((n_out, 0), Training(order, "full", n_out))

    with warnings.catch_warnings(record=True, action="always") as told:
        for _, record in pool_on(link, task).stream(next_job):
            assert record.status == "ok"
            guards.append(int(record.metrics["guard"]))
            if told and file.read_text():
                assert faulty not in guards
                file.write_text("")
    assert len(guards) == n_out
    assert set(guards) == {faulty, well}
    (warning,) = told
    assert re.search(f"gets no work for now: .*{said}", str(warning.message))


def test_a_fault_of_one_training_at_two_workers_is_its_own(
    link: Link, pool_on: Any, jobs: Any
) -> None:
    given = iter(jobs(["sleep 0.02"] * 4 + ["no-disk"]))
    stream = pool_on(link).stream(
        lambda: next(given, Job((9, 9), Training("sleep 0.02", "full", 9)))
    )
    where = r"tcp://\S+ and tcp://\S+: OSError: .*No space left on device"
    with (
        warnings.catch_warnings(action="ignore"),  # of the first of the two
        pytest.raises(MachineFault, match=f"can't go on: {where}.*; everything") as caught,
    ):
        list(stream)
    assert len(set(re.findall(r"tcp://\S+:\d+", str(caught.value)))) == 2
