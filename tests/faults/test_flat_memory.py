"""The memory of workers stays flat over many trainings, of tasks that leak too."""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.tasks.protocol import Training
from actsearch.workers import Job, make_pool
from tests.faults.conftest import train_all
from tests.faults.hostile import HostileTask

Alive = Callable[[], list[int]]
MB = 2**20


def taken_bytes(pids: list[int]) -> int:
    """Return what these processes have to themselves, all together."""
    page, total = os.sysconf("SC_PAGE_SIZE"), 0
    for pid in pids:
        try:
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
        except (OSError, ValueError):  # it has just ended
            continue
        total += page * (int(resident) - int(shared))
    return total


def slope(n: int, every: int, workers: int, alive: Alive, renew_after: int = 100) -> float:
    """Return by how many MB the workers and the driver grow in 1,000 of ``n`` trainings.

    It is the median over pairs of points (Theil and Sen): memory is fetched in steps of half a
    megabyte, and a line through few points tilts with each. Workers are weighed at every age: were
    ``every`` a multiple of ``renew_after``, it would be always when there is none.
    """
    asked, points = 0, []

    def next_job() -> Job | None:
        nonlocal asked
        asked += 1
        return Job((asked, 0), Training("innocent", "full", asked)) if asked <= n else None

    how = {"workers": workers, "processes": True, "renew_after": renew_after}
    with make_pool(HostileTask(), **how) as pool:  # type: ignore[arg-type]
        for k, (_, record) in enumerate(pool.stream(next_job), start=1):
            assert record.status == "ok", record
            if k % every == 0:
                pids = alive()
                points.append((len(pids), k / 1000, taken_bytes([os.getpid(), *pids]) / MB))
    # What the first trainings need is no leak, and one that is being renewed is not there.
    whole = [point for point in points[len(points) // 4 :] if point[0] == n_processes(workers)]
    assert len(whole) > 20
    pairs = itertools.combinations(whole, 2)
    return statistics.median((y - x) / (t - s) for (_, s, x), (_, t, y) in pairs)


def n_processes(workers: int) -> int:
    """Return how many there are with all workers: keepers, trainers, of several the guards too."""
    return 2 if workers == 1 else 3 * workers


def test_a_task_that_leaks_is_renewed_between_trainings() -> None:
    answers = train_all(["leaks 40"] * 16, workers=2, memory_limit="400MB")
    assert [record.status for _, record in answers] == ["ok"] * 16
    n_by_process = [record.metrics["pid"] for _, record in answers]
    assert len(set(n_by_process)) > 2
    assert max(n_by_process.count(pid) for pid in n_by_process) > 2


def test_600_trainings(marked: Alive) -> None:
    assert slope(600, 13, 1, marked) < 1


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [1, 2])
def test_10_000_trainings(marked: Alive, workers: int) -> None:
    assert slope(10_000, 37, workers, marked) < 1
