"""A search among whose candidates one in ten is hostile ends as one that was told so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.search import search
from actsearch.tasks.protocol import Record, Training
from actsearch.workers.training import without_score
from tests.faults.hostile import ACTS, Act
from tests.search.simulated import SimulatedTask, number_of

#: What a hostile training does here: one of each end that a training can come to.
KINDS = ("raises", "segfaults", "exits-at-once", "kills-its-parent", "answers-nan", "prints-from-c")
SLOW_KINDS = (*KINDS, "hangs", "eats-memory")


class HostileSimulation(SimulatedTask):
    """The simulated task, with some hostile candidates."""

    def __init__(self, kinds: Sequence[str], *, told: bool) -> None:
        self._kinds = kinds
        self._told = told

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        (training,) = trainings
        act = self._act(training)
        if act is not None and self._told and act.status != "ok":
            return [without_score(training, act.status, "told", device, 0.0)]
        if act is not None and not self._told and (answer := act.do(training, "")) is not None:
            return list(answer)
        return super().train(trainings, device=device, deadline=deadline)

    def _act(self, training: Training) -> Act | None:
        luck = number_of(5, "hostile", training.formula)
        return None if luck >= 0.1 else ACTS[self._kinds[int(luck * 1e6) % len(self._kinds)]]


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
    compare(tmp_path, KINDS, 80, [2])


@pytest.mark.nightly
def test_more_workers_and_more_births(tmp_path: Path) -> None:
    compare(tmp_path, SLOW_KINDS, 400, [2, 4])
