"""Changing the file of a run as someone would who knows how it is made: checksums stay right."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from actsearch.runs.checksums import combined, row_checksum
from actsearch.runs.migrations import columns_of_table
from actsearch.runs.tables import TALLIED


@contextlib.contextmanager
def by_hand(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a run's file for any statement; what was changed is committed, and looks untouched."""
    with contextlib.closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
        yield db
        for table in TALLIED:
            names = columns_of_table(db, table)
            if names[-1:] != ["checksum"]:
                continue
            found = db.execute(f"SELECT * FROM {table}").fetchall()
            key = "rowid" if names[0] == "id" else ", ".join(_KEYS[table])
            where = " AND ".join(f"{name} = ?" for name in key.split(", "))
            sums = [row_checksum(row[:-1]) for row in found]
            width = len(key.split(", "))
            for row, checksum in zip(found, sums, strict=True):
                if checksum != row[-1]:
                    change = f"UPDATE {table} SET checksum = ? WHERE {where}"
                    db.execute(change, (checksum, *row[:width]))
            tally = "UPDATE tally SET n = ?, checksum = ? WHERE name = ?"
            db.execute(tally, (len(found), combined(sums), table))


_KEYS = {
    "meta": ("key",),
    "trainings": ("birth_id", "rung", "seed"),
    "trials": ("task", "split", "formula", "seed"),
}


def as_format(folder: Path, version: int) -> None:
    """Take from a run's file what a former format lacks, as far as readers notice."""
    with contextlib.closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
        lacking = {"checksum"} | ({"penalty", "seen"} if version < 3 else set())
        for table in TALLIED:
            names = [name for name in columns_of_table(db, table) if name not in lacking]
            db.execute(f"ALTER TABLE {table} RENAME TO new_{table}")
            if version > 1 or table not in ("heats", "trials"):
                db.execute(f"CREATE TABLE {table} AS SELECT {', '.join(names)} FROM new_{table}")
        for table in reversed(TALLIED):  # what refers to births goes before them
            db.execute(f"DROP TABLE new_{table}")
        db.execute("DROP TABLE tally")
        db.execute(f"PRAGMA user_version = {version}")
