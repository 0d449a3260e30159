"""The keeper: a process that does nothing but see to the end of the one that trains.

A guard starts the keeper, and the keeper forks the trainer. So there is always someone who can end
a trainer that hangs in C, whatever happened to the guard, and who takes along what the trainer has
started: the keeper is where the system hands orphans to, and it leaves when none is left. It exits
as the trainer did, which is how the guard learns of it. A training that kills its parent hits the
keeper, and nobody else.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

#: Linux numbers of ``prctl``; elsewhere there is none of this.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

#: How often to look whether the guard is alive where its end can't be heard: another process may
#: hold the pipe as well.
_LOOK_EVERY_MS = 1000


def keep(channel: int) -> None:
    """Fork; return in the child, which is to train. The parent stays here until all is over.

    Standard input is a pipe whose other end the guard holds: its end is the guard's end.

    Args:
        channel: the trainer's end of what it speaks with the guard through.
    """
    _no_core_files()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard, keeper = os.getppid(), os.getpid()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    # A signal of a child's end that comes before the handler is there would be waited for in vain.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    trainer = os.fork()
    if not trainer:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(woken)
        os.close(wake)
        os.setpgid(0, 0)
        _end_with(keeper)
        return
    with contextlib.suppress(OSError):
        os.setpgid(trainer, trainer)  # both do it, as either may be first
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.close(channel)  # the trainer's alone: else the guard would not hear of its death
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 2)
    status = _wait_for(trainer, guard, woken)
    if status is None:  # it may have left its group
        os.kill(trainer, signal.SIGKILL)
    _end_all(trainer)
    _exit_like(status)


def _wait_for(trainer: int, guard: int, woken: int) -> int | None:
    """Return the status that the trainer ended with, or None where the guard is gone."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(woken, select.POLLIN)
    while True:
        found, status = os.waitpid(trainer, os.WNOHANG)
        if found:
            return status
        ready = dict(poll.poll(_LOOK_EVERY_MS))
        if 0 in ready or os.getppid() != guard:
            return None
        if woken in ready:
            os.read(woken, 4096)
            _reap_orphans(trainer)


def _reap_orphans(trainer: int) -> None:
    """Let go of orphans that have ended, but not of the trainer: its status is waited for."""
    for orphan in _children() - {trainer}:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(orphan, os.WNOHANG)


def _end_all(trainer: int) -> None:
    """Kill the trainer's group, then who left it, until there is nobody more."""
    with contextlib.suppress(OSError):
        os.killpg(trainer, signal.SIGKILL)
    while True:
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)  # its own children are now this process's
        except ChildProcessError:
            return


def _children() -> set[int]:
    """Return this process's children; nothing where the system doesn't show them."""
    found, me = set(), os.getpid()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name stands in brackets, and may have any in it.
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == me:
                found.add(int(stat.parent.name))
    return found


def _exit_like(status: int | None) -> None:
    if status is None:
        os._exit(0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _end_with(keeper: int) -> None:
    """Have this process killed when the keeper dies."""
    if not _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        import threading
        import time

        def watch() -> None:
            while os.getppid() == keeper:
                time.sleep(_LOOK_EVERY_MS / 1000)
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
    if os.getppid() != keeper:  # it died before this was asked for
        os._exit(1)


def _no_core_files() -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _prctl(option: int, value: int) -> bool:
    import ctypes

    try:
        return not ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (OSError, AttributeError):
        return False
