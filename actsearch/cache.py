"""Where the program keeps what it can make again: downloads, converted arrays, compiled kernels.

A kernel is machine code that is loaded into the process, so the folder has to be the user's own:
nobody else may write into it or put another in its place. It is made so, and looked at on every
use; one that others can write to is refused, since what they left there can't be told from ours.
The superuser is trusted, as they could do anything to us anyway.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import platformdirs

from actsearch.errors import BadInput

CACHE_VARIABLE = "ACTSEARCH_CACHE"

_SUPERUSER = 0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivate(BadInput):
    """The cache is one that others could write to."""


def cache_path() -> Path:
    """Return where the cache lies, ``ACTSEARCH_CACHE`` or the user's, without looking at it."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("actsearch"))


def cache_root() -> Path:
    """Return the cache folder, which need not be there yet.

    Raises:
        NotPrivate: others can write to it.
    """
    root = cache_path()
    check_private(root)
    return root


def cache_folder(name: str) -> Path:
    """Return a folder of the cache, which need not be there yet.

    Raises:
        NotPrivate: others can write to it, or to the cache.
    """
    folder = cache_root() / name
    check_private(folder)
    return folder


def make_private(folder: Path) -> None:
    """Make a folder that is the user's alone, and so those above; one that is there stays as it is.

    Raises:
        NotPrivate: it was there, and others can write to it.
        OSError: it can't be made.
    """
    # One by one: of several that are made at once the last alone has the mode, and the others have
    # what the user's mask leaves, which may let the group write.
    for one in (*reversed(folder.parents), folder):
        if not one.is_dir():
            one.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)


def check_private(folder: Path) -> None:
    """Refuse a folder that others can write to, or replace; none there is as good as a private one.

    Raises:
        NotPrivate: they can.
    """
    try:
        facts, link = folder.stat(), folder.lstat()
    except OSError:  # there is none, or it can't be used: whoever uses it says that
        return
    if not stat.S_ISDIR(facts.st_mode):
        return
    wrong = what_others_can(facts)
    if wrong is None and stat.S_ISLNK(link.st_mode) and not _is_ours(link):
        wrong = f"is a link of another user's (number {link.st_uid})"
    remedy = f"chmod -R go-w {folder}" if wrong and _is_ours(facts) else ""
    if wrong is None and (at := _replaceable_at(folder)) is not None:
        wrong = f"lies in {at}, where anyone may replace it"
    if wrong is not None:
        own = f"if you trust all that lies in it: {remedy}; else " if remedy else ""
        raise NotPrivate(
            f"the cache {folder} {wrong}, and code is loaded from a cache: {own}name a folder of "
            f"your own by the environment variable {CACHE_VARIABLE}"
        )


def what_others_can(facts: os.stat_result) -> str | None:
    """Say how a file or a folder is not the user's alone; None where it is."""
    if not _is_ours(facts):
        return f"belongs to another user (number {facts.st_uid})"
    if facts.st_mode & _OTHERS_WRITE:
        return f"can be written by others (mode {stat.S_IMODE(facts.st_mode):04o})"
    return None


def _is_ours(facts: os.stat_result) -> bool:
    return facts.st_uid in (os.getuid(), _SUPERUSER)


def _replaceable_at(folder: Path) -> Path | None:
    """Return a folder above, one that anyone may take things out of; in a sticky one nobody can."""
    above = {*folder.absolute().parents, *folder.resolve().parents}
    for one in sorted(above):
        with contextlib.suppress(OSError):
            mode = one.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                return one
    return None
