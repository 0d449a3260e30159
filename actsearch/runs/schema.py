"""A connection to the file of a run that keeps its promises.

SQLite's defaults are not those of a store that must survive a power cut, and a setting that cannot
be made is ignored in silence: so each is set and read back. ``application_id`` tells a run from any
other SQLite file, ``user_version`` is the version of the tables (``runs.tables``).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from actsearch.errors import ActsearchError, BadInput
from actsearch.paths import command_to_begin
from actsearch.runs import foreign
from actsearch.runs.copies import connect_to_read, open_at
from actsearch.runs.filesystem import journal_of
from actsearch.runs.migrations import bring_up_to_date, columns_of_table, make_tables
from actsearch.runs.tables import (
    APPLICATION_ID,
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    TABLES,
    TALLIED,
    WITH_CHECKSUMS,
    WRITABLE_VERSIONS,
)

#: What an older format lacks, and what it was then.
FORMER = {"births": ("penalty", 0), "heats": ("seen", 0)}


def create_tables(path: Path) -> sqlite3.Connection:
    """Make the new file ``path`` with empty tables and return a connection that may write."""
    connection = open_at(path, "rwc")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("BEGIN")
    make_tables(connection)
    connection.execute("COMMIT")
    _make_durable(connection, path)
    return connection


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the existing file ``path``.

    Raises:
        BadInput: it is not the database of a run, or one that a newer actsearch wrote.
        ActsearchError: the file system does not give what a writer needs.
        sqlite3.Error: it can't be opened or read.
    """
    foreign.check_files(path)
    connection = open_at(path, "rw") if write else connect_to_read(path)
    try:
        foreign.limit(connection)
        _check_ours(connection, path, write)
        foreign.check_schema(connection)
        _check_tables(connection)
        if write:
            _make_durable(connection, path)
            # Before anything is added to it; a page that lies would spoil what is written next.
            verdict = _pragma(connection, "quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError("its pages do not hold together")
            if _pragma(connection, "user_version") != SCHEMA_VERSION:
                bring_up_to_date(connection)
                _check_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_look(path: Path) -> sqlite3.Connection:
    """Open a file that may be damaged, to be asked what is wrong with it."""
    foreign.check_files(path)
    connection = connect_to_read(path)
    foreign.limit(connection)
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path, write: bool) -> None:
    if path.stat().st_size == 0:
        raise BadInput(
            f"{path} is empty: nothing was ever saved in it, or a copy of it failed; copy the "
            "whole folder again, its -wal file too, or delete it"
        )
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise BadInput(
            f"{path} is not a run of actsearch (an SQLite file of some other program); "
            "`actsearch runs` lists the runs"
        )
    version = _pragma(connection, "user_version")
    if isinstance(version, int) and version < min(READABLE_VERSIONS):
        raise sqlite3.DatabaseError(f"it says that it has format {version}, which there never was")
    if version not in READABLE_VERSIONS:
        raise BadInput(
            f"{path} has format {version} and this actsearch reads format {SCHEMA_VERSION}; "
            "update it: pip install --upgrade actsearch"
        )
    if write and version not in WRITABLE_VERSIONS:
        raise BadInput(
            f"{path} was written by an older actsearch (format {version}), whose trainings do not "
            f"compare with today's: it can be read, not gone on with. Start a new run from its "
            f"best: {command_to_begin(path.parent)}"
        )


def _check_tables(connection: sqlite3.Connection) -> None:
    """Refuse tables other than a run's: views and triggers would run code of the file's own."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'"
    found = connection.execute(query).fetchall()
    made = {name: sql for _, name, sql in found}
    if has_checksums(connection):
        as_expected = made == TABLES
    else:  # the formats before had fewer tables, and other constraints
        as_expected = "meta" in made and set(made) <= set(TALLIED)
    if {kind for kind, *_ in found} != {"table"} or not as_expected:
        raise sqlite3.DatabaseError("its tables are not those of a run")


def has_checksums(connection: sqlite3.Connection) -> bool:
    """Tell whether rows have checksums; in the file as it is now, which a writer may bring on."""
    version = _pragma(connection, "user_version")
    return isinstance(version, int) and version >= WITH_CHECKSUMS


def columns_of(connection: sqlite3.Connection, table: str, columns: str) -> str:
    """Return what to select of a table; what an older format lacks was 0."""
    former, value = FORMER.get(table, ("", 0))
    if not former or former in columns_of_table(connection, table):
        return columns
    return columns.replace(former, str(value))


def _make_durable(connection: sqlite3.Connection, path: Path) -> None:
    journal = journal_of(path)
    wanted: dict[str, object] = {
        "journal_mode": journal.mode,
        "synchronous": journal.synchronous,
        "fullfsync": 1,  # macOS: past the disk's own cache
        "checkpoint_fullfsync": 1,
        "foreign_keys": 1,
        "busy_timeout": journal.patience_ms,
    }
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}")
        got = _pragma(connection, name)
        if got != value:
            raise ActsearchError(
                f"SQLite won't set {name} to {value} for {path} (it is {got}): the folder must be "
                "on a local disk; ACTSEARCH_RUNS names another"
            )


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    row = connection.execute(f"PRAGMA {name}").fetchone()
    return row[0] if row else None
