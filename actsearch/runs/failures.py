"""What SQLite raises, said in words that help.

One table maps the few failures that a user can do something about to the remedy. The rest of them
mean a damaged file.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from actsearch.errors import ActsearchError, BadInput
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

#: What reading a file raises that is not what was written; and, of SQLite, what the disk does.
DAMAGE = (sqlite3.Error, UnicodeDecodeError, Malformed)


@contextlib.contextmanager
def explained(path: Path, doing: str, safe: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn SQLite's errors about the file ``path`` into errors for the user.

    Args:
        path: the database file; its folder's name is the run's.
        doing: "read" or "write", for the message.
        safe: says what is safe, where there is something to say; called after a failure.

    Raises:
        ActsearchError: the disk or the file system failed.
        BadInput: the file is damaged or not a database.
    """
    run = path.parent.name
    try:
        yield
    except DAMAGE as error:
        remedy = next((text for part, text in REMEDIES.items() if part in str(error)), None)
        if remedy is None:
            raise BadInput(
                f"{path} is damaged or not a run of actsearch ({error}); restore the run's folder "
                f"from a copy, see what can be kept of it (actsearch runs check {run}), or start a "
                "new run (--run NAME)"
            ) from error
        kept = f" {safe()}" if safe else ""
        again = f", then go on with: actsearch resume {run}" if doing == "write" else ""
        raise ActsearchError(
            f"can't {doing} {path}: {error}.{kept} To go on: {remedy}{again}"
        ) from error
