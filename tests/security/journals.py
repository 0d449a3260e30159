"""Runs with a journal beside them, as a kill or a foe leaves it for SQLite to undo a commit by."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from pathlib import Path

MAGIC = bytes.fromhex("d9d505f920a163d7")
_SECTOR, _NONCE = 512, 12345


def add_journal(run: Path, *, names: str = "", n_pages: int = 0, wal: bool = False) -> Path:
    """Put a hot journal beside the file of a run that nobody has open; return the journal.

    By it the first page becomes what it was before the run's first word was written over.

    Args:
        run: the run's folder.
        names: the super-journal that it is to name.
        n_pages: how long the database was, by the journal; 0 for as long as it is.
        wal: leave the file saying that it has a write-ahead log.
    """
    path = run / "run.sqlite"
    if not wal:
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    page = bytes(data[:size])
    header = MAGIC + struct.pack(">5I", 1, _NONCE, n_pages or len(data) // size, _SECTOR, size)
    checksum = (_NONCE + sum(page[k] for k in range(size - 200, 0, -200))) & 0xFFFFFFFF
    record = struct.pack(">I", 1) + page + struct.pack(">I", checksum)
    name = names.encode()
    word = struct.pack(">I", 2**30 // size + 1) + name + struct.pack(">II", len(name), sum(name))
    journal = path.with_name("run.sqlite-journal")
    journal.write_bytes(header.ljust(_SECTOR, b"\0") + record + (word + MAGIC if names else b""))
    data[60:64] = bytes(4)  # the commit that was not ended: another format
    path.write_bytes(data)
    return journal


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return what is in the files of a run, those aside that come and go with whoever looks."""
    passing = ("run.sqlite-shm", "run.sqlite-wal", "writer.lock")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in passing
    }
