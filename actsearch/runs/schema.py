"""A connection to the file of a run that keeps its promises.

SQLite's defaults are not those of a store that must survive a power cut, and a setting that cannot
be made is ignored in silence: so each is set and read back. ``application_id`` tells a run from any
other SQLite file, ``user_version`` is the version of the tables (``runs.tables``).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import foreign
from actsearch.runs.filesystem import LOCAL, journal_of, shared_type
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
_FORMER = {"births": ("penalty", "0"), "heats": ("seen", "0")}


def create_tables(path: Path) -> sqlite3.Connection:
    """Make the new file ``path`` with empty tables and return a connection that may write."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
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
    connection = _connect_to_write(path) if write else _connect_to_read(path)
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
                raise sqlite3.DatabaseError(str(verdict))
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
    connection = _connect_to_read(path)
    foreign.limit(connection)
    return connection


def _connect_to_write(path: Path) -> sqlite3.Connection:
    return _connect(f"{path.absolute().as_uri()}?mode=rw")


def _connect_to_read(path: Path) -> sqlite3.Connection:
    in_wal_mode = _says_wal(path)
    if in_wal_mode and shared_type(path):
        return _copied(path)
    # Who was killed in a commit to a file without a write-ahead log leaves it to the next one who
    # opens it to be rolled back, and a reader must be able to.
    mode = "ro" if in_wal_mode or not _is_writable(path) else "rw"
    connection = _connect(f"{path.absolute().as_uri()}?mode={mode}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _copied(path: Path) -> sqlite3.Connection:
    """Return a copy in memory of a file that no machine writes with a write-ahead log.

    On a file system that machines share, the log can't be read in place: a run that was copied
    there is as it was, until it is written there, and so without that log.
    """
    connection = _connect(":memory:")
    with tempfile.TemporaryDirectory(prefix="actsearch-") as folder:
        for name in (path.name, f"{path.name}-wal"):
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), Path(folder, name))
        source = _connect(Path(folder, path.name).as_uri())
        try:
            source.backup(connection)
        finally:
            source.close()
    return connection


def one_moment(connection: sqlite3.Connection, *, long: bool) -> sqlite3.Connection:
    """Return a connection that reads what is committed at this moment, until ``let_go``.

    Without a write-ahead log the writer waits for whoever reads. Where that may take long, it is a
    copy in memory.
    """
    if long and _pragma(connection, "journal_mode") != LOCAL.mode:
        copy = _connect(":memory:")
        try:
            _copy(connection, copy)
            foreign.limit(copy)
        except BaseException:
            copy.close()
            raise
        return copy
    connection.execute("BEGIN")
    return connection


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy what is committed, as soon as the writer lets; not for ever where it never does."""
    last = time.monotonic() + LOCAL.patience_ms / 1000

    def impatient(_status: int, remaining: int, _total: int) -> None:
        if remaining and time.monotonic() > last:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=impatient, sleep=0.005)


def let_go(connection: sqlite3.Connection, moment: sqlite3.Connection) -> None:
    """End what ``one_moment`` began on ``connection``."""
    if moment is not connection:
        moment.close()
        return
    with contextlib.suppress(sqlite3.Error):  # nothing was written
        connection.execute("ROLLBACK")


def _says_wal(path: Path) -> bool:
    """Tell whether a file says that it has a write-ahead log; bytes 18 and 19 of its header do."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
    return True


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _connect(uri: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the store says, not where Python
    # guesses. check_same_thread off: the store has its own lock.
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=LOCAL.patience_ms / 1000,
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
    if write and version not in WRITABLE_VERSIONS:
        raise BadInput(
            f"{path} was written by an older actsearch (format {version}), whose trainings do not "
            f"compare with today's: it can be read, not gone on with. Start a new run from its "
            f"best: actsearch search --seed-run {path.parent.name}"
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
    former, value = _FORMER.get(table, ("", ""))
    if not former or former in columns_of_table(connection, table):
        return columns
    return columns.replace(former, value)


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
