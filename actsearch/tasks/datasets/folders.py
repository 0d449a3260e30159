"""Folders that appear whole or not at all.

A folder is filled under a temporary name and renamed when complete, so a crash or a full disk
leaves nothing half-written behind, and readers need no lock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from actsearch.cache import CACHE_VARIABLE, make_private
from actsearch.errors import ActsearchError

_TEMPORARY = ".part"


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the only right to write below ``root``, which is made if need be.

    Raises:
        NotPrivate: others can write to it.
        ActsearchError: the folder can't be written, or the disk is full; names the folder.
    """
    with _explained(root):
        make_private(root)
        with FileLock(root / ".lock"):
            yield


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which becomes ``target`` (replaced if there) at the end.

    To be used while holding ``writing``. If the block raises, nothing remains.
    """
    for leftover in target.parent.glob(f"*{_TEMPORARY}"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    folder = target.with_name(target.name + _TEMPORARY)
    try:
        make_private(folder)
        yield folder
        for file in folder.iterdir():
            _to_disk(file)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ActsearchError(
            f"can't write to the cache {root}: {error.strerror or error}; make room there, or name "
            f"another folder by the environment variable {CACHE_VARIABLE}"
        ) from error


def _to_disk(file: Path) -> None:
    """Flush a file, so that the rename can't reach the disk before its content."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
