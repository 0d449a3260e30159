"""The end of workers that say nothing any more.

A guard ends a training that hangs, and says so. Should a guard say nothing for longer than it may
take over what it was given, it has itself stalled (was stopped, say, or waits for a disk that went
away), whatever the others do: all are ended, since joblib can't do without one of them, and what
was in flight goes out again.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from actsearch.workers.guard import longest_s
from actsearch.workers.jobs import Deadline
from actsearch.workers.limits import START_S

#: How long after the deadline a training may take to notice it: one step of a large network, the
#: compilation of a kernel.
GRACE_S = 60.0
#: How much longer than it should a guard may take to answer.
MARGIN_S = 60.0

_LOOK_EVERY_S = 0.5
#: Looks so far apart mean that this process was stopped, and could not hear who answered.
_STOPPED_S = 5.0


def end_workers() -> None:
    """Kill this process's loky workers; the pool notices and says so."""
    # By signal, as loky's processes have no kill(); terminate() could be caught by a training.
    how = getattr(signal, "SIGKILL", signal.SIGTERM)
    for child in multiprocessing.active_children():
        if "loky" in type(child).__module__ and child.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(child.pid, how)


@dataclass
class _Errand:
    """What a worker was sent for."""

    allowed_s: float  # how long it may take
    begin_s: float | None = None  # by the clock that stands still while a laptop sleeps


class Watchdog:
    """Watches over the workers in a ``with`` block.

    Args:
        deadline: when trainings are to stop.
        grace_s: how long after that their guards end them.
        n_workers: how many errands are run at once; the first that were sent are.
        bite: ends the workers.
        margin_s: how much longer than it should a guard may take.
    """

    def __init__(
        self,
        deadline: Deadline,
        grace_s: float,
        n_workers: int,
        *,
        bite: Callable[[], None] = end_workers,
        margin_s: float = MARGIN_S,
    ) -> None:
        self._deadline = deadline
        self._grace_s = grace_s
        self._n_workers = n_workers
        self._bite = bite
        self._margin_s = margin_s
        self._out: dict[int, _Errand] = {}  # in the order in which they were sent
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def sent(self, number: int, limit_s: float | None) -> None:
        """Note a training that goes out, with its limit."""
        self._send(number, longest_s(limit_s))

    def sent_tick(self, number: int) -> None:
        """Note that a worker is to do nothing for a moment."""
        self._send(number, START_S)

    def heard(self, number: int) -> None:
        """Note that a worker came back from an errand."""
        with self._lock:
            self._out.pop(number, None)
            self._begin()

    def forget(self) -> None:
        """Note that nothing is out any more."""
        with self._lock:
            self._out.clear()

    def has_stalled(self) -> bool:
        """Tell whether somebody should have answered by now."""
        deadline = self._deadline()
        late_s = self._grace_s + self._margin_s
        is_late = deadline is not None and time.time() > deadline + late_s
        with self._lock:
            return any(self._is_overdue(errand, is_late=is_late) for errand in self._out.values())

    def _send(self, number: int, allowed_s: float) -> None:
        with self._lock:
            self._out[number] = _Errand(allowed_s)
            self._begin()

    def _begin(self) -> None:
        """Note who is being seen to; the others wait until a worker is free."""
        for errand in itertools.islice(self._out.values(), self._n_workers):
            if errand.begin_s is None:
                errand.begin_s = time.monotonic()

    def _is_overdue(self, errand: _Errand, *, is_late: bool) -> bool:
        if errand.begin_s is None:
            return False
        silent_s = time.monotonic() - errand.begin_s - self._margin_s
        return silent_s > 0 if is_late else silent_s > errand.allowed_s

    def _shift(self, by_s: float) -> None:
        with self._lock:
            for errand in self._out.values():
                if errand.begin_s is not None:
                    errand.begin_s += by_s

    def _watch(self) -> None:
        looked_s = time.monotonic()
        while not self._over.wait(_LOOK_EVERY_S):
            since_s, looked_s = time.monotonic() - looked_s, time.monotonic()
            if since_s > _STOPPED_S:
                self._shift(since_s)
            if self.has_stalled():
                self.forget()  # not again before what follows had time
                self._bite()

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
