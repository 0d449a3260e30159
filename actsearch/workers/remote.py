"""What runs inside a worker process of joblib's, here or on another machine.

Such a worker trains nothing itself and imports neither torch nor the task: it keeps a guard, whose
process trains. It knows runs by their keys, as the workers of a cluster may serve several.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field, replace

from actsearch.tasks.protocol import Training
from actsearch.workers.charge import Setup
from actsearch.workers.guard import Answer, Guard, Unavailable

#: How often a worker looks whether its driver is alive.
_LOOK_EVERY_S = 1.0


@dataclass
class _Run:
    """The guards of one run; several only where a worker has several threads."""

    setup: Setup
    idle: list[Guard] = field(default_factory=list)
    busy: list[Guard] = field(default_factory=list)


_runs: dict[str, _Run] = {}
_lock = threading.Lock()


def initialize(key: str, setup: Setup) -> None:
    """Get ready for the trainings of a run; starts nothing, and does nothing the second time.

    Args:
        key: what the run's trainings will name; each pool has one of its own.
        setup: the task, and the bounds of a training.
    """
    with _lock:
        _runs.setdefault(key, _Run(setup))


def bound(key: str, memory_bytes: int | None) -> None:
    """Set how much memory the run's trainings to come may take; those that run keep what they had.

    Args:
        key: the run; one that is unknown is let be.
        memory_bytes: the limit, or None.
    """
    with _lock:
        one = _runs.get(key)
        if one is not None:
            one.setup = replace(one.setup, memory_bytes=memory_bytes)


def is_ready(key: str) -> bool:
    """Say whether ``initialize`` was called for ``key`` in this process."""
    return key in _runs


def finish(key: str) -> None:
    """End the processes of a run and forget it; what trains is answered as unavailable."""
    with _lock:
        one = _runs.pop(key, None)
        guards = [] if one is None else [*one.idle, *one.busy]
    for guard in guards:
        guard.close()


def run(
    key: str,
    number: int,
    training: Training,
    device: str,
    deadline: float | None,
    limit_s: float | None,
) -> tuple[int, Answer]:
    """Train once and return the ticket's number with what came of it.

    Args:
        key: the run, as ``initialize`` was told.
        number: of the ticket.
        training: formula, rung and seed.
        device: as torch names it.
        deadline: the ``time.time()`` value, by this machine's clock, at which trainings stop.
        limit_s: how long it may take.
    """
    with _lock:
        one = _runs.get(key)
        if one is None:
            return number, Unavailable("the worker was not told what to train on")
        guard = one.idle.pop() if one.idle else Guard(one.setup)
        guard.bound(one.setup.memory_bytes)
        one.busy.append(guard)
    try:
        return number, guard.train(training, device, deadline, limit_s)
    finally:
        with _lock:
            one.busy.remove(guard)
            one.idle.append(guard)


def tick(nap_s: float, number: int = -1) -> tuple[int, None]:
    """Do nothing for a moment, and return the number: what a worker gets while there is no job."""
    time.sleep(nap_s)
    return number, None


def initialize_process(key: str, setup: Setup, driver_pid: int, generation: int) -> None:  # noqa: ARG001
    """Prepare a process of loky's; it must not raise, for a pool that can't start says little why.

    Args:
        key: as in ``initialize``.
        setup: as in ``initialize``.
        driver_pid: whose child this process is.
        generation: which pool this is; joblib starts new processes when an argument differs.
    """
    # Ctrl-C reaches the whole process group; only the driver is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Standard output belongs to the driver, who may be writing JSON to it.
    with contextlib.suppress(OSError):
        os.dup2(2, 1)
    threading.Thread(target=_end_with, args=(driver_pid,), daemon=True).start()
    initialize(key, setup)


def _end_with(driver_pid: int) -> None:
    """End this process when its driver is gone, however the driver ended."""
    while os.getppid() == driver_pid:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)
