"""Adding rows to the tables of a run, inside of a transaction of its store."""

from __future__ import annotations

import sqlite3
from typing import Any

from actsearch.runs import rows
from actsearch.runs.records import Heat


def insert(db: sqlite3.Connection, table: str, columns: str, values: tuple[Any, ...]) -> None:
    """Add a row."""
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def insert_heat(db: sqlite3.Connection, heat: Heat) -> None:
    """Add the next heat; raises ValueError where it is not that, or its birth is not here."""
    expected = next_id(db, "heats")
    if heat.id != expected:
        raise ValueError(f"heat {heat.id} came where {expected} was expected")
    if not 0 <= heat.birth_id < next_id(db, "births"):
        raise ValueError(f"there is no birth {heat.birth_id} to run heat {heat.id}")
    insert(db, "heats", rows.HEAT_COLUMNS, rows.heat_to_row(heat))


def next_id(db: sqlite3.Connection, table: str) -> int:
    """Return the id of a table's next row."""
    # Ids have no gaps, and the largest is found without a scan.
    return int(db.execute(f"SELECT COALESCE(MAX(id) + 1, 0) FROM {table}").fetchone()[0])
