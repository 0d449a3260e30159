"""Points at what a process does to the files below one folder, told by Python's audit events.

An event comes before the operation; what a kill leaves of a file that is being written is told by
the kill at the next operation, or by the shim (``shim.c``), which stands inside the writes.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from tests.kills.points import Points

#: Event -> which of its arguments are paths.
_EVENTS = {
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
    "os.chmod": (0,),
    "os.utime": (0,),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def install(points: Points, folder: str) -> None:
    """Pass the point "file" before each change below ``folder``; it can't be taken back."""
    inside = os.path.realpath(folder) + os.sep

    def is_inside(path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return (os.path.realpath(os.fsdecode(path)) + os.sep).startswith(inside)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & _WRITING and is_inside(path):
                points("file")
        elif event in _EVENTS and any(is_inside(args[k]) for k in _EVENTS[event]):
            points("file")

    sys.addaudithook(hook)
