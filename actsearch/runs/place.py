"""What there is to say about the place that a run is written in, once, to who writes it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from actsearch.runs.filesystem import warning_for


class OthersWriteWarning(UserWarning):
    """Other users may change a run, or put another in its place."""


def warnings_for(folder: Path) -> Iterator[UserWarning]:
    """Yield what to say to who writes the run in ``folder``; mostly there is nothing."""
    shared = warning_for(folder)
    if shared is not None:
        yield shared
    at = _written_by_others(folder)
    if at is not None:
        yield OthersWriteWarning(
            f"others may write to {at} (mode {stat.S_IMODE(at.stat().st_mode):04o}), and so change "
            f"the run or put another in its place; if they need not: chmod go-w {at}"
        )


def _written_by_others(folder: Path) -> Path | None:
    """Return the run's folder, or the one above, where others may write to it."""
    if os.name != "posix":
        return None
    for one in (folder, folder.absolute().parent):
        try:
            facts = one.stat()
        except OSError:  # whoever opens it says that
            return None
        mode = facts.st_mode
        if one != folder and mode & stat.S_ISVTX:  # there, what is a user's own stays so
            continue
        if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_of_one(facts.st_gid)):
            return one
    return None


def _is_of_one(group: int) -> bool:
    """Tell whether a group is the user's alone, as many systems make one for each user."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.getuid()), grp.getgrgid(group)
    except KeyError:  # with a name that is known nowhere here
        return False
    return group == user.pw_gid and found.gr_name == user.pw_name and not {*found.gr_mem} - {
        user.pw_name
    }
