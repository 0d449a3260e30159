"""Tasks from a user's file: what is wrong with them is said once, clearly, and names the line."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.tasks import Training, load_task
from actsearch.tasks.user_task import UserTask

BARE = """
from neighbour import SEEDS
from actsearch.tasks.protocol import Record, Rung

class Mine:
    name = "mine"
    score_name = "luck"
    rungs = (Rung("search", 1, SEEDS),)

    def prepare(self):
        pass

    def settings(self):
        return {"task": self.name}

    def train(self, trainings, *, device="cpu", deadline=None):
        return [
            Record(t.formula, t.rung, t.seed, "ok", 0.5, {}, (), 0.1, device) for t in trainings
        ]

def make_task():
    return Mine()

def make_with_data(data):
    task = Mine()
    task.name = str(data)
    return task

def make_nothing():
    return 42

def make_half():
    task = Mine()
    task.rungs = ()
    task.train = None
    return task

def make_trouble():
    raise RuntimeError("no\\nluck")

def make_exit():
    raise SystemExit(3)

def make_unwritable():
    task = Mine()
    task.settings = lambda: {"x": object()}
    return task

def make_unprepared():
    task = Mine()
    def prepare():
        return 1 / 0
    task.prepare = prepare
    return task

def make_unbuilt():
    class Unbuilt(Mine):
        @property
        def n_places(self):
            raise RuntimeError("3 != 4")
    return Unbuilt()
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "neighbour.py").write_text("SEEDS = (0, 1)\n")
    path = tmp_path / "my_task.py"
    path.write_text(BARE)
    return path


def test_any_object_with_the_members_is_a_task(file: Path) -> None:
    task = load_task(f"{file}:make_task")
    task.prepare()
    assert (task.name, task.score_name, task.rungs[0].seeds) == ("mine", "luck", (0, 1))
    assert task.settings()["task"] == "mine"
    assert task.train([Training("x", "search", 0)], device="cpu")[0].score == 0.5


def test_settings_change_with_the_file(file: Path) -> None:
    before = load_task(f"{file}:make_task").settings()
    file.write_text(BARE + "# changed\n")
    assert load_task(f"{file}:make_task").settings() != before


def test_the_data_folder_is_handed_over(file: Path, tmp_path: Path) -> None:
    assert load_task(f"{file}:make_with_data", tmp_path).name == str(tmp_path)
    assert load_task(f"{file}:make_task", tmp_path).name == "mine"


def test_travels_to_a_process_that_knows_nothing_of_the_file(file: Path, tmp_path: Path) -> None:
    payload = tmp_path / "task.pickle"
    payload.write_bytes(pickle.dumps(load_task(f"{file}:make_task")))
    code = f"import pickle; t = pickle.load(open({str(payload)!r}, 'rb')); print(t.settings())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "'task': 'mine'" in done.stdout


def test_a_file_changed_under_way_is_refused(file: Path) -> None:
    payload = pickle.dumps(load_task(f"{file}:make_task"))
    file.write_text(BARE + "# changed\n")
    with pytest.raises(BadInput, match="was changed while it was in use"):
        pickle.loads(payload)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("make_tusk", "no function 'make_tusk'; did you mean 'make_task'"),
        ("Record", "returned|raised"),
        ("make_nothing", r"returned 42, which is no task: it lacks name \(a string\), score_name"),
        ("make_half", r"lacks rungs \(one Rung or more\), train \(a method\)"),
        ("make_trouble", r"make_trouble\(\) in .*my_task.py raised RuntimeError: no luck, line 39"),
        ("make_exit", "raised SystemExit: 3"),
        ("", r"to be followed by :FUNCTION \(functions there: make_task, "),
    ],
)
def test_what_is_no_task(file: Path, function: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_task(f"{file}:{function}")


def test_file_without_function(file: Path) -> None:
    with pytest.raises(BadInput, match="to be followed by :FUNCTION"):
        load_task(str(file))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no task file .*nowhere\.py; .*:make_task"):
        load_task(f"{tmp_path}/nowhere.py:make_task")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\nimport no_such_package_at_all\n", "ModuleNotFoundError.*, line 2"),
        ("def f(:\n", "SyntaxError.*, line 1"),
        ("raise SystemExit('bye')\n", "SystemExit: bye, line 1"),
        ("\0", "task file .* raised"),
    ],
)
def test_file_that_does_not_run(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(BadInput, match=says):
        load_task(f"{path}:make_task")


def test_trouble_in_the_methods(file: Path) -> None:
    task = load_task(f"{file}:make_unprepared")
    with pytest.raises(BadInput, match=r"prepare\(\) of the task .* ZeroDivisionError.*, line 52"):
        task.prepare()
    with pytest.raises(BadInput, match=r"settings\(\) of the task .* raised TypeError"):
        load_task(f"{file}:make_unwritable").settings()


def test_wrapped_once(file: Path) -> None:
    task = load_task(f"{file}:make_task")
    assert isinstance(task, UserTask)
    assert type(task.task).__name__ == "Mine"


def test_a_network_that_can_not_be_built_is_the_users_fault(file: Path) -> None:
    task = load_task(f"{file}:make_unbuilt")
    said = r"building the network of the task in .* raised RuntimeError: 3 != 4, line \d+"
    with pytest.raises(BadInput, match=said):
        getattr(task, "n_places", None)
