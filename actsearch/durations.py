"""Durations as people write them: ``90s``, ``5m``, ``1h30m``."""

from __future__ import annotations

import re

from actsearch.errors import BadInput, shorten

_UNITS_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = r"(?:(\d{1,9}(?:\.\d{1,9})?)%s)?"
_DURATION = re.compile("".join(_PART % unit for unit in _UNITS_S), re.ASCII)


def parse_duration(text: str) -> float:
    """Return the duration ``text`` in seconds.

    Args:
        text: numbers with their units, larger units first: ``90s``, ``1h30m``, ``1.5h``, ``2d``.

    Raises:
        BadInput: it is not a duration, lacks a unit, or is zero.
    """
    squeezed = re.sub(r"\s+", "", text.lower())
    match = _DURATION.fullmatch(squeezed)
    if match is None or not squeezed:
        hint = f"; did you mean {squeezed}s or {squeezed}m?" if squeezed.isdecimal() else ""
        raise BadInput(
            f"not a duration: '{shorten(text)}'{shorten(hint)} "
            "(accepted: a number with its unit, as in 90s, 5m, 1h30m)"
        )
    duration_s = sum(
        float(count) * unit_s
        for count, unit_s in zip(match.groups(), _UNITS_S.values(), strict=True)
        if count is not None
    )
    if duration_s <= 0:
        raise BadInput(f"the duration '{shorten(text)}' is zero (accepted: as in 90s, 5m)")
    return duration_s


def write_duration(duration_s: float) -> str:
    """Write a duration as ``parse_duration`` reads it, to the billionth of a second: ``1h30m``.

    Args:
        duration_s: at least that, and below 10**9 days.
    """
    parts = []
    for unit, unit_s in _UNITS_S.items():
        count = duration_s if unit == "s" else duration_s // unit_s
        duration_s -= count * unit_s
        written = f"{count:.9f}".rstrip("0").rstrip(".")
        parts += [written + unit] if written != "0" else []
    return "".join(parts)


def format_duration(duration_s: float) -> str:
    """Write a duration in its two largest units, as ``4m 05s``."""
    whole_s = max(0, round(duration_s))
    hours, minutes, seconds = whole_s // 3600, whole_s // 60 % 60, whole_s % 60
    if hours:
        return f"{hours}h {minutes:02d}m"
    if minutes:
        return f"{minutes}m {seconds:02d}s"
    return f"{seconds}s"
