"""The contract of tasks, held against a shipped one, a user's from a file, and a bare object."""

from __future__ import annotations

from pathlib import Path

import pytest

from actsearch.tasks import load_task
from actsearch.tasks.protocol import Task
from tests.tasks.conftest import tiny_task
from tests.tasks.contract import TaskContract

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_task.py"


class TestTiny(TaskContract):
    def make_task(self) -> Task:
        return tiny_task()


class TestExample(TaskContract):
    def make_task(self) -> Task:
        return load_task(f"{EXAMPLE}:make_task")


@pytest.mark.slow
class TestMnist1dMlp(TaskContract):
    def make_task(self) -> Task:
        return load_task("mnist1d-mlp")


@pytest.mark.nightly
class TestMnist1dCnn(TaskContract):
    def make_task(self) -> Task:
        return load_task("mnist1d-cnn")


def test_shipped_tasks_are_those_of_the_table() -> None:
    from actsearch.tasks.registry import TASKS
    from actsearch.tasks.shipped import _BY_NAME

    assert list(_BY_NAME) == list(TASKS)
    for name in TASKS:
        task = load_task(name)
        assert task.name == name
        assert [rung.name for rung in task.rungs] == ["short", "medium", "full"]
