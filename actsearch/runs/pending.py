"""What the logs beside an SQLite file hold of it, read without SQLite, and put into a copy of it.

A writer that was killed leaves commits in a write-ahead log, or in a journal the pages as they were
before a commit that it did not come to. Both are read as SQLite would: up to the first frame or
record whose checksum is another. Putting them in twice comes to the same as once, so a file with
its logs, the file that they were put into beside them, and that file alone say the same.

Source: https://www.sqlite.org/fileformat2.html, sections 1.3.2, 3 and 4.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_DEFAULT_PAGE_SIZE = 4096
_WAL_HEADER, _FRAME_HEADER = 32, 24
#: First number of a write-ahead log -> the order of bytes in which its checksums take words.
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
#: Each so manieth byte of a page, from its end, is in the checksum of a journal's record.
_STEP = 200
#: A file grows by the pages that its log has, and by few that are free.
_MOST_GROWTH = 4
_UNCOUNTED = 0xFFFFFFFF
_WORD = 0xFFFFFFFF


#: Where the content of a page begins: in which file, by what its name ends with, and after how many
#: bytes. Files are not held in memory: they are as long as whoever made them liked.
Place = tuple[str, int]


@dataclass(frozen=True)
class Pending:
    """Pages by their numbers, from 1, that are not in the file as they are to be read.

    ``n_pages`` is how many pages there are to be left, None for all.
    """

    size: int
    pages: Mapping[int, Place]
    n_pages: int | None = None


class Files:
    """A database and the logs beside it, open to be read; a context manager."""

    def __init__(self, path: Path) -> None:
        self._open: dict[str, BinaryIO] = {}
        with contextlib.ExitStack() as stack:
            for ending in ("", "-journal", "-wal"):
                with contextlib.suppress(*((FileNotFoundError,) if ending else ())):
                    file = path.with_name(path.name + ending).open("rb")
                    self._open[ending] = stack.enter_context(file)
            self._stack = stack.pop_all()

    def length(self, ending: str) -> int:
        """Return how many bytes a file has; none where it is not there."""
        return os.fstat(self._open[ending].fileno()).st_size if ending in self._open else 0

    def part(self, ending: str, at: int, n_bytes: int) -> bytes:
        """Return bytes of a file, fewer at its end."""
        if ending not in self._open:
            return b""
        self._open[ending].seek(at)
        return self._open[ending].read(n_bytes)

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def pending(files: Files) -> Pending:
    """Return what the logs beside a file hold of it.

    Raises:
        OSError: a file can't be read.
    """
    size = _page_size(files.part("", 0, 100))
    n_pages, pages = _undone(files, size)  # first what undoes, as SQLite does
    pages |= _committed(files, size)
    # A page far behind the end of all that there is would make a file of holes.
    most = _MOST_GROWTH * (files.length("") // size + len(pages) + 1)
    return Pending(size, {k: place for k, place in pages.items() if k <= most}, n_pages)


def put_in(path: Path, draft: Path) -> bool:
    """Make ``draft`` the file with what its logs hold, durably; False, and no draft: they hold none.

    Raises:
        OSError: a file can't be read or written.
    """
    with Files(path) as files:
        found = pending(files)
        if not found.pages and found.n_pages is None:
            return False
        with copied(path, draft) as file:
            if found.n_pages is not None and found.n_pages * found.size < file.tell():
                file.truncate(found.n_pages * found.size)
            for number, place in found.pages.items():
                file.seek((number - 1) * found.size)
                file.write(files.part(*place, found.size))
    return True


@contextlib.contextmanager
def copied(path: Path, draft: Path) -> Iterator[BinaryIO]:
    """Give the new file ``draft``, a copy, to be changed; it is durable afterwards."""
    with path.open("rb") as source, draft.open("xb") as file:
        shutil.copymode(path, draft)
        shutil.copyfileobj(source, file, 1 << 20)
        yield file
        file.flush()
        os.fsync(file.fileno())


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else _DEFAULT_PAGE_SIZE


def _committed(files: Files, size: int) -> dict[int, Place]:
    """Return the last committed image of each page in a write-ahead log."""
    committed: dict[int, Place] = {}
    log = files.part("-wal", 0, _WAL_HEADER)
    if len(log) < _WAL_HEADER:
        return committed
    magic, _, its_size = struct.unpack_from(">III", log)
    order = _WAL_MAGIC.get(magic)
    if order is None or its_size != size:
        return committed
    sums = _sums(order, log[:24], (0, 0))
    if sums != struct.unpack_from(">II", log, 24):
        return committed
    open_: dict[int, Place] = {}
    step = _FRAME_HEADER + size
    for at in range(_WAL_HEADER, files.length("-wal") - step + 1, step):
        frame = files.part("-wal", at, step)
        number, n_pages = struct.unpack_from(">II", frame)
        sums = _sums(order, frame[_FRAME_HEADER:], _sums(order, frame[:8], sums))
        if (
            number == 0
            or frame[8:16] != log[16:24]  # of a log before this one
            or sums != struct.unpack_from(">II", frame, 16)
        ):
            break
        open_[number] = ("-wal", at + _FRAME_HEADER)
        if n_pages:
            committed |= open_
            open_ = {}
    return committed


def _sums(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    """Go on with the two sums that are the checksum of all frames so far."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second


def _undone(files: Files, size: int) -> tuple[int | None, dict[int, Place]]:
    """Return how many pages there were before a commit that was not finished, and what they were."""
    n_pages: int | None = None
    pages: dict[int, Place] = {}
    length, header = files.length("-journal"), files.part("-journal", 0, 28)
    if len(header) < 28:
        return n_pages, pages
    sector, its_size = struct.unpack_from(">II", header, 20)
    if its_size != size or not 32 <= sector <= 65536:
        return n_pages, pages
    at = 0
    while header[:8] == _JOURNAL_MAGIC and at + sector <= length:
        n_records, nonce, n_before = struct.unpack_from(">III", header, 8)
        n_pages = n_before if n_pages is None else n_pages
        at += sector
        if n_records == _UNCOUNTED:
            n_records = (length - at) // (size + 8)
        for _ in range(n_records):
            record = files.part("-journal", at, size + 8)
            if len(record) < size + 8 or not _is_whole(record, nonce):
                return n_pages, pages
            number = int.from_bytes(record[:4], "big")
            if 1 <= number <= n_pages:
                pages[number] = ("-journal", at + 4)
            at += size + 8
        at = -(-at // sector) * sector  # each part begins a sector
        header = files.part("-journal", at, 28)
    return n_pages, pages


def _is_whole(record: bytes, nonce: int) -> bool:
    page = record[4:-4]
    wanted = (nonce + sum(page[len(page) - _STEP : 0 : -_STEP])) & _WORD
    return wanted == int.from_bytes(record[-4:], "big")
