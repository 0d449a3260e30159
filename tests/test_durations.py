"""Durations as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from actsearch.durations import format_duration, parse_duration, write_duration
from actsearch.errors import BadInput


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1d2h3m4s", 93784),
        ("0.5s", 0.5),
        (" 5M ", 300),
    ],
)
def test_durations(text: str, duration_s: float) -> None:
    assert parse_duration(text) == duration_s


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "m", "5x", "5m1h", "5m5m", "-5m", "1e3s", "nan", "inf", "0m", "٥m", "9" * 99],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput, match="accepted"):
        parse_duration(text)


@given(st.text())
def test_any_text_is_a_duration_or_bad_input(text: str) -> None:
    try:
        duration_s = parse_duration(text)
    except BadInput as error:
        message = str(error)
    else:
        message = ""
        assert duration_s > 0
    assert len(message) < 300


@given(st.integers(1, 99), st.integers(0, 59), st.integers(0, 59))
def test_parts_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


_COUNTS = st.none() | st.decimals(0, 99_999_999, allow_nan=False, places=9)


@given(st.tuples(*[_COUNTS] * 4))
@example((None, Decimal(300), None, None))
def test_what_is_written_is_read_back(counts: tuple[Decimal | None, ...]) -> None:
    said = "".join(
        f"{count:f}{unit}" for count, unit in zip(counts, "dhms", strict=True) if count is not None
    )
    assume(any(counts))
    duration_s = parse_duration(said)
    assert parse_duration(write_duration(duration_s)) == pytest.approx(duration_s, abs=1e-9)


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (59.6, "1m 00s"),
        (245, "4m 05s"),
        (3660, "1h 01m"),
        (90000, "25h 00m"),
    ],
)
def test_format(duration_s: float, text: str) -> None:
    assert format_duration(duration_s) == text
