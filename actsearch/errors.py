"""Errors that a user sees, and the did-you-mean they carry.

A leaf that every room may import: each error states what came, what is accepted, and the
nearest valid name or the remedy. The command line turns them into one line and an exit code.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence


class ActsearchError(Exception):
    """A failure with a message that is meant for the user."""

    exit_code = 1


class WorkersGone(ActsearchError):
    """Nobody is there to train any more."""


class MachineFault(ActsearchError):
    """Trainings can't go on here, whatever the candidate: the one argument says why."""

    def __str__(self) -> str:
        return f"trainings can't go on: {shorten(str(self.args[0]), 500)}"


class StoreFault(ActsearchError):
    """The disk, or the file system, did not let a run be read or written."""


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


class NotSo(BadInput):
    """What options say of a thing is not true of it; without them the call can be done.

    Attributes:
        options: Those, as the command line calls them.
        instead: Words to be given in their place.
    """

    def __init__(self, message: str, options: Sequence[str], instead: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.options, self.instead = tuple(options), tuple(instead)

    def __str__(self) -> str:
        instead = f", and give {' '.join(self.instead)}" if self.instead else ""
        return f"{self.args[0]}\nleave out what is not so ({', '.join(self.options)}){instead}"

    def corrected(self, words: Sequence[str]) -> list[str]:
        """Return the words of a command without those options and their values."""
        kept: list[str] = []
        is_value = False
        for word in words:
            if not is_value and word.partition("=")[0] not in self.options:
                kept.append(word)
            is_value = word in self.options and not is_value
        return [*kept, *self.instead]


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option closest to ``word``, or None where none is close."""
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None


def shorten(text: str, limit: int = 80) -> str:
    """Return ``text`` on one line, cut to ``limit`` characters with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def counted(n: int, noun: str) -> str:
    """Write a number of things, one of them in the singular."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def unknown(kind: str, got: str, options: Iterable[str]) -> BadInput:
    """Build the error for a name that is not in the list ``options``."""
    names = sorted(options)
    guess = nearest(got, names)
    hint = f"; did you mean '{guess}'?" if guess else ""
    listed = ", ".join(names) if names else "none"
    return BadInput(f"unknown {kind} '{shorten(got)}'{hint} (known: {listed})")
