"""Connections that only read: of the file in its place, or of a copy that is nobody else's.

A reader writes nothing where a run lies, save SQLite's own two files of the write-ahead log. Where
the file can't be read so - a commit has to be undone first, the disk can't be written, machines
share it - a private copy is read, in a temporary folder and not in memory: a run may be large.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from actsearch.errors import ActsearchError
from actsearch.runs import foreign
from actsearch.runs.filesystem import LOCAL, journal_of, shared_type

#: A database of SQLite's own in a temporary file, which is gone when it is closed.
_TEMPORARY = ""
#: What belongs to a database; the index of the log is made anew from it.
_PARTS = ("", "-wal", "-journal")
#: How SQLite says that a file can't be read without being written.
_TO_BE_WRITTEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a database whose files were checked, to be read and never written.

    Raises:
        ActsearchError: a copy of it is needed and can't be made.
        sqlite3.Error: it can't be opened or read.
    """

    def in_place() -> sqlite3.Connection | None:
        if _says_wal(path) and shared_type(path):
            # The log can't be read in place there, and no machine writes it: a run that was copied
            # there is as it was until it is written there, and so without that log.
            return None
        connection = open_at(path, "ro")
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA schema_version")  # the first look at the file
        except BaseException as error:
            connection.close()
            if not _must_be_written(error):
                raise
            return None
        return connection

    return _in_place_or_copied(path, in_place)


def one_moment(connection: sqlite3.Connection, path: Path, *, long: bool) -> sqlite3.Connection:
    """Return a connection that reads what is committed at this moment, until ``let_go``.

    Without a write-ahead log the writer waits for whoever reads. Where that may take long, it is a
    copy.

    Args:
        connection: as ``connect_to_read`` gave it.
        path: the database.
        long: whether it may take long.
    """

    def in_place() -> sqlite3.Connection | None:
        try:
            if long and _journal_mode(connection) != LOCAL.mode:
                return _temporary_copy(connection, _patience_s(path))
            connection.execute("BEGIN")
            try:
                connection.execute("PRAGMA schema_version")  # of when it first reads, a moment is
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            if not _must_be_written(error):  # since it was opened, a writer was killed in a commit
                raise
            return None
        return connection

    return _in_place_or_copied(path, in_place)


def let_go(connection: sqlite3.Connection, moment: sqlite3.Connection) -> None:
    """End what ``one_moment`` began on ``connection``."""
    if moment is not connection:
        moment.close()
        return
    with contextlib.suppress(sqlite3.Error):  # nothing was written
        connection.execute("ROLLBACK")


def open_at(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database in its place, as the store needs it: ``ro``, ``rw`` or ``rwc``."""
    return _open(f"{path.absolute().as_uri()}?mode={mode}", _patience_s(path))


def _open(uri: str, patience_s: float = 0.0) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the store says, not where Python
    # guesses. check_same_thread off: the store has its own lock.
    return sqlite3.connect(
        uri, uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False
    )


def _patience_s(path: Path) -> float:
    """Return how long to wait for the file: a writer that commits on and on leaves few gaps."""
    return journal_of(path).patience_ms / 1000


def _must_be_written(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and (
        getattr(error, "sqlite_errorcode", 0) & 0xFF in _TO_BE_WRITTEN
    )


def _in_place_or_copied(
    path: Path, in_place: Callable[[], sqlite3.Connection | None]
) -> sqlite3.Connection:
    """Return what reads a database in its place, or a copy of it, as soon as there is either.

    Of what is written while it is copied there is no copy; then a writer is there, who has put in
    order what had to be, and it may be read in its place again.
    """
    last = time.monotonic() + _patience_s(path)
    while True:
        found = in_place() or _private_copy(path)
        if found is not None:
            return found
        if time.monotonic() > last:
            raise sqlite3.OperationalError("database is locked")
        time.sleep(0.05)


def _private_copy(path: Path) -> sqlite3.Connection | None:
    """Return a copy of a database as it is once what a kill left of it is undone or folded in.

    None where it was written in the meantime.
    """
    foreign.check_files(path)
    try:
        with tempfile.TemporaryDirectory(prefix="actsearch-") as folder:
            before = _state(path)
            for part in before:
                name = path.name + part
                shutil.copyfile(path.with_name(name), Path(folder, name), follow_symlinks=False)
            if _state(path) != before:
                return None
            foreign.check_files(Path(folder, path.name))
            with contextlib.closing(_open(Path(folder, path.name).as_uri())) as source:
                return _temporary_copy(source)
    except OSError as error:
        raise ActsearchError(
            f"can't read {path}: it has to be read as a copy, and that can't be made "
            f"({error.strerror or error}); the run's files must be readable, and there must be "
            f"space in {tempfile.gettempdir()} (TMPDIR names another folder)"
        ) from error


def _state(path: Path) -> dict[str, tuple[int, ...]]:
    """Return what tells that a file of a database was written since, by the ends of their names."""
    found: dict[str, tuple[int, ...]] = {}
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            info = path.with_name(path.name + part).lstat()
            found[part] = (info.st_ino, info.st_size, info.st_mtime_ns)
    if "" not in found:
        raise FileNotFoundError(2, "there is no such file", str(path))
    return found


def _temporary_copy(source: sqlite3.Connection, patience_s: float = 0.0) -> sqlite3.Connection:
    """Copy what is committed, as soon as the writer lets; not for ever where it never does."""
    last = time.monotonic() + patience_s

    def impatient(status: int, _remaining: int, _total: int) -> None:
        if status != sqlite3.SQLITE_DONE and time.monotonic() > last:
            raise sqlite3.OperationalError("database is locked")

    copy = _open(_TEMPORARY)
    try:
        source.backup(copy, progress=impatient, sleep=0.005)
        foreign.limit(copy)
    except BaseException:
        copy.close()
        raise
    return copy


def _journal_mode(connection: sqlite3.Connection) -> object:
    return connection.execute("PRAGMA journal_mode").fetchone()[0]


def _says_wal(path: Path) -> bool:
    """Tell whether a file says that it has a write-ahead log; bytes 18 and 19 of its header do."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
    return True
