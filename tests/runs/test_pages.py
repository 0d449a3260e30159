"""Pages made to be read over and over: that rows_in_pages takes no more of a file than there is."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from actsearch.runs.pages import rows_in_pages

SIZE, N_PAGES = 4096, 201
LEAF = 0x0D
HEADER = b"SQLite format 3\0".ljust(SIZE, b"\0")


def varint(value: int) -> bytes:
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | value & 0x7F)
    return bytes(reversed(parts))


def leaf(places: list[int], cells: dict[int, bytes]) -> bytes:
    """Return a page whose cells lie at ``places``, as it says, with some cells."""
    page = bytearray(SIZE)
    page[0], page[3:5] = LEAF, len(places).to_bytes(2, "big")
    for k, place in enumerate(places):
        page[8 + 2 * k : 10 + 2 * k] = place.to_bytes(2, "big")
    for at, cell in cells.items():
        page[at : at + len(cell)] = cell
    return bytes(page)


def beginning(n_bytes: int) -> bytes:
    """Return the first bytes of a cell with a row of so many, which has an id and one value."""
    serial = next(
        varint(2 * (n_bytes - 2 - n) + 12)
        for n in range(1, 9)
        if len(varint(2 * (n_bytes - 2 - n) + 12)) == n
    )
    # The place of the id, and bytes.
    return varint(n_bytes) + varint(1) + varint(2 + len(serial)) + varint(0) + serial


def going_on(n_bytes: int, page: int) -> bytes:
    """Return a cell with a row of so many bytes, which goes on at a page."""
    least = (SIZE - 12) * 32 // 255 - 23
    here = least + (n_bytes - least) % (SIZE - 4)
    here = here if here <= SIZE - 35 else least
    start = varint(n_bytes) + varint(1)
    return beginning(n_bytes).ljust(len(start) + here, b"x") + page.to_bytes(4, "big")


def page_of(following: int) -> bytes:
    return following.to_bytes(4, "big").ljust(SIZE, b"y")


def one_place_for_all_cells() -> list[bytes]:
    at = SIZE - 400
    return [leaf([at] * 1700, {at: beginning(300)})] * (N_PAGES - 1)


def a_long_row_that_goes_round() -> list[bytes]:
    cell = going_on(SIZE * (N_PAGES - 1), N_PAGES)
    at = SIZE - len(cell)
    return [*[leaf([at], {at: cell})] * (N_PAGES - 2), page_of(N_PAGES)]


def one_long_row_for_all() -> list[bytes]:
    cell = going_on(SIZE * 99, 102)
    at = SIZE - len(cell)
    return [*[leaf([at], {at: cell})] * 100, *map(page_of, range(103, N_PAGES + 2))]


def cells_over_each_other() -> list[bytes]:
    places = list(range(600, 1600, 8))
    return [leaf(places, {at: beginning(2000) for at in places})] * (N_PAGES - 1)


@pytest.mark.parametrize(
    "bomb",
    [
        one_place_for_all_cells,
        a_long_row_that_goes_round,
        one_long_row_for_all,
        cells_over_each_other,
    ],
)
def test_what_is_said_over_and_over_is_not_read_over_and_over(
    tmp_path: Path, bomb: Callable[[], list[bytes]]
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"".join([HEADER, *bomb()]))
    n_calls = n_bytes = 0

    def count(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        for _, row in rows_in_pages(path):
            n_bytes += len(row[1])
    finally:
        sys.setprofile(None)
    assert n_bytes <= 8 * path.stat().st_size
    assert n_calls <= 5000 * N_PAGES


def test_long_rows_are_read_whole_beside_what_is_left_of_former_ones(tmp_path: Path) -> None:
    wanted = {k: f"{k} " * 9000 for k in range(20)}
    with contextlib.closing(sqlite3.connect(tmp_path / "f")) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        for former in range(100, 104):
            db.execute("INSERT INTO t VALUES (?, ?)", (former, "former " * 9000))
        db.execute("DELETE FROM t")
        db.executemany("INSERT INTO t VALUES (?, ?)", wanted.items())
    found = {row[0]: row[1] for has_ids, row in rows_in_pages(tmp_path / "f") if has_ids}
    assert {k: found.get(k) for k in wanted} == wanted


MEMORY = """
import resource, sys
from pathlib import Path
from actsearch.runs.pages import rows_in_pages
from actsearch.runs.pending import put_in

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (45_000_000, 45_000_000))
print(len({row[0] for has_ids, row in rows_in_pages(path) if has_ids and row[1] == "long" * 1000}))
print(put_in(path, path.with_name("draft")))
"""


@pytest.mark.parametrize(("mode", "log"), [("WAL", "f-wal"), ("TRUNCATE", "f-journal")])
def test_neither_the_file_nor_its_log_is_held_in_memory(
    tmp_path: Path, mode: str, log: str
) -> None:
    (tmp_path / "written").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "written" / "f", isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("PRAGMA cache_size = 3")  # the pages of a transaction go to the file
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(k, "long" * 1000) for k in range(99)])
        db.execute("BEGIN")
        db.execute("UPDATE t SET text = 'other'")
        shutil.copytree(tmp_path / "written", tmp_path / "copy")
    for name in ("f", log):
        with (tmp_path / "copy" / name).open("r+b") as file:
            file.truncate(60_000_000)
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "copy" / "f")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "99\nTrue\n", done.stderr
