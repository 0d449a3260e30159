"""The rows in the pages of an SQLite file, read without SQLite: what is left where a tree is broken.

Each page of rows can be read by itself, wherever it hangs in the file's trees. Whether what is
found is a row that was written its checksum has to tell: nothing here fails, it finds less.

Source: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6, 2.1 and 4.1.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_DEFAULT_PAGE_SIZE = 4096
_WAL_HEADER, _FRAME_HEADER = 32, 24
#: Serial type -> bytes of an integer.
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
#: What reading bytes that mean nothing comes to.
_NONSENSE = (IndexError, KeyError, ValueError, struct.error, OverflowError)


def rows_in_pages(path: Path) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    """Yield the rows in all pages of a file and of what is committed in its write-ahead log.

    Args:
        path: the database file.

    Yields:
        Whether the row is of a table with row ids (its id comes first then), and its values: None,
        integers, floats, texts and bytes.

    Raises:
        OSError: the file can't be read.
    """
    content = path.read_bytes()
    size = _page_size(content)
    pages = {
        number + 1: content[number * size : (number + 1) * size]
        for number in range((len(content) + size - 1) // size)
    }
    with contextlib.suppress(FileNotFoundError):
        pages |= _logged(path.with_name(f"{path.name}-wal").read_bytes(), size)
    for number, page in pages.items():
        start = 100 if number == 1 else 0
        kind = page[start] if len(page) > start else 0
        if kind in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
            yield from _rows(page, start, kind, size, pages)


def _page_size(content: bytes) -> int:
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else _DEFAULT_PAGE_SIZE


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    """Return the last committed image of each page in a write-ahead log."""
    committed: dict[int, bytes] = {}
    open_: dict[int, bytes] = {}
    salts = log[16:24]
    step = _FRAME_HEADER + size
    for at in range(_WAL_HEADER, len(log) - step + 1, step):
        number, n_pages = struct.unpack_from(">II", log, at)
        if log[at + 8 : at + 16] != salts:
            break  # of a log before this one
        open_[number] = log[at + _FRAME_HEADER : at + step]
        if n_pages:
            committed |= open_
            open_ = {}
    return committed


def _rows(
    page: bytes, start: int, kind: int, size: int, pages: Mapping[int, bytes]
) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    first = start + (12 if kind == _INDEX_INTERIOR else 8)
    n_cells = int.from_bytes(page[start + 3 : start + 5], "big")
    for k in range(min(n_cells, size // 2)):
        at = int.from_bytes(page[first + 2 * k : first + 2 * k + 2], "big")
        try:
            yield kind == _TABLE_LEAF, _cell(page, at, kind, size, pages)
        except _NONSENSE:
            continue


def _cell(
    page: bytes, at: int, kind: int, size: int, pages: Mapping[int, bytes]
) -> tuple[Any, ...]:
    row_id = None
    if kind == _INDEX_INTERIOR:
        at += 4  # the page to its left
    n_bytes, at = _varint(page, at)
    if kind == _TABLE_LEAF:
        row_id, at = _varint(page, at)
    if n_bytes > size * len(pages):
        raise ValueError("longer than the file")
    most = size - 35 if kind == _TABLE_LEAF else (size - 12) * 64 // 255 - 23
    here = n_bytes
    if n_bytes > most:
        least = (size - 12) * 32 // 255 - 23
        here = least + (n_bytes - least) % (size - 4)
        here = here if here <= most else least
    parts = [page[at : at + here]]
    left, following = n_bytes - here, page[at + here : at + here + 4]
    while left > 0:
        more = pages[int.from_bytes(following, "big")]
        parts.append(more[4 : 4 + min(left, size - 4)])
        left, following = left - (size - 4), more[:4]
    values = _record(b"".join(parts))
    return values if row_id is None else (row_id, *values[1:])


def _record(payload: bytes) -> tuple[Any, ...]:
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        serial, at = _varint(payload, at)
        types.append(serial)
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
