"""A run's file that someone made who means ill: refused before anything is read of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.runs import RunStore, rows
from actsearch.runs.follow import Follower
from actsearch.runs.lock import Holder, holder
from tests.runs.conftest import MakeBirth
from tests.security.stores import ENDINGS, FILES, SCHEMAS, change

@pytest.fixture
def run(store: RunStore, birth: MakeBirth) -> Path:
    """Return the folder of a run with one birth, closed."""
    store.add_births([birth(0)])
    store.close()
    return store.folder


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("what", SCHEMAS)
def test_a_file_that_is_no_run_of_ours(run: Path, what: str, write: bool) -> None:
    change(run, SCHEMAS[what])
    with pytest.raises(BadInput, match="is damaged or not a run|reads format|not a run of|older"):
        RunStore.open(run, write=write).births()
    assert holder(run) is None  # nothing is left open


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_format_hides_nothing(run: Path, version: int) -> None:
    """What is said to be of an older format is looked at all the same."""
    change(run, f"{SCHEMAS['a view for a table']}; PRAGMA user_version = {version}")
    with pytest.raises(BadInput, match="its tables are not those of a run: a view, 'births'"):
        Follower(run).read()


def moved(path: Path) -> Path:
    path.rename(path.parent.parent / "elsewhere")
    return path.parent.parent / "elsewhere"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", FILES)
def test_the_files_beside_it_are_regular_ones(run: Path, what: str, ending: str) -> None:
    FILES[what](run / f"run.sqlite{ending}")
    for write in (False, True):
        with pytest.raises(BadInput, match=f"run.sqlite{ending} is a"):
            RunStore.open(run, write=write)


@pytest.mark.parametrize("what", FILES)
def test_the_file_itself_is_a_regular_one(run: Path, what: str) -> None:
    moved(run / "run.sqlite")
    FILES[what](run / "run.sqlite")
    with pytest.raises(BadInput, match="run.sqlite is a"):
        RunStore.open(run)


def test_a_link_to_another_run_is_not_followed(run: Path) -> None:
    """It would be written without that one's lock."""
    there = moved(run / "run.sqlite")
    (run / "run.sqlite").symlink_to(there)
    with pytest.raises(BadInput, match="is a symbolic link"):
        RunStore.open(run, write=True)


@pytest.mark.parametrize("what", FILES)
def test_a_note_that_is_no_file_is_no_note(run: Path, what: str) -> None:
    (run / "writer.json").unlink(missing_ok=True)
    FILES[what](run / "writer.json")
    with RunStore.open(run, write=True):
        pass
    if what != "a folder":  # the note was put in its place, and nothing went through the link
        assert not (run / "writer.json").exists()
    assert not Path("/etc/passwd").read_text().startswith("{")


def test_a_note_that_is_a_pipe_is_not_waited_for(run: Path) -> None:
    with RunStore.open(run, write=True):
        (run / "writer.json").unlink()
        os.mkfifo(run / "writer.json")
        assert holder(run) == Holder(None)


@pytest.mark.parametrize("what", ["a symbolic link", "a link to nothing"])
def test_a_lock_that_is_a_link_is_not_followed(run: Path, what: str, tmp_path: Path) -> None:
    (run / "writer.lock").unlink(missing_ok=True)
    (run / "writer.lock").symlink_to(tmp_path / "made-by-the-lock")
    assert holder(run) is None
    assert not (tmp_path / "made-by-the-lock").exists()


@pytest.mark.parametrize("text", ["1" + "0" * 400, "-1" + "0" * 400])
def test_a_number_that_no_float_holds_is_malformed(text: str) -> None:
    row = (0, "full", 0, "ok", 0.5, f'{{"a": {text}}}', "[]", 1.0, "cpu", "")
    with pytest.raises(rows.Malformed, match="a number is too large"):
        rows.training_from_row(row)
