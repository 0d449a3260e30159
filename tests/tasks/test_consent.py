"""A run may name a task file; it is run only where the user named it before, as it is now."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.fixture
def store(tmp_path: Path, file: Path) -> RunStore:
    """A run that someone sent, with its task file; reading it runs nothing."""
    config = {"task": f"{file}:make_task", "task_from": "name", "space": "s", "rungs": []}
    RunStore.create(tmp_path / "runs" / "sent", config, {}).close()
    return RunStore.open(tmp_path / "runs" / "sent")


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
