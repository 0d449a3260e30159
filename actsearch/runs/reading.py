"""Reading the rows of a run's tables, which must be those that were written, and all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from actsearch.runs.checksums import combined, opened
from actsearch.runs.rows import Malformed
from actsearch.runs.schema import columns_of, has_checksums


def rows_of(
    db: sqlite3.Connection, table: str, columns: str, order: str, birth_id: int | None = None
) -> list[Any]:
    """Return the rows of a table, within one transaction; [] where a format has no such table.

    Args:
        db: the run's file.
        table: its name.
        columns: what a row is to have.
        order: columns to sort by.
        birth_id: of this birth alone; None: all.

    Raises:
        Malformed: one is not what was written, or not all are there.
        sqlite3.Error: the file can't be read.
    """
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return []
    checked = has_checksums(db)
    found = db.execute(
        f"SELECT {columns_of(db, table, columns)}{', checksum' * checked} FROM {table}"
        f"{'' if birth_id is None else ' WHERE birth_id = ?'} ORDER BY {order}",
        () if birth_id is None else (birth_id,),
    ).fetchall()
    if not checked:
        return found
    plain = [opened(table, row) for row in found]
    if birth_id is None:
        check_tally(db, table, [row[-1] for row in found])
    return plain


def check_tally(db: sqlite3.Connection, table: str, checksums: Sequence[int]) -> None:
    """Raise ``Malformed`` unless the rows with these checksums are all of a table."""
    row = db.execute("SELECT n, checksum FROM tally WHERE name = ?", (table,)).fetchone()
    n, checksum = row or (None, None)
    if n != len(checksums):
        raise Malformed(f"{len(checksums)} rows of {table} are there, of {n} that were written")
    if checksum != combined(checksums):
        raise Malformed(f"the rows of {table} are not those that were written, by their checksums")


