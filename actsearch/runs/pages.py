"""The rows in the pages of an SQLite file, read without SQLite: what is left where a tree is broken.

Each page of rows can be read by itself, wherever it hangs in the file's trees. Whether what is
found is a row that was written its checksum has to tell: nothing here fails, it finds less. All
cells of a page may be said to lie in one place, and a long row's pages may go round in circles, so
each page is read only so often.

Source: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actsearch.runs.foreign import MAX_COLUMNS, MAX_VALUE_BYTES
from actsearch.runs.pending import Files, pending

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
#: Serial type -> bytes of an integer.
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
#: What reading bytes that mean nothing comes to.
_NONSENSE = (IndexError, KeyError, ValueError, struct.error, OverflowError)
#: How often a page is read, counted by its bytes. Once is right, but remains of former rows may
#: lay claim to a page before the one row whose it is.
_MOST_READS = 8


def rows_in_pages(path: Path) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    """Yield the rows in all pages of a file and of what is committed in the logs beside it.

    Args:
        path: the database file.

    Yields:
        Whether the row is of a table with row ids (its id comes first then), and its values: None,
        integers, floats, texts and bytes.

    Raises:
        OSError: the file can't be read.
    """
    with Files(path) as files:
        pages = _Pages(files)
        for number in pages.numbers():
            page = pages.whole(number)
            start = 100 if number == 1 else 0
            kind = page[start] if len(page) > start else 0
            if kind in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
                yield from _rows(pages, number, page, start, kind)


class _Pages:
    """The pages of a file, each of which is read only so often."""

    def __init__(self, files: Files) -> None:
        found = pending(files)
        self.size, self._files, self._elsewhere = found.size, files, found.pages
        there = -(-files.length("") // self.size)
        self._n_there = there if found.n_pages is None else min(there, found.n_pages)
        self._beyond = sorted(k for k in found.pages if k > self._n_there)
        self.n_pages = self._n_there + len(self._beyond)
        self._n_read: Counter[int] = Counter()

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of all pages."""
        yield from range(1, self._n_there + 1)
        yield from self._beyond

    def whole(self, number: int) -> bytes:
        """Return a page. Raises KeyError where there is none."""
        place = self._elsewhere.get(number)
        if place is None and not 1 <= number <= self._n_there:
            raise KeyError(number)
        return self._files.part(*(place or ("", (number - 1) * self.size)), self.size)

    def count(self, number: int, n_bytes: int) -> None:
        """Count what is read of a page. Raises ValueError where that was too much."""
        self._n_read[number] += n_bytes
        if self._n_read[number] > _MOST_READS * self.size:
            raise ValueError("read too often")


def _rows(
    pages: _Pages, number: int, page: bytes, start: int, kind: int
) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    first = start + (12 if kind == _INDEX_INTERIOR else 8)
    n_cells = min(int.from_bytes(page[start + 3 : start + 5], "big"), pages.size // 2)
    pointers = range(first, first + 2 * n_cells, 2)
    for at in dict.fromkeys(int.from_bytes(page[k : k + 2], "big") for k in pointers):
        try:
            yield kind == _TABLE_LEAF, _cell(pages, number, page, at, kind)
        except _NONSENSE:
            continue


def _cell(pages: _Pages, number: int, page: bytes, at: int, kind: int) -> tuple[Any, ...]:
    size = pages.size
    row_id = None
    if kind == _INDEX_INTERIOR:
        at += 4  # the page to its left
    n_bytes, at = _varint(page, at)
    if kind == _TABLE_LEAF:
        row_id, at = _varint(page, at)
    if not 0 <= n_bytes <= min(size * pages.n_pages, MAX_VALUE_BYTES):
        raise ValueError("longer than the file, or than a row")
    most = size - 35 if kind == _TABLE_LEAF else (size - 12) * 64 // 255 - 23
    here = n_bytes
    if n_bytes > most:
        least = (size - 12) * 32 // 255 - 23
        here = least + (n_bytes - least) % (size - 4)
        here = here if here <= most else least
    pages.count(number, here)
    parts = [page[at : at + here]]
    left, following = n_bytes - here, page[at + here : at + here + 4]
    while left > 0:
        number = int.from_bytes(following, "big")
        pages.count(number, min(left, size - 4))
        page = pages.whole(number)
        parts.append(page[4 : 4 + left])
        left, following = left - (size - 4), page[:4]
    values = _record(b"".join(parts))
    return values if row_id is None else (row_id, *values[1:])


def _record(payload: bytes) -> tuple[Any, ...]:
    end, at = _varint(payload, 0)
    types: list[int] = []
    while at < end:
        serial, at = _varint(payload, at)
        types.append(serial)
        if len(types) > MAX_COLUMNS:
            raise ValueError("more values than a row has")
    values: list[Any] = []
    for serial in types:
        n_bytes = _INTEGERS.get(serial, 8 if serial == 7 else max(0, (serial - 12) // 2))
        part = payload[at : at + n_bytes]
        if len(part) != n_bytes:
            raise ValueError("cut short")
        at += n_bytes
        values.append(_value(serial, part))
    return tuple(values)


def _value(serial: int, part: bytes) -> Any:
    if serial in _INTEGERS:
        return int.from_bytes(part, "big", signed=True)
    if serial == 7:
        return struct.unpack(">d", part)[0]
    if serial >= 12:
        return part.decode("utf-8") if serial % 2 else part
    return {0: None, 8: 0, 9: 1}[serial]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for k in range(8):
        byte = data[at + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + k + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, at + 9
