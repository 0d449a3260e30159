"""Messages between a guard and the process that trains for it: framed, checked, and never code.

A message is a JSON object behind a head that says how long it is and what its checksum is. A
process whose memory was overwritten may write anything: what is no whole message of the right
checksum is ``Garbled``, and nothing that comes in is ever unpickled.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

_HEAD = struct.Struct("!4sII")  # mark, length of the body, CRC-32 of the body
_MARK: Final = b"ASM1"

#: More than a record can sensibly hold: a curve of 50,000 points has 3 MB.
MAX_BYTES = 4 * 2**20


class Garbled(Exception):
    """What came is no message."""


def encode(message: dict[str, Any]) -> bytes:
    """Return ``message`` as it goes through a channel.

    Raises:
        ValueError: it is longer than ``MAX_BYTES``, or refers to itself.
        TypeError: JSON can't hold it.
    """
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_BYTES:
        raise ValueError(f"{len(body) / 2**20:.0f} MB are more than a message holds")
    return _HEAD.pack(_MARK, len(body), zlib.crc32(body)) + body


class Decoder:
    """Puts messages together again from whatever pieces they arrive in."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """Take in what has come and yield each message that is whole.

        Raises:
            Garbled: it is none.
        """
        self._rest += piece
        while len(self._rest) >= _HEAD.size:
            mark, length, checksum = _HEAD.unpack_from(self._rest)
            if mark != _MARK or length > MAX_BYTES:
                raise Garbled("something else than a message")
            end = _HEAD.size + length
            if len(self._rest) < end:
                return
            body = bytes(self._rest[_HEAD.size : end])
            del self._rest[:end]
            if zlib.crc32(body) != checksum:
                raise Garbled("a message of another checksum")
            yield _object(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("a message that is no JSON") from error
    if not isinstance(message, dict):
        raise Garbled("a message that is no object")
    return message
