"""Bringing the file of an older format up to date: all of it or nothing, where it is written.

A format that only adds columns or rows says so in ``STEPS``. What ``ALTER TABLE`` can't do, as
another constraint, is done once at the end: all tables are made anew as the present format has
them, and filled from the old ones (the order of https://www.sqlite.org/lang_altertable.html,
"Making Other Kinds Of Table Schema Changes"). One transaction holds it all, so a crash leaves the
old file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from actsearch.runs.insert import insert
from actsearch.runs.tables import SCHEMA_VERSION, TABLES, TALLIED

#: Format -> the statements that give its tables the columns of the next one.
STEPS: Mapping[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE births ADD COLUMN penalty REAL NOT NULL DEFAULT 0",
        "ALTER TABLE heats ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
    ),
    3: (),  # checksums and another status: the tables made anew have them
}


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Give a file the tables of the present format, all or nothing.

    Raises:
        sqlite3.Error: the disk failed, or the file is damaged; it is as it was.
        Malformed: a row holds what no row of a run does; the file is as it was.
    """
    # Neither can be changed within a transaction. References are to stay by name while the tables
    # that they name are moved out of the way.
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA legacy_alter_table = ON")
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster; who waited has nothing left to do.
            version = db.execute("PRAGMA user_version").fetchone()[0]
            for old in range(version, SCHEMA_VERSION):
                for statement in STEPS[old]:
                    db.execute(statement)
            if version < SCHEMA_VERSION:
                _make_anew(db)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            if db.execute("PRAGMA foreign_key_check").fetchone():
                raise sqlite3.DatabaseError("a row refers to a birth that is not there")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    finally:
        db.execute("PRAGMA legacy_alter_table = OFF")
        db.execute("PRAGMA foreign_keys = ON")


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables of the present format, empty, in a transaction that is open."""
    for statement in TABLES.values():
        db.execute(statement)
    db.executemany("INSERT INTO tally VALUES (?, 0, 0)", [(name,) for name in TALLIED])


def _make_anew(db: sqlite3.Connection) -> None:
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name in there:
        db.execute(f'ALTER TABLE "{name}" RENAME TO "old_{name}"')
    make_tables(db)
    for name in TALLIED:
        if name not in there:
            raise sqlite3.DatabaseError(f"there is no table {name}")
        columns = ", ".join(columns_of_table(db, name)[:-1])  # the checksum is the last
        for row in db.execute(f"SELECT {columns} FROM old_{name}"):
            insert(db, name, columns, row)
    for name in there:
        db.execute(f'DROP TABLE "old_{name}"')


def columns_of_table(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of a table's columns in their order; none where there is no such table."""
    return [row[1] for row in db.execute(f"PRAGMA table_info('{table}')")]
