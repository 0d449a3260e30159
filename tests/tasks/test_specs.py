"""From what a user types to task objects: several at once, and a choice of the score."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.tasks import ClassificationTask, load_task
from actsearch.tasks.joint import JointTask
from actsearch.tasks.registry import SCORES, absolute_spec, task_specs

FILE = """
from tests.tasks.counting import CountingTask, LADDER

def make_task():
    return CountingTask("mine")

def other():
    return CountingTask("other", level=2.0)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_tasks.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("spec", ["mnist1d-cnn,mnist1d-mlp", " mnist1d-cnn , mnist1d-mlp "])
def test_several_shipped_tasks_are_one(spec: str) -> None:
    task = load_task(spec)
    assert isinstance(task, JointTask)
    assert task.name == "mnist1d-cnn+mnist1d-mlp"


def test_tasks_of_ones_own_may_be_among_them(folder: Path) -> None:
    task = load_task("my_tasks.py:make_task, my_tasks.py:other")
    assert isinstance(task, JointTask)
    assert [one.name for one in task.tasks] == ["mine", "other"]
    arrived = pickle.loads(pickle.dumps(task))
    assert [one.name for one in arrived.tasks] == ["mine", "other"]


def test_paths_become_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = absolute_spec("mnist1d-cnn, my_tasks.py:other")
    assert spec == f"mnist1d-cnn,{folder / 'my_tasks.py'}:other"
    assert absolute_spec("my_tasks.py:other") == f"{folder / 'my_tasks.py'}:other"
    assert absolute_spec("mnist1d-cnn@loss") == "mnist1d-cnn@loss"
    monkeypatch.chdir("/")
    assert load_task(absolute_spec(str(folder / "my_tasks.py") + ":other")).name == "other"


def test_a_path_may_have_a_comma_or_an_at_sign_in_it(folder: Path) -> None:
    odd = folder / "a,b@c"
    odd.mkdir()
    (odd / "my_tasks.py").write_text(FILE, encoding="utf-8")
    assert task_specs("a,b@c/my_tasks.py:other") == ["a,b@c/my_tasks.py:other"]
    assert load_task("a,b@c/my_tasks.py:other").name == "other"


@pytest.mark.parametrize("score", ["loss", "accuracy"])
def test_a_shipped_task_may_be_scored_otherwise(score: str) -> None:
    task = load_task(f"mnist1d-cnn@{score}")
    assert task.name == f"mnist1d-cnn@{score}"
    assert task.score == score  # type: ignore[attr-defined]
    assert load_task("mnist1d-cnn").score == SCORES[0]  # type: ignore[attr-defined]
    together = load_task(f"mnist1d-mlp,mnist1d-cnn@{score}")
    assert together.name == f"mnist1d-mlp+mnist1d-cnn@{score}"


def test_equal_parameters_and_a_score_go_together() -> None:
    for spec in ("mnist1d-mlp@loss@equal-parameters", "mnist1d-mlp@equal-parameters@loss"):
        task = load_task(spec)
        assert isinstance(task, ClassificationTask)
        assert (task.name, task.score, task.equal_parameters) == (spec, "loss", True)
    plain = load_task("mnist1d-mlp")
    assert isinstance(plain, ClassificationTask)
    assert not plain.equal_parameters
    assert "equal_parameters" not in plain.settings()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mnist1d-cnn,mnist1d-mpl", "did you mean 'mnist1d-mlp'"),
        ("mnist1d-cnn,", "no task between two commas"),
        (",", "no task between two commas"),
        ("mnist1d-cnn, ,mnist1d-mlp", "no task between two commas"),
        ("mnist1d-cnn, mnist1d-cnn", "'mnist1d-cnn' is given twice"),
        ("mnist1d-cnn,mnist1d-cnn@accuracy", "is given twice"),
        ("mnist1d-cnn@lost", "did you mean 'loss'"),
        ("mnist1d-cnn@", "known: accuracy, equal-parameters, loss"),
        ("mnist1d-cnm@loss", "did you mean 'mnist1d-cnn'"),
        ("mnist1d-cnn@loss@accuracy", "one thing twice"),
        ("mnist1d-cnn@equal-parameters@equal-parameters", "one thing twice"),
        ("mnist1d-cnn@equal-parameter", "did you mean 'equal-parameters'"),
        ("my_tasks.py:make_task@equal-parameters", "with equal_parameters=True"),
        ("@loss", "unknown task ''"),
        ("my_tasks.py:make_task@loss", "for shipped tasks alone"),
        ("my_tasks.py:make_tasc,mnist1d-cnn", "did you mean 'make_task'"),
        ("my_tasks.py:make_task,my_tasks.py:make_task", "is given twice"),
    ],
)
def test_bad_specs_are_told_with_a_way_out(spec: str, told: str, folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load_task(spec)
    assert told in str(caught.value)
