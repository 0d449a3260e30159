"""What the file of a run may not be, before anything is read of it: a run may come from anyone.

SQLite follows links to its files, waits for pipes, and takes a view that never ends, or a table
that a program computes, for a table. None of that is in a run that this program wrote.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actsearch.errors import BadInput
from actsearch.runs import rows
from actsearch.runs.journals import check_journal

#: A text or a row longer than this is none of ours; the longest are curves, of some 100,000.
MAX_VALUE_BYTES = 32_000_000
#: A file of more bytes than this is on the disk with at least this part of them: a few kB that say
#: they are many GB would be read and copied as such. Compressed disks hold less than the length.
_LONG_BYTES, _LEAST_PART = 64_000_000, 1 / 100
#: SQLite's own files beside the database.
_BESIDE = ("", "-wal", "-shm", "-journal")
#: No table has more columns; SQLite's own limit is 2,000.
MAX_COLUMNS = 64
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: MAX_COLUMNS,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 4,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
#: A table whose rows come from a program, or a column that an expression computes.
_COMPUTED = re.compile(r"^\s*CREATE\s+VIRTUAL\b|\bGENERATED\b|\bAS\s*\(", re.IGNORECASE)


def check_files(path: Path) -> None:
    """Refuse a database where it, or a file that SQLite keeps beside it, is none of a run's.

    Args:
        path: the database.

    Raises:
        BadInput: one is a link, a pipe, a device or a folder, is all holes, or has SQLite touch
            other files.
    """
    for ending in _BESIDE:
        one = path.with_name(path.name + ending)
        try:
            info = one.lstat()
        except OSError:  # not there, or not to be seen: opening the database says that
            continue
        if not stat.S_ISREG(info.st_mode):
            what = next((name for is_it, name in _KINDS if is_it(info.st_mode)), "a device")
            raise BadInput(
                f"{one} is {what}, and a run has a regular file there; copy the run's folder "
                "again, with the files themselves"
            )
        held = 512 * getattr(info, "st_blocks", 0)  # 0 where a file system does not say
        if info.st_size > _LONG_BYTES and 0 < held < _LEAST_PART * info.st_size:
            raise BadInput(
                f"{one} says that it has {info.st_size:,} bytes, and {held:,} are on the disk: no "
                "run has such holes; copy the run's folder again from where it was made"
            )
    check_journal(path)


def text_of(path: Path) -> str:
    """Return the text of a file that lies in a run's folder, which may be anything.

    Raises:
        OSError: it can't be read, is a link, or is no regular file.
        ValueError: it is too long, or no text.
    """
    # Not blocking: it may be a pipe. Windows has neither, and neither pipes nor devices there.
    how = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, how), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        content = file.read(MAX_VALUE_BYTES + 1)
    if len(content) > MAX_VALUE_BYTES:
        raise ValueError(f"{path} is longer than anything of a run")
    return content.decode("utf-8")


_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISDIR, "a folder"),
)


def limit(connection: sqlite3.Connection) -> None:
    """Bound what a connection does for the file's sake."""
    for category, most in _LIMITS.items():
        connection.setlimit(category, most)
    # What the schema says is not to be trusted with functions; cells are held against their page.
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")


def check_schema(connection: sqlite3.Connection) -> None:
    """Refuse a database with anything in it but plain tables and their indices.

    Raises:
        sqlite3.DatabaseError: it has views, triggers, or tables that a program or an expression
            computes.
    """
    query = "SELECT type, substr(name, 1, 60), sql FROM sqlite_master"
    for kind, name, sql in connection.execute(query):
        if kind not in ("table", "index") or (sql is not None and _COMPUTED.search(str(sql))):
            what = f"a {kind}" if kind in ("view", "trigger") else f"a computed {kind}"
            raise sqlite3.DatabaseError(f"its tables are not those of a run: {what}, '{name}'")


def config_of(text: Any) -> dict[str, Any]:
    """Return the configuration in a run's JSON text.

    Raises:
        Malformed: it is none, or holds values of other kinds than a run's.
    """
    config = rows.load_object(text)
    check_config(config)
    return config


def check_config(config: dict[str, Any]) -> None:
    """Refuse a configuration in which what is read has other kinds than in a run.

    Raises:
        Malformed: it has.
    """
    for key, fits in _CONFIG.items():
        if key in config and not fits(config[key]):
            raise rows.Malformed(f"'{key}' of its configuration is not what a run has there")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _rungs(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in value
    )


def _names(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    )


def _object(value: Any) -> bool:
    return isinstance(value, dict)


#: Key of a configuration -> whether a value is of the kind that is read there.
_CONFIG: dict[str, Callable[[Any], bool]] = {
    "task": lambda value: isinstance(value, str),
    "rungs": _rungs,
    "known": _names,
    "seed_formulas": _texts,
    "space_settings": _object,
    "task_settings": _object,
}
