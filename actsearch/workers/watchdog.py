"""The end of workers that do not end.

A training stops itself at its deadline. One that hangs in a loop of its own never looks: some time
after the deadline its process is ended from outside. Without a deadline nothing is ended, for a
long training can't be told from one that hangs.
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

#: How long after the deadline a training may take to notice it: one step of a large network, the
#: compilation of a kernel.
GRACE_S = 60.0

_LOOK_EVERY_S = 0.5


class Watchdog:
    """Watches over the trainings of a ``with`` block."""

    def __init__(self, deadline: Deadline, n_out: Callable[[], int], grace_s: float) -> None:
        self._deadline = deadline
        self._n_out = n_out
        self._grace_s = grace_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        #: Whether it has ended workers.
        self.has_bitten = False

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            deadline = self._deadline()
            late = deadline is not None and time.time() > deadline + self._grace_s
            if late and self._n_out():
                self.has_bitten = True
                end_workers()

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


def end_workers() -> None:
    """Kill this process's loky workers; the pool notices and says so."""
    # By signal, as loky's processes have no kill(); terminate() could be caught by a training.
    how = getattr(signal, "SIGKILL", signal.SIGTERM)
    for child in multiprocessing.active_children():
        if "loky" in type(child).__module__ and child.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(child.pid, how)
