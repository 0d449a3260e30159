"""The end of workers that say nothing any more.

A guard ends a training that hangs, and says so. Should no guard say anything, for longer than any
of them may take over what it was given, the workers themselves have stalled (were stopped, say, or
wait for a disk that went away): they are ended, and what was in flight goes out again.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType

from actsearch.workers.jobs import Deadline
from actsearch.workers.limits import START_S

#: How long after the deadline a training may take to notice it: one step of a large network, the
#: compilation of a kernel.
GRACE_S = 60.0
#: How much longer than it should a guard may take to answer.
MARGIN_S = 60.0

_LOOK_EVERY_S = 0.5


def end_workers() -> None:
    """Kill this process's loky workers; the pool notices and says so."""
    # By signal, as loky's processes have no kill(); terminate() could be caught by a training.
    how = getattr(signal, "SIGKILL", signal.SIGTERM)
    for child in multiprocessing.active_children():
        if "loky" in type(child).__module__ and child.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(child.pid, how)


class Watchdog:
    """Watches over the workers in a ``with`` block.

    Args:
        deadline: when trainings are to stop.
        grace_s: how long after that their guards end them.
        bite: ends the workers.
        margin_s: how much longer than it should a guard may take.
    """

    def __init__(
        self,
        deadline: Deadline,
        grace_s: float,
        *,
        bite: Callable[[], None] = end_workers,
        margin_s: float = MARGIN_S,
    ) -> None:
        self._deadline = deadline
        self._grace_s = grace_s
        self._bite = bite
        self._margin_s = margin_s
        self._out: dict[int, float | None] = {}  # ticket -> how long it may take
        self._heard_s = time.monotonic()  # it stands still while a laptop sleeps
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def sent(self, number: int, limit_s: float | None) -> None:
        """Note a ticket that goes out, with the limit of its training."""
        with self._lock:
            # Tried twice, the second time for twice as long.
            self._out[number] = None if limit_s is None else START_S + 3 * limit_s

    def heard(self, number: int | None) -> None:
        """Note that a worker answered, and with which ticket."""
        with self._lock:
            self._heard_s = time.monotonic()
            if number is not None:
                self._out.pop(number, None)

    def forget(self) -> None:
        """Note that nothing is out any more."""
        with self._lock:
            self._out.clear()
            self._heard_s = time.monotonic()

    def has_stalled(self) -> bool:
        """Tell whether somebody should have answered by now."""
        with self._lock:
            silent_s = time.monotonic() - self._heard_s - self._margin_s
            if not self._out or silent_s < 0:
                return False
            deadline = self._deadline()
            if deadline is not None and time.time() > deadline + self._grace_s + self._margin_s:
                return True
            allowed = [limit_s for limit_s in self._out.values() if limit_s is not None]
            return len(allowed) == len(self._out) and silent_s > max(allowed)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            if self.has_stalled():
                with self._lock:
                    self._heard_s = time.monotonic()  # not again before what follows had time
                self._bite()

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
