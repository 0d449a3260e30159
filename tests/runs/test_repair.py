"""Checking and repairing: what is damaged is told, what holds together is kept, and goes on."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.runs import RunStore, digest
from actsearch.runs.checking import check
from actsearch.runs.repair import consistent, repair
from actsearch.runs.salvage import salvaged
from tests.runs.by_hand import by_hand
from tests.runs.simulated_run import content, copy_to, go_on, log_of, made
from tests.runs.test_leavings import DRAFT
from tests.runs.test_schema import ASSETS

PAGE = 4096


def overwrite(folder: Path, page: int, n_bytes: int = PAGE) -> None:
    with (folder / "run.sqlite").open("r+b") as file:
        file.seek(page * PAGE)
        file.write(b"\xa5" * n_bytes)


def n_pages(folder: Path) -> int:
    return (folder / "run.sqlite").stat().st_size // PAGE


@pytest.fixture
def run(root: Path) -> Path:
    return copy_to(root / "r")


def test_a_sound_run_is_sound(run: Path) -> None:
    found = check(run, full=True)
    assert (found.damage, found.notes, found.format) == ([], [], 4)
    assert found.counts["births"] == found.n_fingerprints == 45
    assert found.digest == digest(log_of(run))
    assert check(run).n_fingerprints == 45
    before = (run / "run.sqlite").read_bytes()
    check(run)
    assert (run / "run.sqlite").read_bytes() == before


@pytest.mark.parametrize("version", [1, 2, 3])
def test_runs_of_older_formats_are_sound(root: Path, version: int) -> None:
    folder = Path(shutil.copytree(ASSETS / f"format-{version}", root / "old"))
    found = check(folder, full=True)
    assert (found.damage, found.format) == ([], version)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE births SET formula = 'tanh(x)' WHERE id = 40", "birth 40 has another fingerprint"),
        ("UPDATE births SET formula = 'tanh(x' WHERE id = 40", "birth 40: "),
        ("UPDATE births SET parents = '[41]' WHERE id = 40", "birth 40: parents"),
        ("UPDATE heats SET seen = 99 WHERE id = 3", "heat 3 saw 99 heats"),
        ("UPDATE heats SET rung = 'endless' WHERE id = 3", "heat 3 is for the rung 'endless'"),
        ("UPDATE heats SET birth_id = 44 WHERE id = 3", "is to be trained, and no heat does"),
        ("DELETE FROM heats WHERE id = 3", "heats: 3 is missing"),
        (
            "UPDATE trainings SET seed = 77 WHERE birth_id = 0 AND rung = 'short'",
            "no heat asked for birth 0 at 'short' with seed 77",
        ),
        ("DELETE FROM births WHERE id = 44", "not there"),
        ("UPDATE births SET size = 'x' WHERE id = 1", "births: an integer is wanted"),
    ],
)
def test_rows_that_contradict_each_other_are_damage(run: Path, change: str, said: str) -> None:
    with by_hand(run) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(change)
    found = check(run, full=True)
    assert any(said in one for one in found.damage), found.damage
    assert found.digest is None


def test_one_row_that_is_not_what_was_written_is_found(run: Path) -> None:
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db, db:
        db.execute("UPDATE trainings SET score = score / 2 WHERE birth_id = 1")
    (said,) = check(run).damage
    assert said.startswith("trainings: a row of trainings is not what was written, by its checksum")


def test_what_a_kill_left_is_told_and_no_damage(run: Path) -> None:
    (run / "writer.json").write_text('{"pid": 1}')
    (run / "writer.77.tmp").touch()
    (run / "run.sqlite.repaired-1").touch()
    (run / "config.json").write_text("{}")
    found = check(run)
    assert found.damage == []
    for part in ("writer.json", "writer.77.tmp", ".repaired-1", "config.json"):
        assert any(part in note for note in found.notes), part


def test_every_draft_that_a_kill_left_is_told(run: Path) -> None:
    """Those that nobody writes any more."""
    draft, files, page = run.parent / DRAFT, run / ".actsearch-1", run / ".report.html.1"
    for one in (draft, files):
        one.mkdir()
    page.touch()
    assert check(run).notes == []
    for one in (draft, files, page):
        os.utime(one, (0, 0))
    notes = check(run).notes
    for one in (draft, files, page):
        assert sum(one.name in note for note in notes) == 1, one


def test_a_run_that_is_written_is_looked_at_and_not_repaired(run: Path) -> None:
    with RunStore.open(run, write=True):
        found = check(run)
        assert found.damage == []
        assert any("is being written by process" in note for note in found.notes)
        with pytest.raises(BadInput, match="is being written by"):
            repair(run)
    assert not list(run.glob("*damaged*"))


def test_what_is_whole_is_salvaged_whole(run: Path) -> None:
    found, there = salvaged(run), content(run)
    assert (found.meta["config"], found.meta["environment"]) == there[:2]
    assert [found.births[k] for k in sorted(found.births)] == there[2]
    assert [found.heats[k] for k in sorted(found.heats)] == there[3]
    assert [found.trainings[k] for k in sorted(found.trainings)] == there[4]
    assert [found.sessions[k] for k in sorted(found.sessions)] == there[6]
    kept = consistent(found)
    assert (kept.births, kept.heats, kept.trainings) == (found.births, found.heats, found.trainings)


def test_every_page_may_be_lost(root: Path) -> None:
    """And what is kept is a beginning of the run, which goes on to what it was."""
    whole = log_of(made())
    lines = set(whole)
    events = {line: line.split('"', 4)[3] for line in whole}
    n_kept = []
    for page in range(n_pages(made())):
        run = copy_to(root / f"r{page}")
        damaged = copy_to(root / f"d{page}")
        for folder in (run, damaged):
            overwrite(folder, page)
        if not check(run).damage:
            continue  # a page that nothing is on
        repaired = repair(run)
        assert check(run, full=True).damage == []
        assert repaired.damaged.read_bytes() == (damaged / "run.sqlite").read_bytes()
        log = log_of(run)
        assert set(log) <= lines
        kinds = [events[line] for line in log]
        for kind, name in (("birth", "births"), ("heat", "heats"), ("training", "trainings")):
            n = sum(one == kind for one in events.values())
            assert repaired.kept[name] == kinds.count(kind)
            assert repaired.kept[name] + repaired.lost[name] <= n
        n_kept.append(len(log))
    assert len(n_kept) > 5
    assert max(n_kept) == len(whole)  # a page without rows, such as the first
    assert len(set(n_kept)) > 2


def test_a_repaired_run_goes_on_to_what_it_was(root: Path) -> None:
    whole = log_of(made())
    n_done = 0
    for page in range(n_pages(made())):
        run = copy_to(root / f"r{page}")
        overwrite(run, page)
        if check(run).damage and 0 < repair(run).kept["births"] < 45:
            assert go_on(run, 45) == whole
            n_done += 1
        if n_done == 2:
            break
    assert n_done == 2


def test_a_file_that_was_cut_off_is_repaired(root: Path) -> None:
    size = (made() / "run.sqlite").stat().st_size
    run = copy_to(root / "r")
    with (run / "run.sqlite").open("r+b") as file:
        file.truncate(size * 2 // 3)
    assert check(run).damage
    repaired = repair(run)
    assert check(run, full=True).damage == []
    assert repaired.kept["births"] + repaired.lost["births"] <= 45


def test_the_log_of_a_killed_writer_is_read_in_a_repair(root: Path) -> None:
    copy_to(root / "r")
    with RunStore.open(root / "r", write=True) as store:
        store.begin_session({"n": 2})
        shutil.copytree(root / "r", root / "killed")
    overwrite(root / "killed", 0, 100)
    repaired = repair(root / "killed")
    assert repaired.lost == dict.fromkeys(repaired.lost, 0)
    with RunStore.open(root / "killed") as store:
        assert [one.info.get("n") for one in store.sessions()] == [None, 2]
    assert repaired.damaged.with_name("run.sqlite.damaged-1-wal").exists()


def test_what_lies_in_the_way_of_the_damaged_files_copy_is_not_written_through(root: Path) -> None:
    copy_to(root / "r")
    with RunStore.open(root / "r", write=True) as store:
        store.begin_session({"n": 2})
        shutil.copytree(root / "r", root / "killed")
    for ending in ("", "-wal"):
        (root / f"mine{ending}").write_text("mine")
        (root / "killed" / f"run.sqlite.damaged-1{ending}").symlink_to(root / f"mine{ending}")
    (root / "killed" / "run.sqlite.damaged-2").symlink_to(root / "new")
    assert repair(root / "killed").damaged.name == "run.sqlite.damaged-3"
    assert {one.name for one in root.iterdir()} == {"r", "killed", "mine", "mine-wal"}
    assert {(root / f"mine{ending}").read_text() for ending in ("", "-wal")} == {"mine"}


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "huge"])
def test_a_copy_of_the_configuration_that_is_no_file_hinders_nothing(run: Path, kind: str) -> None:
    before = content(run)
    copy = run / "config.json"
    copy.rename(run.parent / "outside.json")
    if kind == "pipe":
        os.mkfifo(copy)
    elif kind == "link":
        copy.symlink_to("/dev/zero")
    elif kind == "folder":
        copy.mkdir()
    else:
        with copy.open("wb") as file:
            file.truncate(1 << 40)
    # In a process of its own: it must not wait for a pipe, nor fill the memory.
    asked = f"""
