"""Which task files the user has named: a file is run on their word alone.

A run says which task it was searched with, and that may be a file. But a run may come from anyone,
so what it says is no reason to run a file. What the user names - to a command, or to a function of
this package - is remembered by the file's path and content, in the private cache; a run's own word
is followed only where it names such a file. An empty cache costs naming it once more.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from actsearch.cache import cache_folder, cache_root, make_private
from actsearch.errors import ActsearchError, BadInput

_FOLDER = "task-files"
#: What was named to this process, where the cache can't hold it.
_named_here: set[str] = set()


class NotNamed(BadInput):
    """A run asks for a task file that the user never named."""


def remember(path: Path, source: bytes) -> None:
    """Note that the user named a task file; without a cache it is noted for this process alone.

    Args:
        path: the file's, absolute.
        source: what it holds.
    """
    _named_here.add(_key(path, source))
    with contextlib.suppress(OSError, ActsearchError):
        make_private(cache_root())
        folder = cache_folder(_FOLDER)
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / _key(path, source)).touch(mode=0o600)


def check_named(path: Path, source: bytes, function: str) -> None:
    """Refuse a task file that the user never named, or that was changed since.

    Args:
        path: the file's, absolute.
        source: what it holds.
        function: what is to be called in it.

    Raises:
        NotNamed: it is such a file; the message says how to name it.
    """
    if _key(path, source) in _named_here:
        return
    with contextlib.suppress(OSError, ActsearchError):
        if (cache_folder(_FOLDER) / _key(path, source)).is_file():
            return
    raise NotNamed(
        f"the run's task is the file {path}, which you have not named yet as it is now; a task "
        "file is a program and runs as you do, so look at it, and if you trust it, give "
        f"--task {path}:{function}"
    )


def _key(path: Path, source: bytes) -> str:
    return hashlib.sha256(b"\0".join((str(path).encode("utf-8", "replace"), source))).hexdigest()
