"""Compiled kernels on disk: one file a kernel, found by what it was made from.

A file is the shared library followed by its own digest, so that one that was cut short is never
loaded (mapping it would kill the process). Files are made under another name and linked to their
own, so that many processes may compile at once and a reader sees a whole file or none. The kernels
of one compiler call share one library: their names are links to the same file.

A library is code. It is loaded only from a folder that nobody but the user can write to, only where
it is a file of the user's that nobody else can write to, and by way of the open folder: nothing can
come in its place between the look and the loading. So the digest need not be a secret one.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from actsearch.cache import make_private, what_others_can

#: All kernels together; the least recently used go first.
MAX_BYTES = 256_000_000
#: How far it shrinks once it is over the limit, as a share.
SHRINK_TO = 0.75

_LOOK_EVERY = 32  # libraries kept; looking means a walk through the folder
_kept = itertools.count()
_STALE_S = 3600.0
_MARK = b"actsearch kernel"
_DIGEST_BYTES = 32
#: What a library may have at most; one kernel takes some 30,000.
_MAX_LIBRARY_BYTES = 64_000_000
_MAX_REASON_BYTES = 4096
#: Folders that are open can be named by their numbers here, on Linux.
_OPEN_FILES = Path("/proc/self/fd")

_Loaded = TypeVar("_Loaded")


class KernelCache:
    """A folder of kernels.

    Args:
        folder: Made when it is needed.
        max_bytes: What it may grow to.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def load(self, key: str, loader: Callable[[Path], _Loaded]) -> _Loaded | None:
        """Load the library of a kernel.

        One that is damaged, or that others can write to, is removed. Another process may put a
        good one in its place just then: that is made once more.

        Args:
            key: What names the kernel.
            loader: Called with the path to load it by, which holds for the call alone.

        Returns:
            What ``loader`` returns; None where there is no such library, or where it is in a
            folder that others can write to.

        Raises:
            OSError: As ``loader``.
        """
        with self._opened() as folder:
            if folder is None:
                return None
            name = f"{key}.so"
            try:
                good = _is_good(name, folder)
            except OSError:
                return None
            if not good:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=folder)
                return None
            with contextlib.suppress(OSError):
                os.utime(name, dir_fd=folder)  # used now
            # A loader knows what it has loaded by its path: of one name there may be two, in two
            # folders that were open under one number. Their keys are the same, and so is the code.
            there = _OPEN_FILES.is_dir()
            return loader((_OPEN_FILES / str(folder) if there else self.folder) / name)

    def reason(self, key: str) -> str | None:
        """Return why a kernel was found wanting on this machine, or None."""
        with self._opened() as folder, contextlib.suppress(OSError):
            if folder is not None:
                content = _read(f"{key}.txt", folder, _MAX_REASON_BYTES)
                return content.decode("utf-8", "replace").strip() or None
        return None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int | None]:
        """Give the open folder; None where there is none, or others can write to it."""
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            yield None
            return
        try:
            both = os.fstat(folder), os.stat("..", dir_fd=folder)
            yield folder if not any(map(what_others_can, both)) else None
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a folder of one's own on the same disk, removed afterwards.

        Raises:
            NotPrivate: Others can write to the cache.
            OSError: The cache can't be written.
        """
        make_private(self.folder.parent)
        make_private(self.folder)
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
                shutil.copy(library, made)
            made.replace(self.folder / made.name)
        if next(_kept) % _LOOK_EVERY == 0:
            self._shrink()

    def keep_reason(self, workshop: Path, key: str, reason: str) -> None:
        """Note why a kernel is not to be used.

        Raises:
            OSError: The cache can't be written.
        """
        made = workshop / f"{key}.txt"
        made.touch(mode=0o600)  # whatever the user's mask is: what others can write is not believed
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
    library.chmod(0o700)  # whatever the user's mask is


def is_whole(library: Path) -> bool:
    """Tell whether a library is as it was sealed.

    Raises:
        OSError: It can't be read.
    """
    return _is_sealed(library.read_bytes())


def _is_good(name: str, folder: int) -> bool:
    """Tell whether a file of an open folder is the user's own and as it was sealed.

    Raises:
        OSError: It can't be read.
    """
    return _is_sealed(_read(name, folder, _MAX_LIBRARY_BYTES))


def _read(name: str, folder: int, most_bytes: int) -> bytes:
    """Read a file of an open folder; nothing of one that is not the user's own, or too large.

    Raises:
        OSError: It can't be read, or is a link.
    """
    # Not blocking: what looks like a file may be a pipe.
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(name, how, dir_fd=folder), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or what_others_can(facts) is not None:
            return b""
        return b"" if facts.st_size > most_bytes else file.read()


def _is_sealed(content: bytes) -> bool:
    body, digest = content[: -_DIGEST_BYTES - len(_MARK)], content[-_DIGEST_BYTES - len(_MARK) :]
    return digest == hashlib.sha256(body).digest() + _MARK
