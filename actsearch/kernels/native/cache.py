"""Compiled kernels on disk: one file a kernel, found by what it was made from.

A file is the shared library followed by its own digest, so that one that was cut short is never
loaded (mapping it would kill the process). Files are made under another name and linked to their
own, so that many processes may compile at once and a reader sees a whole file or none. The kernels
of one compiler call share one library: their names are links to the same file.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: All kernels together; the least recently used go first.
MAX_BYTES = 256_000_000
#: How far it shrinks once it is over the limit, as a share.
SHRINK_TO = 0.75

_LOOK_EVERY = 32  # libraries kept; looking means a walk through the folder
_kept = itertools.count()
_STALE_S = 3600.0
_MARK = b"actsearch kernel"
_DIGEST_BYTES = 32


class KernelCache:
    """A folder of kernels.

    Args:
        folder: Made when it is needed.
        max_bytes: What it may grow to.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def find(self, key: str) -> Path | None:
        """Return the whole library of a kernel, or None; one that is damaged is removed.

        Another process may put a whole one in its place just then: that is made once more.
        """
        path = self.folder / f"{key}.so"
        try:
            whole = is_whole(path)
        except OSError:
            return None
        if not whole:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        return path

    def reason(self, key: str) -> str | None:
        """Return why a kernel was found wanting on this machine, or None."""
        try:
            text = (self.folder / f"{key}.txt").read_text(encoding="utf-8", errors="replace")
            return text.strip() or None
        except OSError:
            return None

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a folder of one's own on the same disk, removed afterwards.

        Raises:
            OSError: The cache can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=self.folder) as made:
            yield Path(made)

    def keep(self, library: Path, keys: list[str]) -> None:
        """Give a sealed library of the workshop the names of its kernels.

        Raises:
            OSError: The cache can't be written.
        """
        for key in keys:
            made = library.with_name(f"{key}.so")
            try:
                os.link(library, made)
            except OSError:  # a file system without links
                shutil.copyfile(library, made)
            made.replace(self.folder / made.name)
        if next(_kept) % _LOOK_EVERY == 0:
            self._shrink()

    def keep_reason(self, workshop: Path, key: str, reason: str) -> None:
        """Note why a kernel is not to be used.

        Raises:
            OSError: The cache can't be written.
        """
        made = workshop / f"{key}.txt"
        made.write_text(reason, encoding="utf-8")
        made.replace(self.folder / made.name)

    def _shrink(self) -> None:
        """Remove what was not used for the longest time, where there is too much."""
        sizes: dict[int, int] = {}
        files: list[tuple[float, int, Path]] = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # removed meanwhile by another process
                    if entry.is_dir() and entry.stat().st_mtime < time.time() - _STALE_S:
                        shutil.rmtree(entry.path, ignore_errors=True)  # its maker was killed
                    elif entry.is_file():
                        facts = entry.stat()
                        sizes[facts.st_ino] = facts.st_size
                        files.append((facts.st_mtime, facts.st_ino, Path(entry.path)))
        total = sum(sizes.values())
        if total <= self._max_bytes:
            return
        n_names = Counter(inode for _, inode, _ in files)
        for _, inode, path in sorted(files):
            if total <= self._max_bytes * SHRINK_TO:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            n_names[inode] -= 1
            if not n_names[inode]:
                total -= sizes[inode]


def seal(library: Path) -> None:
    """Append a library's digest, which a loader doesn't read and ``is_whole`` does."""
    content = library.read_bytes()
    with library.open("ab") as file:
        file.write(hashlib.sha256(content).digest() + _MARK)


def is_whole(library: Path) -> bool:
    """Tell whether a library is as it was sealed.

    Raises:
        OSError: It can't be read.
    """
    content = library.read_bytes()
    body, digest = content[: -_DIGEST_BYTES - len(_MARK)], content[-_DIGEST_BYTES - len(_MARK) :]
    return digest == hashlib.sha256(body).digest() + _MARK
