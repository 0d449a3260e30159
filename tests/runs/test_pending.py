"""What the logs of a file hold is what SQLite makes of them, byte for byte, however they are torn."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest

from actsearch.runs.pages import rows_in_pages
from actsearch.runs.pending import _sums, put_in

FILES = ("f", "f-wal", "f-journal")


def rows(first: int, n: int) -> list[tuple[int, str]]:
    return [(k, f"{k} " * 60) for k in range(first, first + n)]


def write(path: Path, mode: str, to: Path, page_size: int = 4096) -> Path:
    """Return a copy of a file that a writer has open, in the midst of a transaction."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in (f"page_size = {page_size}", f"journal_mode = {mode}", "cache_size = 3"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", rows(0, 150))
        if mode == "WAL":
            db.execute("PRAGMA wal_checkpoint(RESTART)")  # the log begins anew over older frames
            db.executemany("INSERT INTO t VALUES (?, ?)", rows(150, 20))
        db.execute("BEGIN")
        db.executemany("INSERT INTO t VALUES (?, ?)", rows(300, 150))  # more than it keeps in memory
        db.execute("UPDATE t SET text = 'another' WHERE id % 9 = 0")
        return copied(path.parent, to)


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in FILES:
        if (folder / name).exists():
            shutil.copy(folder / name, to)
    return to


def as_sqlite_has_it(folder: Path) -> bytes:
    with contextlib.closing(sqlite3.connect(folder / "f")) as db:
        # What was torn off may be needed: that is noticed when all is as it is put together.
        with contextlib.suppress(sqlite3.DatabaseError):
            db.execute("SELECT count(*) FROM sqlite_master").fetchall()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "f").read_bytes()


def as_it_is_put_in(folder: Path) -> bytes:
    before = (folder / "f").read_bytes()
    is_other = put_in(folder / "f", folder / "draft")
    assert (folder / "f").read_bytes() == before
    return (folder / "draft").read_bytes() if is_other else before


@pytest.fixture(scope="module", params=["WAL", "TRUNCATE", "WAL of small pages"])
def torn_off(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pending")
    (root / "written").mkdir()
    mode, *small = request.param.split(" of ")
    return write(root / "written" / "f", mode, root / "torn off", 512 if small else 4096)


def test_it_is_what_sqlite_makes_of_them(torn_off: Path, tmp_path: Path) -> None:
    ours = as_it_is_put_in(copied(torn_off, tmp_path / "a"))
    assert ours == as_sqlite_has_it(copied(torn_off, tmp_path / "b"))
    assert ours != (torn_off / "f").read_bytes()
    there = {row[0]: row[1] for has_ids, row in rows_in_pages(torn_off / "f") if has_ids}
    n_committed = 170 if (torn_off / "f-wal").exists() else 150
    assert {k: there.get(k) for k in range(n_committed)} == dict(rows(0, n_committed))


def test_putting_them_in_twice_is_putting_them_in_once(torn_off: Path, tmp_path: Path) -> None:
    folder = copied(torn_off, tmp_path / "a")
    once = as_it_is_put_in(folder)
    (folder / "draft").replace(folder / "f")
    assert as_it_is_put_in(folder) == once
    (folder / "draft").unlink()
    assert as_sqlite_has_it(folder) == once


@pytest.mark.parametrize("n", [40, pytest.param(1000, marks=pytest.mark.nightly)])
def test_a_log_that_is_torn_or_not_what_was_written_ends_there(
    torn_off: Path, tmp_path: Path, n: int
) -> None:
    source = random.Random(7)
    (name,) = (one for one in FILES[1:] if (torn_off / one).exists())
    log = (torn_off / name).read_bytes()
    found = set()
    for number in range(n):
        changed = bytearray(log)
        if number % 2:
            del changed[source.randrange(64, len(log)) :]
        else:  # behind what else a header says
            changed[source.randrange(512 if name == "f-journal" else 0, len(log))] ^= 0x10
        ours, its = copied(torn_off, tmp_path / f"a{number}"), tmp_path / f"b{number}"
        (ours / name).write_bytes(changed)
        copied(ours, its)
        put_together = as_it_is_put_in(ours)
        assert put_together == as_sqlite_has_it(its)
        found.add(put_together)
    assert len(found) >= 3


def test_a_page_far_behind_the_end_makes_no_hole(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "f", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        folder = copied(tmp_path, tmp_path / "a")
    log = bytearray((folder / "f-wal").read_bytes())
    order = "<" if log[3] == 0x82 else ">"
    sums = (int.from_bytes(log[24:28], "big"), int.from_bytes(log[28:32], "big"))
    for at in range(32, len(log), 24 + 4096):
        log[at : at + 4] = (1 << 24).to_bytes(4, "big")
        sums = _sums(order, bytes(log[at : at + 8]), sums)
        sums = _sums(order, bytes(log[at + 24 : at + 24 + 4096]), sums)
        log[at + 16 : at + 24] = struct.pack(">II", *sums)
    (folder / "f-wal").write_bytes(log)
    assert not put_in(folder / "f", folder / "draft")
    assert not (folder / "draft").exists()
