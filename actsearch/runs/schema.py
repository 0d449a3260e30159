"""The tables of a run, and a connection that keeps their promises.

SQLite's defaults are not those of a store that must survive a power cut, and a setting that cannot
be made is ignored in silence: so each is set and read back. ``application_id`` tells a run from any
other SQLite file, ``user_version`` is the version of the tables.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs.records import BIRTH_STATUSES, TRAINING_STATUSES

APPLICATION_ID = 0x41637453  # "ActS"
SCHEMA_VERSION = 3
#: Version 1 has no heats and no trials: it is read, and never written. Version 2 has no penalties
#: of births, nor how many heats a decision saw: it is read as it is, and brought up to date where
#: more is added to it, as a confirmation is.
READABLE_VERSIONS = (1, 2, 3)
_UPGRADABLE_VERSION = 2
#: What version 3 added: table -> its last column.
_ADDED = {
    "births": "penalty REAL NOT NULL DEFAULT 0",
    "heats": "seen INTEGER NOT NULL DEFAULT 0",
}

BUSY_TIMEOUT_MS = 10_000


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"CHECK ({column} IN ({', '.join(repr(value) for value in values)}))"


_TABLES = f"""
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL             -- JSON
) WITHOUT ROWID;

CREATE TABLE births (
    id INTEGER PRIMARY KEY CHECK (id >= 0),
    operator TEXT NOT NULL,
    parents TEXT NOT NULL,          -- JSON list of ids
    formula TEXT NOT NULL,
    fingerprint TEXT,
    status TEXT NOT NULL {_one_of("status", BIRTH_STATUSES)},
    reason TEXT NOT NULL,
    same_as INTEGER REFERENCES births (id),
    size INTEGER NOT NULL,
    created_s REAL NOT NULL,
    {_ADDED["births"]}
);

CREATE TABLE trainings (
    birth_id INTEGER NOT NULL REFERENCES births (id),
    rung TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL {_one_of("status", TRAINING_STATUSES)},
    score REAL,
    metrics TEXT NOT NULL,          -- JSON object of numbers
    curve TEXT NOT NULL,            -- JSON list of [step, training loss, validation score]
    time_s REAL NOT NULL,
    device TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (birth_id, rung, seed),
    CHECK ((status = 'ok') = (score IS NOT NULL))
) WITHOUT ROWID;

CREATE TABLE heats (
    id INTEGER PRIMARY KEY CHECK (id >= 0),
    birth_id INTEGER NOT NULL REFERENCES births (id),
    rung TEXT NOT NULL,
    seeds TEXT NOT NULL,            -- JSON list of integers
    {_ADDED["heats"]},
    pace TEXT NOT NULL              -- JSON list of [step, least validation score]
);

CREATE TABLE trials (
    task TEXT NOT NULL,
    split TEXT NOT NULL,
    formula TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL {_one_of("status", TRAINING_STATUSES)},
    score REAL,
    metrics TEXT NOT NULL,          -- as in trainings
    curve TEXT NOT NULL,
    time_s REAL NOT NULL,
    device TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (task, split, formula, seed),
    CHECK ((status = 'ok') = (score IS NOT NULL))
) WITHOUT ROWID;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    begin_s REAL NOT NULL,
    end_s REAL,                     -- NULL while it goes on, and for ever after a kill
    active_s REAL NOT NULL,
    info TEXT NOT NULL,             -- JSON object
    outcome TEXT NOT NULL
);
"""


def create_tables(path: Path) -> sqlite3.Connection:
    """Make the new file ``path`` with empty tables and return a connection that may write."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
    _make_durable(connection, path)
    return connection


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the existing file ``path``.

    Raises:
        BadInput: it is not the database of a run, or one that a newer actsearch wrote.
        ActsearchError: the file system does not give what a writer needs.
        sqlite3.Error: it can't be opened or read.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}")
    try:
        # The file may come from anyone: what its schema says is not to be trusted with functions.
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_ours(connection, path, write)
        if write:
            _make_durable(connection, path)
            # Before anything is added to it; a page that lies would spoil what is written next.
            verdict = _pragma(connection, "quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(str(verdict))
            _bring_up_to_date(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the store says, not where Python
    # guesses. check_same_thread off: the store has its own lock.
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )


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
    if version not in READABLE_VERSIONS:
        raise BadInput(
            f"{path} has format {version} and this actsearch reads format {SCHEMA_VERSION}; "
            "update it: pip install --upgrade actsearch"
        )
    if write and version not in (_UPGRADABLE_VERSION, SCHEMA_VERSION):
        raise BadInput(
            f"{path} was written by an older actsearch (format {version}), whose trainings do not "
            f"compare with today's: it can be read, not gone on with. Start a new run from its "
            f"best: actsearch search --seed-run {path.parent.name}"
        )


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what version 2 lacks, all or nothing."""
    if _pragma(connection, "user_version") == _UPGRADABLE_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table, column in _ADDED.items():
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def columns_of(connection: sqlite3.Connection, table: str, columns: str) -> str:
    """Return what to select of a table; what an older format lacks was 0."""
    added = _ADDED.get(table, "").partition(" ")[0]
    query = f"SELECT 1 FROM pragma_table_info('{table}') WHERE name = '{added}'"
    there = not added or connection.execute(query).fetchone() is not None
    return columns if there else columns.replace(added, "0")


def _make_durable(connection: sqlite3.Connection, path: Path) -> None:
    wanted: dict[str, object] = {
        "journal_mode": "wal",  # a reader never stops the writer
        "synchronous": 2,  # FULL: a commit is on the disk before it returns
        "foreign_keys": 1,
        "busy_timeout": BUSY_TIMEOUT_MS,
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
