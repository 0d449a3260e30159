"""Errors that a user sees, and the did-you-mean they carry.

A leaf that every room may import: each error states what came, what is accepted, and the
nearest valid name or the remedy. The command line turns them into one line and an exit code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ActsearchError(Exception):
    """A failure with a message that is meant for the user."""

    exit_code = 1


class BadInput(ActsearchError):
    """Input that cannot be accepted; the message says what is accepted."""

    exit_code = 2


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option closest to ``word``, or None where none is close."""
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None


def shorten(text: str, limit: int = 80) -> str:
    """Return ``text`` on one line, cut to ``limit`` characters with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def unknown(kind: str, got: str, options: Iterable[str]) -> BadInput:
    """Build the error for a name that is not in the list ``options``."""
    names = sorted(options)
    guess = nearest(got, names)
    hint = f"; did you mean '{guess}'?" if guess else ""
    listed = ", ".join(names) if names else "none"
    return BadInput(f"unknown {kind} '{shorten(got)}'{hint} (known: {listed})")
