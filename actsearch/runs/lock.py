"""One writer a run.

The lock is the operating system's, on an open file, so the kernel releases it however its holder
ends and a killed search never blocks the next. Beside it lies a note with the holder's process
id: it is there to be shown, and never decides.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs.folder import LOCK_FILE, NOTE_FILE, REPAIR_DRAFT

#: How long a writer waits for the lock: longer than ``holder`` below ever keeps it to look.
_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Holder:
    """The process that writes a run; ``pid`` is None where its note could not be read."""

    pid: int | None
    host: str = ""

    def __str__(self) -> str:
        process = "another process" if self.pid is None else f"process {self.pid}"
        elsewhere = self.host and self.host != socket.gethostname()
        return f"{process} on {self.host}" if elsewhere else process


class WriterLock:
    """The right to write one run, from construction to ``release``.

    Raises:
        BadInput: another process has it; the message names it.
        ActsearchError: the lock can't be taken for a reason of the file system.
    """

    def __init__(self, folder: Path) -> None:
        self._note = folder / NOTE_FILE
        self._lock = _lock(folder / LOCK_FILE)
        try:
            self._lock.acquire(timeout=_PATIENCE_S, poll_interval=0.02)
        except Timeout:
            raise BadInput(
                f"run '{folder.name}' is being written by {_read_note(self._note)}; "
                "wait for its end, stop it with Ctrl-C, or start another run (--run NAME)"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise ActsearchError(
                f"can't lock the run '{folder.name}' in {folder.parent}: {error}; "
                "a local folder that you may write to is needed (ACTSEARCH_RUNS names one)"
            ) from error
        remove_leavings(folder)
        try:
            _write_note(self._note)
        except OSError:
            # A full disk, say: the note only serves the message of a second writer.
            with contextlib.suppress(OSError):
                self._note.unlink()

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._note.unlink()
            self._lock.release()


def leavings(folder: Path) -> list[Path]:
    """Return what a writer that was killed left half written; whoever has the lock removes it."""
    return [*folder.glob("writer.*.tmp"), *folder.glob(f"{REPAIR_DRAFT}*")]


def remove_leavings(folder: Path) -> None:
    """Remove them; one that can't be is no hindrance."""
    for one in leavings(folder):
        with contextlib.suppress(OSError):
            one.unlink()


def _lock(path: Path) -> FileLock:
    # Any thread of the driver may be the one that closes the store, so the lock is of no thread.
    # Where the file system has no locks, a file that is there or not would stand for one, and a
    # writer that was killed would keep all others out.
    return FileLock(path, thread_local=False, fallback_to_soft=False)


def holder(folder: Path) -> Holder | None:
    """Return who is writing the run in ``folder``, or None where nobody is."""
    path = folder / LOCK_FILE
    if not path.exists():
        return None
    probe = _lock(path)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return _read_note(folder / NOTE_FILE)
    except (OSError, NotImplementedError):
        # A run of someone else's, that we may only read: all there is to go by is the note.
        note = _read_note(folder / NOTE_FILE)
        return note if is_alive(note) else None
    probe.release()
    return None


def _write_note(path: Path) -> None:
    note = {"pid": os.getpid(), "host": socket.gethostname(), "since_s": time.time()}
    # By rename, so that whoever reads it sees all of it.
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    with draft.open("x", encoding="utf-8") as file:  # and not through a link
        json.dump(note, file)
    draft.replace(path)


def _read_note(path: Path) -> Holder:
    try:
        # Not blocking: what someone else put there may be a pipe.
        how = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
        with os.fdopen(os.open(path, how), "rb") as file:
            note = json.loads(file.read(4096))
        return Holder(pid=int(note["pid"]), host=str(note.get("host", ""))[:80])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Holder(pid=None)


def is_alive(who: Holder) -> bool:
    """Tell whether a process of this machine goes on; False where that can't be told."""
    if who.pid is None or who.pid <= 0 or who.host != socket.gethostname():
        return False
    try:
        os.kill(who.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
