"""A candidate whose training never comes to an end is not trained again, in whatever order."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.runs.records import NO_END
from actsearch.search import resume, search
from actsearch.search.quarantine import not_made
from actsearch.tasks.protocol import Record, Training
from tests.search.simulated import ShuffledPool, SimulatedTask, number_of

SHARE = 0.1


def verdict(training: Training) -> str | None:
    """How a training ends that does not come to an end by itself, None for the others."""
    luck = number_of("hostile", training.formula, training.rung, training.seed)
    return None if luck >= SHARE else NO_END[int(luck < SHARE / 2)]


class HostilePool(ShuffledPool):
    """Some trainings crash in it, and some hang; it remembers what it was asked for."""

    asked: list[Training]

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        self.asked = []
        for job, record in super().stream(next_job, deadline=deadline):
            self.asked.append(job.training)
            yield job, self.spoilt(job.training, record)

    def spoilt(self, training: Training, record: Record) -> Record:
        status = verdict(training)
        if status is None:
            return record
        return dataclasses.replace(record, status=status, score=None, curve=(), message="bad luck")


def log_of(
    monkeypatch: pytest.MonkeyPatch, folder: Path, workers: int, seed: int, births: int = 60
) -> tuple[list[str], HostilePool, RunStore]:
    pool = HostilePool(workers, seed)
    monkeypatch.setattr("actsearch.search.api.pool_for", lambda *_: pool)
    how: dict[str, Any] = {"workers": workers, "devices": "cpu", "runs_dir": folder}
    if (folder / "r").exists():
        resume("r", births=births, task=SimulatedTask(), **how)
    else:
        search("default", SimulatedTask(), births=births, seed=5, run="r", **how)
    store = RunStore.open(folder / "r")
    return event_log(store), pool, store


def test_the_log_does_not_depend_on_who_was_faster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    logs = [
        log_of(monkeypatch, tmp_path / str(k), workers, seed=k)[0]
        for k, workers in enumerate((1, 2, 8, 8))
    ]
    assert any('"crashed"' in line for line in logs[0])
    assert any('"timeout"' in line for line in logs[0])
    assert logs[1:] == logs[:1] * 3


def test_what_is_behind_it_is_recorded_and_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, pool, store = log_of(monkeypatch, tmp_path, 1, seed=0, births=120)
    rows = {(row.birth_id, row.rung, row.seed): row for row in store.trainings()}
    left_out = [row for row in rows.values() if row.message.startswith("not run: quarantined")]
    assert left_out
    formulas = {birth.id: birth.formula for birth in store.births()}
    asked = {(one.formula, one.rung, one.seed) for one in pool.asked}
    for row in left_out:
        assert row.status in NO_END
        assert (formulas[row.birth_id], row.rung, row.seed) not in asked
        words = row.message.split()
        culprit = rows[row.birth_id, words[5].rstrip(","), int(words[7])]
        assert (culprit.status, culprit.message) == (row.status, "bad luck")
    assert len(rows) == len(pool.asked) + len(left_out)


def test_it_holds_for_what_an_interrupted_session_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed after the culprit was recorded, and before the others of its heat were."""
    whole, *_ = log_of(monkeypatch, tmp_path / "whole", 1, seed=0, births=120)
    before = not_made

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("actsearch.search.engine.not_made", killed)
    with pytest.raises(KeyboardInterrupt):
        log_of(monkeypatch, tmp_path / "cut", 1, seed=0, births=120)
    monkeypatch.setattr("actsearch.search.engine.not_made", before)
    log, pool, store = log_of(monkeypatch, tmp_path / "cut", 1, seed=0, births=120)
    assert log == whole
    assert pool.asked
    assert any(row.message.startswith("not run") for row in store.trainings())
