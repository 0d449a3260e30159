"""A search among whose candidates one in ten is hostile ends as one that was told so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.search import search
from tests.faults.simulation import KINDS, SLOW_KINDS, HostileSimulation


def log_of(folder: Path, kinds: Sequence[str], births: int, **how: Any) -> list[str]:
    task = HostileSimulation(kinds, told=how.get("workers") == "inline")
    search("default", task, births=births, seed=8, run="r", runs_dir=folder, devices="cpu", **how)
    with RunStore.open(folder / "r") as store:
        return event_log(store)


def compare(tmp_path: Path, kinds: Sequence[str], births: int, workers: Sequence[int]) -> None:
    told = log_of(tmp_path / "told", kinds, births, workers="inline")
    assert sum('"status":"crashed"' in line for line in told) >= 2
    assert sum('"status":"failed"' in line for line in told) >= 1
    for n in workers:
        how = {"workers": n, "training_limit": 2.0, "memory_limit": "600MB"}
        assert log_of(tmp_path / str(n), kinds, births, **how) == told
    assert not list(tmp_path.glob("**/core*"))


def test_two_workers(tmp_path: Path) -> None:
    compare(tmp_path, KINDS, 50, [2])


def test_one_worker_survives_what_a_named_task_does(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from tests.faults.simulation import HostileSimulation\n\n"
        "def make_task():\n"
        "    return HostileSimulation(['segfaults', 'exits-at-once'], told=False)\n",
        encoding="utf-8",
    )
    found = search(
        "default",
        f"{file}:make_task",
        births=40,
        seed=8,
        workers=1,
        devices="cpu",
        runs_dir=tmp_path,
    )
    with RunStore.open(found.path) as store:
        ended = [row for row in store.trainings() if row.status == "crashed"]
    assert {"SIGSEGV" in row.message or "exit code 7" in row.message for row in ended} == {True}
    assert found.ended.startswith("the limit of 40 births")


@pytest.mark.nightly
def test_more_workers_and_more_births(tmp_path: Path) -> None:
    compare(tmp_path, SLOW_KINDS, 400, [2, 4])
