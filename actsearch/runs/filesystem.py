"""Which file system a folder lies on, and how SQLite is to keep its journal there.

SQLite's write-ahead log needs memory that all who have the file open share, so all of them on one
machine (https://www.sqlite.org/wal.html). On a file system that several machines may have mounted
that can't be known: there the journal is one that is rolled back, which needs nothing but locks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: Types in /proc/self/mountinfo of what is on another machine, or may be on several at once.
SHARED = frozenset(
    "9p acfs afs autofs beegfs ceph cifs coda cvfs davfs dvs fhgfs gfs gfs2 glusterfs gpfs lustre"
    " ncpfs nfs nfs4 ocfs2 orangefs panfs prl_fs pvfs2 scoutfs smb2 smb3 smbfs vboxsf virtiofs"
    " vmhgfs wekafs".split()
)
#: Of those that a program serves, which may do it from anywhere, the ones that have a disk here.
LOCAL_FUSE = frozenset(
    "fuseblk fuse.exfat fuse.exfat-fuse fuse.ext2 fuse.fuse-overlayfs fuse.ntfs fuse.ntfs-3g".split()
)
_MOUNTS = Path("/proc/self/mountinfo")


class SharedFolderWarning(UserWarning):
    """A run lies where its journal has to be the slower one."""


@dataclass(frozen=True)
class Journal:
    """How SQLite keeps what a commit needs, how far it waits for the disk and how long for others."""

    mode: str
    synchronous: int
    patience_ms: int


#: A reader never stops the writer; FULL: a commit is on the disk before it returns.
LOCAL = Journal("wal", 2, 10_000)
#: One of the kinds that roll back, and the one that is durable with FULL: an emptied journal is
#: synced, where the name of a deleted one may come back after a power cut. A commit waits for
#: readers, which may copy the file in the meantime.
ROLLED_BACK = Journal("truncate", 2, 60_000)


def journal_of(path: Path) -> Journal:
    """Return how to keep the journal of the file ``path``."""
    return ROLLED_BACK if shared_type(path) else LOCAL


def shared_type(path: Path) -> str:
    """Return the type of the file system that ``path`` is on, "" where that is of this machine.

    What a program serves (FUSE) counts as shared, save a few that are known; what can't be told
    (there is no /proc) as of this machine.
    """
    found = type_of(path)
    is_served = found.startswith("fuse") and found not in LOCAL_FUSE
    return found if is_served or found in SHARED else ""


def type_of(path: Path) -> str:
    """Return the type of the file system of a path, which need not exist; "" where unknown."""
    try:
        place = path.resolve()  # first: it mounts what is mounted when somebody goes there
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except (OSError, RuntimeError):  # the latter: symbolic links in a circle
        return ""
    best = (-1, "")
    for line in lines:
        mount, _, rest = line.partition(" - ")
        fields = mount.split()
        if len(fields) < 5 or not rest:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        # Of two on one point the later one hides the other.
        if place.is_relative_to(point) and len(point.parts) >= best[0]:
            best = (len(point.parts), rest.split()[0])
    return best[1]


def warning_for(folder: Path) -> SharedFolderWarning | None:
    """Return what to say to who writes runs in ``folder``, None where nothing has to be said."""
    kind = shared_type(folder)
    if not kind:
        return None
    return SharedFolderWarning(
        f"{folder} is on a network file system ({kind}): the run is kept there without a "
        "write-ahead log, which is safe and slower (a commit takes several round trips), and "
        "only as safe as the locks of that file system; see that no other machine writes the same "
        "run. ACTSEARCH_RUNS or --runs-dir names a folder on a local disk"
    )
