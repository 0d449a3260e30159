"""What was trained behind a hole in a run is set aside by a repair, and not trained again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.errors import BadInput
from actsearch.runs import Birth, Heat, RunStore, TrainingRow
from actsearch.runs.aside import Aside, earlier, setting_aside
from actsearch.runs.checking import check
from actsearch.runs.repair import repair
from actsearch.runs.salvage import Salvage
from actsearch.search.known import known_first
from actsearch.tasks.protocol import Record, Training
from actsearch.workers import WAIT, Job
from tests.runs.by_hand import by_hand
from tests.runs.simulated_run import OPTIONS, copy_to, log_of
from tests.search.simulated import ShuffledPool, SimulatedTask

Finish = Callable[[Path, int], list[Training]]


class Counting(SimulatedTask):
    """Keeps what it was asked to train."""

    def __init__(self) -> None:
        self.trained: list[Training] = []

    def train(self, trainings: Sequence[Training], **options: Any) -> list[Record]:
        self.trained += trainings
        return super().train(trainings, **options)


def lose(folder: Path, table: str, ids: Iterable[int]) -> None:
    with contextlib.closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
        db.executemany(f"DELETE FROM {table} WHERE id = ?", [(k,) for k in ids])


@pytest.fixture
def finish(monkeypatch: pytest.MonkeyPatch) -> Finish:
    """Return what goes on with a run to so many births, and tells what was trained."""
    monkeypatch.setattr(
        "actsearch.search.api.pool_for", lambda task, *_: ShuffledPool(3, 1, task)
    )

    def go_on(folder: Path, births: int) -> list[Training]:
        task = Counting()
        options: dict[str, Any] = OPTIONS | {"task": task, "runs_dir": folder.parent}
        actsearch.resume(folder.name, births=births, **options)
        return task.trained

    return go_on


@pytest.fixture
def run(root: Path) -> Path:
    return copy_to(root / "r")


@pytest.mark.parametrize("hole", [0, 3, 20])
def test_what_was_trained_behind_a_hole_is_not_trained_again(run: Path, finish: Finish, hole: int) -> None:
    whole = log_of(run)
    with RunStore.open(run) as store:
        n, lost_birth = store.n_trainings(), store.births()[hole]
        n_of_it = len(store.trainings(hole))
    lose(run, "births", [hole])
    repaired = repair(run)
    assert repaired.kept["births"] == hole
    assert repaired.lost["trainings"] == n_of_it
    assert repaired.n_aside == n - repaired.kept["trainings"] - n_of_it
    assert check(run, full=True).damage == []
    trained = finish(run, 45)
    assert {one.formula for one in trained} <= {lost_birth.formula}
    assert len(trained) == n_of_it
    assert log_of(run) == whole


def test_what_was_set_aside_outlives_kills_and_another_repair(run: Path, finish: Finish) -> None:
    whole = log_of(run)
    lose(run, "births", [3])
    first = repair(run)
    n_trained = len(finish(run, 20))  # an interruption: a part of it is taken
    lose(run, "births", [4])
    second = repair(run)
    assert 0 < second.n_aside < first.n_aside
    n_trained += len(finish(run, 45))
    assert log_of(run) == whole
    with RunStore.open(run) as store:
        assert n_trained == len(store.trainings(3)) + len(store.trainings(4))
        assert len(store.set_aside()) > second.n_aside


def test_what_was_set_aside_by_a_stranger_is_read_with_care(run: Path) -> None:
    with by_hand(run) as db:
        db.execute("INSERT INTO meta VALUES ('aside [0]', '{\"formula\": 5}', 0)")
    with RunStore.open(run) as store, pytest.raises(BadInput, match="set aside is none"):
        store.set_aside()
    assert any("set aside is none" in one for one in check(run).damage)
    repair(run)
    assert check(run).damage == []


def test_another_formula_does_not_take_what_was_set_aside() -> None:
    heat = Heat(0, 0, "short", (0,))
    row = TrainingRow(0, "short", 0, "ok", 0.5, {}, (), 1.0, "cpu")
    known = [Aside("tanh(x)", heat, row)]
    task = Counting()
    asked = [
        Training("tanh(x)", "short", 0),
        Training("tanh(x)", "short", 1),
        Training("tanh(x)", "medium", 0),
        Training("tanh(x)", "short", 0, ((1, 0.5),)),
        Training("sin(x)", "short", 0),
    ]
    jobs = iter([Job((k, 0), one) for k, one in enumerate(asked)])
    pool = known_first(ShuffledPool(2, 1, task), known)
    answers = {job.key[0]: record for job, record in pool.stream(lambda: next(jobs, None))}
    assert sorted(answers) == list(range(5))
    assert set(task.trained) == set(asked[1:])
    assert (answers[0].score, answers[0].time_s) == (0.5, 1.0)


def test_what_was_set_aside_is_read_by_the_names_of_its_columns(run: Path) -> None:
    """One of an older format lacks a column, one of a newer has another; once they had no names."""
    lose(run, "births", [3])
    repair(run)
    with RunStore.open(run) as store:
        before = store.set_aside()
    with by_hand(run) as db:
        kept = db.execute("SELECT key, value FROM meta WHERE key LIKE 'aside%' ORDER BY key")
        for k, (key, text) in enumerate(kept.fetchall()):
            value = json.loads(text)
            if k == 0:
                value["heat"] = list(value["heat"].values())
                value["training"] = list(value["training"].values())
            else:
                value["heat"] = dict(reversed(value["heat"].items()))
                value["training"] |= {"a_later_column": 5}
            if k == 1:
                del value["heat"]["seen"]
            db.execute("UPDATE meta SET value = ? WHERE key = ?", (json.dumps(value), key))
    with RunStore.open(run) as store:
        after = store.set_aside()
    assert after[1].heat == dataclasses.replace(before[1].heat, seen=0)
    assert [after[0], *after[2:]] == [before[0], *before[2:]]


def test_of_two_formulas_that_had_the_same_number_what_was_set_aside_is_kept() -> None:
    def found(formula: str, meta: dict[str, Any]) -> Salvage:
        birth = Birth(0, "seed", (), formula, None, "accepted")
        row = TrainingRow(0, "short", 0, "ok", 0.5, {}, (), 1.0, "cpu")
        heats = {0: Heat(0, 0, "short", (0,))}
        return Salvage(meta, {0: birth}, heats, {(0, "short", 0): row})

    second = found("sin(x)", setting_aside(found("tanh(x)", {}), Salvage()))
    both = earlier(second) | setting_aside(second, Salvage())
    assert {value["formula"] for value in both.values()} == {"tanh(x)", "sin(x)"}


class CountingStreams(ShuffledPool):
    """Counts how often it was asked for a stream."""

    n_streams = 0

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        self.n_streams += 1
        return super().stream(next_job, deadline=deadline)


@pytest.mark.parametrize("n_before", [0, 2])
def test_what_is_known_is_told_without_an_end_of_what_is_trained(
    n_before: int
) -> None:
    """Though all else waits for it."""
    heat = Heat(0, 0, "short", (0,))
    row = TrainingRow(0, "short", 0, "ok", 0.5, {}, (), 1.0, "cpu")
    formulas = [*["sin(x)", "cos(x)"][:n_before], "tanh(x)", "exp(-x**2)"]
    jobs = deque(
        Job((k, 0), Training(text, "short", 0)) for k, text in enumerate(formulas)
    )
    answered: list[str] = []

    def next_job() -> Any:
        if len(jobs) == 1 and "tanh(x)" not in answered:
            return WAIT
        return jobs.popleft() if jobs else None

    pool = CountingStreams(3, 1)
    for job, _ in known_first(pool, [Aside("tanh(x)", heat, row)]).stream(next_job):
        answered.append(job.training.formula)
    assert sorted(answered) == sorted(formulas)
    assert pool.n_streams == 1
