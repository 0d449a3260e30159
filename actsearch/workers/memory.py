"""How much memory a training may take, and how much a process has taken.

One training that takes all there is has the system end whichever process it likes best: the driver,
another's training, the desktop. So each is ended by its guard before that.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from actsearch.errors import BadInput, shorten

AUTO, NONE = "auto", "none"

#: Of what the machine has, so much is for trainings.
_SHARE = 0.8
#: No share is smaller: torch and a small data set alone take half of it.
LEAST_BYTES = 2**30

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]?)(?:i?b)?", re.ASCII)

#: Where Linux says what a container may have: control groups of version 2 and of version 1.
_GROUPS = (
    ("", "memory.max"),
    ("memory", "memory.limit_in_bytes"),
)


def parse_memory_limit(text: str | int, n_workers: int) -> int | None:
    """Return the limit of one training in bytes, or None for no limit.

    Args:
        text: "auto" (a fair share of what the machine has), "none", or a size: "4GB", "800 MB".
        n_workers: how many trainings share the machine.

    Raises:
        BadInput: it is none of these.
    """
    given = str(text).strip().lower()
    if given == NONE:
        return None
    if given == AUTO:
        there = machine_bytes()
        return None if there is None else max(LEAST_BYTES, int(_SHARE * there / n_workers))
    match = _SIZE.fullmatch(given)
    n_bytes = 0 if match is None else int(float(match[1]) * _UNITS[match[2]])
    if n_bytes < 2**20:
        raise BadInput(
            f"not a limit of memory: '{shorten(str(text), 40)}' (accepted: auto, none, or a size "
            "of a megabyte at least with its unit, as in 800MB or 4GB)"
        )
    return n_bytes


def machine_bytes() -> int | None:
    """Return how much memory this process's machine, or its container, has."""
    limits = [limit for limit in map(_limit_in, _groups()) if limit is not None]
    with contextlib.suppress(ValueError, OSError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(limits, default=None)


def taken_bytes(pid: int) -> int | None:
    """Return how much memory a process has to itself, None where the system doesn't say.

    Pages of files count for nothing: they are dropped when memory is short, and shared.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return _sum_bytes(r"RssAnon|RssShmem|VmSwap", status)


def family_bytes(ancestor: int, limit_bytes: int) -> int | None:
    """Return how much memory all have that descend from a process, None where it isn't known.

    Processes share what they had before they forked. So a sum above the limit, which is quick to
    tell, is only believed after a look at each page, which takes milliseconds.
    """
    family = _descendants(ancestor)
    taken = [taken_bytes(pid) or 0 for pid in family]
    if len(taken) > 1 and sum(taken) > limit_bytes:
        taken = [_share_bytes(pid) or taken_bytes(pid) or 0 for pid in family]
    return sum(taken) or None


def _descendants(pid: int) -> list[int]:
    found, parents = [], [pid]
    while parents:
        parent = parents.pop()
        with contextlib.suppress(OSError):  # it has just ended, or the system lists no children
            for thread in Path(f"/proc/{parent}/task").iterdir():
                parents += map(int, (thread / "children").read_text("ascii").split())
        found.append(parent)
    return found[1:]


def _share_bytes(pid: int) -> int | None:
    """Return as ``taken_bytes``, where of a page that n processes share each has the n-th part."""
    try:
        pages = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return _sum_bytes(r"Pss_Anon|Pss_Shmem|SwapPss", pages)


def _sum_bytes(names: str, lines: str) -> int | None:
    found = re.findall(rf"^(?:{names}):\s*(\d+) kB$", lines, re.MULTILINE)
    return 1024 * sum(map(int, found)) if found else None


def _groups() -> list[Path]:
    """Return the files that may hold a limit, those of the groups around this one too."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    files = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        for controller, name in _GROUPS:
            if kinds == controller:
                group = Path("/sys/fs/cgroup") / controller / path.lstrip("/")
                files += [parent / name for parent in (group, *group.parents)]
    return [file for file in files if file.is_relative_to("/sys/fs/cgroup")]


def _limit_in(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None  # "max" is none
