"""A run may name a task file; it is run only where the user named it before, as it is now."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.runs import RunStore
from actsearch.tasks import consent, load_task
from actsearch.tasks.consent import NotNamed
from actsearch.trials.saved import saved_task

FILE = """
from pathlib import Path
Path({witness!r}).touch()
from actsearch.tasks import Rung

class Mine:
    name, score_name, rungs = "mine", "score", (Rung("full", 1, (0,)),)
    prepare = settings = train = lambda *_a, **_k: {{}}

def make_task():
    return Mine()

def clear_results():
    Path({witness!r}).with_name("cleared").touch()
    return Mine()

def with_data(data=None):
    Path({witness!r}).with_name("handed").write_text(str(data))
    return Mine()
"""


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(consent, "_named_here", set())


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A file that the task file makes when it runs."""
    return tmp_path / "it-ran"


@pytest.fixture
def file(tmp_path: Path, witness: Path) -> Path:
    made = tmp_path / "its.py"
    made.write_text(FILE.format(witness=str(witness)))
    return made


def sent(folder: Path, task: str, data: Path | None = None) -> RunStore:
    config = {"task": task, "task_from": "name", "space": "s", "rungs": []}
    RunStore.create(folder, config | ({"data": str(data)} if data else {}), {}).close()
    return RunStore.open(folder)


@pytest.fixture
def store(tmp_path: Path, file: Path) -> RunStore:
    """A run that someone sent, with its task file; reading it runs nothing."""
    return sent(tmp_path / "runs" / "sent", f"{file}:make_task")


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "_named_here", set())


def test_a_run_alone_runs_no_file(store: RunStore, witness: Path, file: Path) -> None:
    with pytest.raises(NotNamed, match=f"if you trust it, give --task {file}:make_task"):
        saved_task(store)
    assert not witness.exists()


def test_what_the_user_names_is_run_and_remembered(
    store: RunStore, witness: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert saved_task(store, task=f"{file}:make_task").name == "mine"
    another_process(monkeypatch)
    witness.unlink()
    assert saved_task(store).name == "mine"
    assert witness.exists()


def test_a_search_of_ones_own_goes_on_without_a_question(
    store: RunStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_task(f"{file}:make_task")
    another_process(monkeypatch)
    assert saved_task(store).name == "mine"


def test_another_content_is_another_file(store: RunStore, witness: Path, file: Path) -> None:
    load_task(f"{file}:make_task")
    witness.unlink()
    file.write_text(file.read_text() + "\n# and something else")
    with pytest.raises(NotNamed):
        saved_task(store)
    assert not witness.exists()


def test_another_function_is_another_program(tmp_path: Path, file: Path, witness: Path) -> None:
    load_task(f"{file}:make_task")
    witness.unlink()
    with pytest.raises(NotNamed, match=r"is clear_results\(\) of the file"):
        saved_task(sent(tmp_path / "runs" / "other", f"{file}:clear_results"))
    assert not witness.exists()
    assert not (tmp_path / "cleared").exists()


def test_what_was_changed_under_way_is_neither_run_nor_remembered(
    file: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = pickle.dumps(load_task(f"{file}:make_task"))
    witness.unlink()
    file.write_text(file.read_text() + "\n# and something else")
    for _ in range(2):
        with pytest.raises(BadInput, match="was changed while it was in use"):
            pickle.loads(payload)
    assert not witness.exists()
    another_process(monkeypatch)
    with pytest.raises(NotNamed):
        consent.check_named(file, file.read_bytes(), "make_task")


def test_a_worker_remembers_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = pickle.dumps(load_task(f"{file}:with_data", file.parent))
    another_process(monkeypatch)
    monkeypatch.setenv("ACTSEARCH_CACHE", str(file.parent / "another"))
    assert pickle.loads(payload).name == "mine"
    assert not (file.parent / "another").exists()
    assert consent._named_here == set()


@pytest.mark.parametrize("again", [False, True])
def test_data_of_a_run_are_handed_to_no_file_unasked(
    again: bool, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the file is named once more: it may open its data in any way."""
    task, handed = f"{file}:with_data", tmp_path / "handed"
    load_task(task, tmp_path / "own")
    handed.unlink()
    theirs = sent(tmp_path / "runs" / "theirs", task, tmp_path / "theirs")
    with pytest.raises(NotNamed, match=f"if you trust them, give --data {tmp_path / 'theirs'}"):
        saved_task(theirs, task=task if again else None)
    assert not handed.exists()
    saved_task(theirs, tmp_path / "theirs")
    assert handed.read_text() == str(tmp_path / "theirs")
    another_process(monkeypatch)
    saved_task(theirs)  # for they are named now
    saved_task(sent(tmp_path / "runs" / "ones-own", task, tmp_path / "own"))
    assert handed.read_text() == str(tmp_path / "own")


def test_data_of_a_run_hinder_no_file_that_takes_none(tmp_path: Path, file: Path) -> None:
    load_task(f"{file}:make_task")
    run = sent(tmp_path / "runs" / "theirs", f"{file}:make_task", tmp_path / "theirs")
    assert saved_task(run).name == "mine"


def test_another_path_is_another_file(tmp_path: Path, store: RunStore, file: Path) -> None:
    """What it imports lies beside it, and need not be what it was."""
    (tmp_path / "else").mkdir()
    other = tmp_path / "else" / file.name
    other.write_bytes(file.read_bytes())
    load_task(f"{other}:make_task")
    with pytest.raises(NotNamed):
        saved_task(store)


def test_one_of_several_is_enough_to_stop(tmp_path: Path, file: Path, witness: Path) -> None:
    with pytest.raises(NotNamed):
        load_task(f"mnist1d-mlp,{file}:make_task", named=False)
    assert not witness.exists()


@pytest.mark.parametrize("broken", ["shared", "a file"])
def test_without_a_cache_this_process_remembers(
    broken: str, tmp_path: Path, store: RunStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "shared":  # whoever may write there may name files
        (tmp_path / "cache" / "task-files").mkdir(parents=True)
        (tmp_path / "cache").chmod(0o777)
    else:
        (tmp_path / "cache").write_text("")
    load_task(f"{file}:make_task")
    assert saved_task(store).name == "mine"
    another_process(monkeypatch)
    with pytest.raises(NotNamed):
        saved_task(store)
