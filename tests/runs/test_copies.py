"""Runs that can't be read in their place without being written: a private copy is read."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import RunStore, copies, filesystem
from actsearch.runs.checking import check
from actsearch.runs.filesystem import LOCAL
from actsearch.runs.follow import Follower
from tests.runs.conftest import MakeBirth
from tests.security.journals import add_journal, bytes_of


@pytest.fixture
def run(store: RunStore, birth: MakeBirth) -> Path:
    """Return the folder of a run with one birth, closed."""
    store.add_births([birth(0)])
    store.close()
    return store.folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a file that nobody is to touch; return the file."""
    monkeypatch.chdir(tmp_path)
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    return precious


@pytest.mark.parametrize("wal", [False, True])
def test_a_reader_undoes_a_commit_in_a_copy_and_a_writer_in_its_place(
    run: Path, wal: bool, birth: MakeBirth
) -> None:
    add_journal(run, wal=wal)
    before = bytes_of(run)
    with RunStore.open(run) as reader:
        assert reader.births() == [birth(0)]
        with reader.reading():
            assert reader.n_births() == 1
    follower = Follower(run)
    follower.read()
    assert follower.snapshot(0).n_births == 1
    assert check(run).counts["births"] == 1
    assert bytes_of(run) == before
    with RunStore.open(run, write=True) as writer:
        writer.add_births([birth(1)])
    assert not (run / "run.sqlite-journal").exists()
    with RunStore.open(run) as reader:
        assert reader.n_births() == 2


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_journal_that_names_another_file_is_refused(
    run: Path, here: Path, absolute: bool, wal: bool
) -> None:
    add_journal(run, names=str(here) if absolute else here.name, wal=wal)
    before = bytes_of(run)
    for write in (False, True):
        with pytest.raises(BadInput, match="run.sqlite-journal names another file.*copy the run"):
            RunStore.open(run, write=write)
    with pytest.raises(BadInput, match="names another file"):
        Follower(run).read()
    with pytest.raises(BadInput, match="names another file"):
        check(run)
    assert bytes_of(run) == before
    assert here.read_text() == "keep"


def test_sqlite_would_delete_it(run: Path, here: Path) -> None:
    """Else the test above would see nothing."""
    add_journal(run, names=here.name)
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.execute("SELECT * FROM births")
    assert not here.exists()


@pytest.mark.parametrize("write", [False, True])
def test_a_journal_that_makes_a_run_large_is_refused(run: Path, write: bool) -> None:
    add_journal(run, n_pages=2**31)
    size = (run / "run.sqlite").stat().st_size
    with pytest.raises(BadInput, match=r"would make the run 8,796,093,022,208 bytes long"):
        RunStore.open(run, write=write)
    assert (run / "run.sqlite").stat().st_size == size


@pytest.mark.parametrize("content", [b"", b"\xd9", bytes(5000), b"\xd9\xd5\x05\xf9" * 500])
def test_a_journal_that_says_nothing_hinders_nobody(run: Path, content: bytes) -> None:
    (run / "run.sqlite-journal").write_bytes(content)
    for write in (False, True):
        with RunStore.open(run, write=write) as store:
            assert store.n_births() == 1


def test_a_writer_may_be_killed_while_a_reader_has_the_run_open(run: Path, shared: None) -> None:
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.execute("PRAGMA journal_mode = TRUNCATE")
    with RunStore.open(run) as reader:
        assert reader.n_births() == 1
        add_journal(run)
        before = bytes_of(run)
        assert reader.n_births() == 1
        assert len(reader.births()) == 1
        with reader.reading():
            assert len(reader.births()) == 1
        assert bytes_of(run) == before


READER = """
import os, sys
from pathlib import Path
import actsearch.runs
from actsearch.runs import RunStore
from actsearch.runs.filesystem import LOCAL
from actsearch.runs.follow import Follower

folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with RunStore.open(folder) as store, store.reading():
    print(store.n_births(), len(store.births()))
follower = Follower(folder)
follower.read()
print(follower.snapshot(0).n_births)
"""


def kill_a_writer(run: Path, birth: MakeBirth, tmp_path: Path) -> None:
    """Add a birth that is in the log alone."""
    with RunStore.open(run, write=True) as store:
        store.add_births([birth(1)])
        shutil.copytree(run, tmp_path / "at-the-kill")
    shutil.rmtree(run)
    (tmp_path / "at-the-kill").rename(run)
    (run / "run.sqlite-shm").unlink()


