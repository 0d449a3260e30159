"""Messages arrive whole in whatever pieces, and nothing else is ever taken for one."""

from __future__ import annotations

import contextlib
import itertools
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.workers.channel import MAX_BYTES, Decoder, Garbled, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.dictionaries(st.text(), VALUES, max_size=5)


@given(st.lists(MESSAGES, max_size=5), st.data())
def test_messages_come_as_they_went_in_any_pieces(
    messages: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = b"".join(map(encode, messages))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    ends = sorted([0, *cuts, len(stream)])
    decoder = Decoder()
    found = [
        message
        for begin, end in itertools.pairwise(ends)
        for message in decoder.feed(stream[begin:end])
    ]
    assert found == messages


@given(MESSAGES, st.data())
def test_a_byte_that_was_changed_makes_no_message(
    message: dict[str, Any], data: st.DataObject
) -> None:
    stream = bytearray(encode(message))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(Garbled):
        assert list(Decoder().feed(bytes(stream))) == []  # it waits for more


@given(st.binary(min_size=12))
def test_rubbish_is_told(rubbish: bytes) -> None:
    with pytest.raises(Garbled):
        list(Decoder().feed(rubbish))


def test_what_cannot_be_sent_is_told() -> None:
    with pytest.raises(ValueError, match="4 MB are more than a message holds"):
        encode({"a": "x" * MAX_BYTES})
    with pytest.raises(TypeError):
        encode({"a": object()})


@pytest.mark.parametrize("body", [b"[1, 2]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    head = struct.pack("!4sII", b"ASM1", len(body), zlib.crc32(body))
    with pytest.raises(Garbled, match=r"no JSON|no object"):
        list(Decoder().feed(head + body))