import resource
from pathlib import Path
from actsearch.runs.checking import check
from actsearch.runs.repair import repair
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
run = Path({str(run)!r})
print(check(run).notes[0])
repair(run)
"""
    done = subprocess.run(
        [sys.executable, "-c", asked], timeout=60, check=True, capture_output=True, text=True
    )
    assert done.stdout == "config.json, a copy for people, can't be read\n"
    assert content(run) == before


def test_a_header_that_is_gone_costs_nothing(run: Path) -> None:
    before = content(run)
    with (run / "run.sqlite").open("r+b") as file:
        file.seek(68)  # application_id
        file.write(b"\0\0\0\0")
    assert any("is not a run of actsearch" in one for one in check(run).damage)
    repair(run)
    assert content(run) == before


def test_without_its_configuration_there_is_the_copy(run: Path) -> None:
    before = content(run)
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db, db:
        db.execute("DELETE FROM meta WHERE key = 'config'")
    assert check(run).damage
    assert repair(run).remarks == ("the config is that of its copy, config.json",)
    assert content(run) == before


def test_without_either_it_is_refused_and_untouched(run: Path) -> None:
    (run / "config.json").unlink()
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db, db:
        db.execute("DELETE FROM meta WHERE key = 'config'")
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.execute("VACUUM")
    before = (run / "run.sqlite").read_bytes()
    with pytest.raises(BadInput, match=r"its configuration is gone.*restore"):
        repair(run)
    assert (run / "run.sqlite").read_bytes() == before
    assert not list(run.glob("*damaged*"))


def test_a_second_repair_keeps_the_first_damaged_file(run: Path) -> None:
    first = repair(run).damaged
    second = repair(run).damaged
    assert (first.name, second.name) == ("run.sqlite.damaged-1", "run.sqlite.damaged-2")


@pytest.mark.parametrize("version", [2, 3])
def test_an_older_format_is_repaired_as_far_as_it_can_be_read(root: Path, version: int) -> None:
    folder = Path(shutil.copytree(ASSETS / f"format-{version}", root / "old"))
    before = log_of(folder)
    overwrite(folder, n_pages(folder) - 1)
    if check(folder).damage:
        repair(folder)
    assert check(folder).damage == []
    assert set(log_of(folder)) <= set(before)


@pytest.mark.nightly
def test_bytes_anywhere_may_be_others_and_it_is_repaired(root: Path) -> None:
    lines = set(log_of(made()))
    source = random.Random(5)
    original = (made() / "run.sqlite").read_bytes()
    for number in range(400):
        run = copy_to(root / f"r{number}")
        changed = bytearray(original)
        for place in source.sample(range(len(original)), source.choice((1, 5, 50))):
            changed[place] ^= source.randrange(1, 256)
        (run / "run.sqlite").write_bytes(bytes(changed))
        try:
            damage = check(run).damage
        except BadInput:  # a header of another program's, or of a format of the future
            continue
        if damage:
            try:
                repair(run)
            except BadInput as error:
                assert "configuration is gone" in str(error)
                continue
        assert check(run, full=True).damage == []
        assert set(log_of(run)) <= lines
        shutil.rmtree(run)
