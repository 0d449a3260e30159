"""What every task must keep to; a user's task can be held against it, too.

class TestMyTask(TaskContract):
    def make_task(self):
        return load_task("my_task.py:make_task")
"""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import time

import pytest

from actsearch.tasks.protocol import (
    DIVERGED,
    FAILED,
    NO_SIGNAL,
    OK,
    STOPPED,
    Record,
    Task,
    Training,
)
from actsearch.tasks.user_task import missing_members

MAX_PICKLE_BYTES = 4_000


def without_time(record: Record) -> Record:
    return dataclasses.replace(record, time_s=0.0)


class TaskContract:
    """Subclass, and say how to make the task.

    ``formulas`` train on it, the second with a learned parameter, and ``diverging`` does not;
    change them where these don't do so.
    """

    formulas: tuple[str, str] = ("relu(x)", "x*sigmoid(p0*x)")
    diverging = "exp(x*x)*exp(exp(x))"

    def make_task(self) -> Task:
        raise NotImplementedError

    @pytest.fixture
    def task(self) -> Task:
        task = self.make_task()
        task.prepare()
        return task

    def training(self, task: Task, formula: str, seed: int | None = None) -> Training:
        rung = task.rungs[0]
        return Training(formula, rung.name, rung.seeds[0] if seed is None else seed)

    def test_has_all_members(self, task: Task) -> None:
        assert missing_members(task) == []
        assert all(rung.steps > 0 and rung.seeds for rung in task.rungs)
        assert len({rung.name for rung in task.rungs}) == len(task.rungs)
        lengths = [rung.steps for rung in task.rungs]
        assert lengths == sorted(set(lengths))

    def test_settings_are_json_and_stay_the_same(self, task: Task) -> None:
        text = json.dumps(task.settings(), allow_nan=False)
        again = self.make_task()
        again.prepare()
        assert json.dumps(again.settings(), allow_nan=False) == text

    def test_pickles_small_even_after_use(self, task: Task) -> None:
        payload = pickle.dumps(task)
        assert len(payload) < MAX_PICKLE_BYTES
        arrived = pickle.loads(payload)
        assert arrived.settings() == task.settings()

    def test_records_are_whole_and_repeatable(self, task: Task) -> None:
        wanted = [self.training(task, formula) for formula in self.formulas]
        records = task.train(wanted)
        for training, record in zip(wanted, records, strict=True):
            assert (record.formula, record.rung, record.seed, ()) == dataclasses.astuple(training)
            assert record.status == OK
            assert record.score is not None
            assert math.isfinite(record.score)
            assert 2 <= len(record.curve) <= 20
            steps = [step for step, _, _ in record.curve]
            assert steps == sorted(set(steps))
            assert record.curve[-1][2] == record.score
            assert record.time_s > 0
            json.dumps(dataclasses.asdict(record), allow_nan=False)
        # in the other order, after other trainings, in a task that went through a pickle
        arrived = pickle.loads(pickle.dumps(task))
        again = arrived.train(wanted[::-1])[::-1]
        assert [without_time(r) for r in again] == [without_time(r) for r in records]

    def test_every_rung_is_trained_and_its_curve_is_as_long(self, task: Task) -> None:
        """And the points of the curve are the rung's, whatever the formula: a pace names them."""
        for rung in task.rungs:
            records = task.train([Training(f, rung.name, rung.seeds[-1]) for f in self.formulas])
            steps = [[step for step, _, _ in record.curve] for record in records]
            assert steps[0] == steps[1]
            assert steps[0][-1] == rung.steps

    def test_seeds_differ(self, task: Task) -> None:
        one, two = task.train([self.training(task, self.formulas[0], seed) for seed in (5, 6)])
        assert one.curve != two.curve

    def test_bad_candidates_are_records(self, task: Task) -> None:
        records = task.train(
            [
                self.training(task, self.diverging),
                self.training(task, "no_such_function(x)"),
            ]
        )
        assert records[0].status in (DIVERGED, NO_SIGNAL)
        assert records[1].status == FAILED
        assert [record.score for record in records] == [None, None]
        assert "no_such_function" in records[1].message

    def test_deadline_stops(self, task: Task) -> None:
        (record,) = task.train([self.training(task, self.formulas[0])], deadline=time.time() - 1)
        assert record.status == STOPPED
        assert record.score is None