@pytest.mark.parametrize("killed", [False, True])
def test_who_only_reads_changes_no_file(
    run: Path, birth: MakeBirth, killed: bool, tmp_path: Path
) -> None:
    if killed:
        kill_a_writer(run, birth, tmp_path)
    before = {one.name: one.read_bytes() for one in run.iterdir()}
    n = 2 if killed else 1
    with RunStore.open(run) as reader:
        assert reader.n_births() == n
        with reader.reading():
            assert len(reader.births()) == n
    follower = Follower(run)
    follower.read()
    assert follower.snapshot(0).n_births == check(run, full=True).counts["births"] == n
    after = {one.name: one.read_bytes() for one in run.iterdir()}
    assert set(after) - set(before) <= {"run.sqlite-wal", "run.sqlite-shm"}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("killed", [False, True])
def test_a_run_is_read_where_nothing_can_be_written(
    run: Path, birth: MakeBirth, killed: bool, tmp_path: Path
) -> None:
    """That of a colleague, or in a snapshot: closed, or with commits in the log alone."""
    if killed:
        kill_a_writer(run, birth, tmp_path)
    with tempfile.TemporaryDirectory() as outside:  # pytest keeps what it makes from others
        Path(outside).chmod(0o755)
        there = Path(outside, "r")
        shutil.copytree(run, there)
        before = bytes_of(there)
        for file in there.iterdir():
            file.chmod(0o444)
        there.chmod(0o555)
        command = [sys.executable, "-c", READER, str(there)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        there.chmod(0o755)
        assert bytes_of(there) == before
    n = 2 if killed else 1
    assert done.stdout == f"{n} {n}\n{n}\n", done.stderr


def test_a_copy_that_cannot_be_made_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_journal(run)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("actsearch.runs.copies.shutil.copyfile", full)
    with pytest.raises(ActsearchError, match=r"No space left on device\).*TMPDIR names another"):
        RunStore.open(run)


def test_what_is_written_while_it_is_copied_is_copied_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_journal(run)
    copy, n_copied = shutil.copyfile, 0

    def meanwhile(source: Path, *rest: Any, **more: Any) -> None:
        nonlocal n_copied
        n_copied += 1
        copy(source, *rest, **more)
        if n_copied == 1:
            os.utime(source, ns=(1, 1))

    monkeypatch.setattr("actsearch.runs.copies.shutil.copyfile", meanwhile)
    with RunStore.open(run) as reader:
        assert reader.n_births() == 1
    assert n_copied == 4  # the file and its journal, twice


def test_where_a_writer_came_meanwhile_it_is_read_in_its_place(
    run: Path, birth: MakeBirth, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of what is written all the time never comes about."""
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.execute("PRAGMA journal_mode = TRUNCATE")
    add_journal(run)
    state, numbers = copies._state, itertools.count(1)

    def meanwhile(path: Path) -> dict[str, tuple[int, ...]]:
        with RunStore.open(run, write=True) as writer:
            writer.add_births([birth(next(numbers))])
        return state(path)

    monkeypatch.setattr(copies, "_state", meanwhile)
    monkeypatch.setattr(filesystem, "LOCAL", replace(LOCAL, patience_ms=50))  # of old
    with RunStore.open(run) as reader:
        assert len(reader.births()) == next(numbers) == 3


def stretched(run: Path, n_bytes: int) -> None:
    """Have a run say that it is so long, most of it holes."""
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with (run / "run.sqlite").open("r+b") as file:
        file.truncate(n_bytes)
        header = file.read(100)
        file.seek(28)
        file.write((n_bytes // 4096).to_bytes(4, "big"))
        file.seek(92)
        file.write(header[24:28])


def test_a_run_that_is_all_holes_is_refused(run: Path) -> None:
    stretched(run, 4096 * 732_421)
    for write in (False, True):
        with pytest.raises(BadInput, match=r"says that it has 2,999,996,416 bytes, and [0-9,]{5,7} "):
            RunStore.open(run, write=write)
    with pytest.raises(BadInput, match="no run has such holes"):
        check(run)


MEMORY = """
import resource, sys
from pathlib import Path
from actsearch.runs import RunStore, foreign

foreign._LONG_BYTES = 10**12
with RunStore.open(Path(sys.argv[1])) as store:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with store.reading():
        assert store.n_births() == 1
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_copy_is_not_in_memory(run: Path) -> None:
    stretched(run, 4096 * 32_000)
    command = [sys.executable, "-c", MEMORY, str(run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 30_000  # kB, of 131 MB


def test_a_copy_leaves_nothing_behind(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_journal(run)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with contextlib.closing(copies.connect_to_read(run / "run.sqlite")) as db:
        assert db.execute("SELECT COUNT(*) FROM births").fetchone() == (1,)
        assert list((tmp_path / "tmp").iterdir()) == []
