"""Which task files the user has named: a file is run on their word alone.

A run says which task it was searched with, and that may be a file. But a run may come from anyone,
so what it says is no reason to run a file. What the user names - to a command, or to a function of
this package - is remembered by the file's path, its content and the function, in the private cache;
a run's own word is followed only where it names the same. So it is with the data that the function
is handed, as it may open them in any way. An empty cache costs naming it once more. What the file
imports is not looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
from pathlib import Path

from actsearch.cache import cache_folder, make_private
from actsearch.errors import ActsearchError, BadInput

_FOLDER = "task-files"
#: What was named to this process, where the cache can't hold it.
_named_here: set[str] = set()


class NotNamed(BadInput):
    """A run asks for a task file, or for data of one, that the user never named."""


def remember(path: Path, source: bytes, function: str) -> None:
    """Note that the user named a task file; without a cache it is noted for this process alone.

    Args:
        path: the file's, absolute.
        source: what it holds.
        function: what is to be called in it.
    """
    _note(_key(path, function, source))


def check_named(path: Path, source: bytes, function: str) -> None:
    """Refuse a task file that the user never named, or that was changed since.

    Args:
        path: the file's, absolute.
        source: what it holds.
        function: what is to be called in it.

    Raises:
        NotNamed: it is such a file; the message says how to name it.
    """
    if not _is_noted(_key(path, function, source)):
        raise NotNamed(
            f"the run's task is {function}() of the file {path}, which you have not named yet as "
            "it is now; a task file is a program and runs as you do, so look at it, and if you "
            f"trust it, give --task {shlex.quote(f'{path}:{function}')}"
        )


def remember_data(path: Path, function: str, data: Path) -> None:
    """Note that the user named data for a task file, whatever the file holds now."""
    _note(_key(path, function, _whole(data)))


def check_data_named(path: Path, function: str, data: Path) -> None:
    """Refuse data that the user never named for a task file.

    Raises:
        NotNamed: they did not; the message says how to.
    """
    if not _is_noted(_key(path, function, _whole(data))):
        raise NotNamed(
            f"the run hands {data} to {function}() of the file {path}, and you have not named "
            f"these data for it yet; if you trust them, give --data {shlex.quote(str(data))}"
        )


def _note(key: str) -> None:
    _named_here.add(key)
    with contextlib.suppress(OSError, ActsearchError):
        folder = cache_folder(_FOLDER)
        make_private(folder)
        (folder / key).touch(mode=0o600)


def _is_noted(key: str) -> bool:
    if key in _named_here:
        return True
    with contextlib.suppress(OSError, ActsearchError):
        return (cache_folder(_FOLDER) / key).is_file()
    return False


def _whole(data: Path) -> str:
    """Return the path of data as a run has it."""
    try:
        return os.path.realpath(data)
    except ValueError:  # a name that no file has
        return str(data)


def _key(path: Path, function: str, what: bytes | str) -> str:
    """Return the name of a note: of a file's content, or of data that it may have."""
    kind = "file" if isinstance(what, bytes) else "data"
    content = what if isinstance(what, bytes) else what.encode("utf-8", "replace")
    parts = (kind, str(path), function)
    whole = (*(part.encode("utf-8", "replace") for part in parts), content)
    return hashlib.sha256(b"\0".join(whole)).hexdigest()
