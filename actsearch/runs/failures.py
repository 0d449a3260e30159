"""What SQLite raises, said in words that help.

One table maps the few failures that a user can do something about to the remedy. The rest of them
mean a damaged file.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from actsearch.errors import BadInput, StoreFault, shorten
from actsearch.paths import command
from actsearch.runs.rows import Malformed

_WRITABLE = "the folder must be writable, with space on its disk, or be copied to one of your own"
#: Part of SQLite's message -> what to do about it. Such a failure says nothing against the file.
REMEDIES = {
    "disk is full": "free some space",
    "disk I/O error": "look at the disk and its cable or mount",
    "readonly database": _WRITABLE,
    "unable to open database file": _WRITABLE,
    "database is locked": "end the other program that has the file open",
}

#: SQLite's code -> what it found, in plain words; `actsearch runs check` tells all of it.
_FOUND = {
    sqlite3.SQLITE_CORRUPT: "its pages do not hold together",
    sqlite3.SQLITE_NOTADB: "it does not begin as a database does",
}
#: SQLite's extended codes have the code itself in their last byte.
_CODE = 0xFF
#: What the sqlite3 module says, without a code, where a text is not one.
_NO_TEXT = "Could not decode to UTF-8"

#: What reading a file raises that is not what was written; and, of SQLite, what the disk does.
DAMAGE = (sqlite3.Error, UnicodeDecodeError, Malformed)


@contextlib.contextmanager
def explained(path: Path, doing: str, safe: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn SQLite's errors about the file ``path`` into errors for the user.

    Args:
        path: the database file; its folder's name is the run's.
        doing: "read", "write" or "make", for the message.
        safe: says what is safe, where there is something to say; called after a failure.

    Raises:
        StoreFault: the disk or the file system failed.
        BadInput: the file is damaged or not a database.
    """
    try:
        yield
    except DAMAGE as error:
        remedy = next((text for part, text in REMEDIES.items() if part in str(error)), None)
        if remedy is None:
            raise BadInput(
                f"{path} is damaged or not a run of actsearch ({in_words(error)}); see what can be "
                f"kept of it: {command('runs check', path.parent)}; or restore the run's folder "
                "from a copy, or start a new run (--run NAME)"
            ) from error
        kept = f" {safe()}" if safe else ""
        raise StoreFault(f"can't {doing} {path}: {error}.{kept} To go on: {remedy}") from error


def in_words(error: BaseException) -> str:
    """Say on one line what reading a damaged file found, without what SQLite calls it."""
    if isinstance(error, UnicodeDecodeError) or _NO_TEXT in str(error):
        return "a text in it is none"
    code = getattr(error, "sqlite_errorcode", None)  # that of what this program raises is None
    return _FOUND.get(-1 if code is None else code & _CODE, shorten(str(error), 160))
