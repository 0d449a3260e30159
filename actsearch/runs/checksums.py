"""The checksum of a row, and what all rows of a table come to."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from actsearch.runs.rows import Malformed

#: Up to here a float says the integer that it stands for.
_EXACT = 2.0**53


def row_checksum(values: Sequence[Any]) -> int:
    """Return the CRC-32 of a row's values as a JSON list.

    Integers and floats of one value count as the same: SQLite makes the one of the other where a
    column asks for it. Raises ``Malformed`` for what no row of a run holds.
    """
    plain = [
        int(value) if type(value) is float and -_EXACT < value < _EXACT and value.is_integer() else value
        for value in values
    ]
    try:
        return zlib.crc32(json.dumps(plain, separators=(",", ":")).encode("ascii"))
    except TypeError as error:
        raise Malformed(f"a row holds numbers and texts: {error}") from error


def opened(table: str, row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row without its checksum, the last of its values, which must be right.

    Raises:
        Malformed: it is not.
    """
    *values, checksum = row
    if row_checksum(values) != checksum:
        raise Malformed(f"a row of {table} is not what was written, by its checksum: {values[:3]!r:.60}")
    return tuple(values)


def combined(checksums: Iterable[int]) -> int:
    """Return the exclusive or of the checksums of rows: that of a table, in any order."""
    total = 0
    for checksum in checksums:
        total ^= checksum
    return total
