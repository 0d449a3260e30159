"""Errors that a user sees, and the did-you-mean they carry.

A leaf that every room may import: each error states what came, what is accepted, and the
nearest valid name or the remedy. The command line turns them into one line and an exit code.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class ActsearchError(Exception):
    """A failure with a message that is meant for the user."""

    exit_code = 1


class BadInput(ActsearchError):
    """Input that cannot be accepted; the message says what is accepted."""

    exit_code = 2


#: What an error of the system means where it lacks something, and what helps.
_LACKS = {
    errno.EAGAIN: "no more processes or threads are allowed: try fewer --workers, or raise the "
    "limit (ulimit -u)",
    errno.ENOMEM: "there is no memory left: try fewer --workers, or end other programs",
    errno.EMFILE: "too many open files: raise the limit (ulimit -n), or try fewer --workers",
    errno.ENFILE: "too many open files on this machine: try fewer --workers, or end other programs",
}


def lack(error: OSError) -> str:
    """Return what the system lacks and what helps; of another error what the system says of it."""
    return _LACKS.get(error.errno or 0) or error.strerror or str(error)


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
