"""Adding rows to the tables of a run, inside of a transaction of its store.

Each row gets its checksum, and the tally of its table is kept.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from actsearch.runs import rows
from actsearch.runs.checksums import opened, row_checksum
from actsearch.runs.records import Heat

#: There is no other way to say exclusive or in SQLite.
_TALLY = (
    "UPDATE tally SET n = n + ?2, checksum = (checksum | ?3) - (checksum & ?3) WHERE name = ?1"
)


def insert(db: sqlite3.Connection, table: str, columns: str, values: tuple[Any, ...]) -> None:
    """Add a row."""
    marks = ", ".join("?" * (len(values) + 1))
    checksum = row_checksum(values)
    db.execute(f"INSERT INTO {table} ({columns}, checksum) VALUES ({marks})", (*values, checksum))
    db.execute(_TALLY, (table, 1, checksum))


def insert_heat(db: sqlite3.Connection, heat: Heat) -> None:
    """Add the next heat; raises ValueError where it is not that, or its birth is not here."""
    expected = next_id(db, "heats")
    if heat.id != expected:
        raise ValueError(f"heat {heat.id} came where {expected} was expected")
    if not 0 <= heat.birth_id < next_id(db, "births"):
        raise ValueError(f"there is no birth {heat.birth_id} to run heat {heat.id}")
    insert(db, "heats", rows.HEAT_COLUMNS, rows.heat_to_row(heat))


def update_session(db: sqlite3.Connection, id_: int, **changes: float | str) -> None:
    """Change columns of a session: the one kind of row that changes after it was added."""
    query = f"SELECT {rows.SESSION_COLUMNS}, checksum FROM sessions WHERE id = ?"
    row = db.execute(query, (id_,)).fetchone()
    values = dict(zip(rows.SESSION_COLUMNS.split(", "), opened("sessions", row), strict=True))
    new = row_checksum(tuple((values | changes).values()))
    names = ", ".join(f"{name} = ?" for name in changes)
    db.execute(
        f"UPDATE sessions SET {names}, checksum = ? WHERE id = ?", (*changes.values(), new, id_)
    )
    db.execute(_TALLY, ("sessions", 0, row[-1] ^ new))


def next_id(db: sqlite3.Connection, table: str, first: int = 0) -> int:
    """Return the id of a table's next row, ``first`` where there is none."""
    # Ids have no gaps, and the largest is found without a scan.
    return int(db.execute(f"SELECT COALESCE(MAX(id) + 1, {first}) FROM {table}").fetchone()[0])
