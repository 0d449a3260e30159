"""What runs inside a Dask worker: it takes a task once, and then answers for trainings.

The driver calls ``admit`` when it meets the worker, ``train`` for each training, and ``dismiss`` at
the end. Everything here is called by name, so an old actsearch there is an error of Dask's, and
none of its arguments is more than plain values and a ``Training``. The worker itself trains
nothing: it keeps guards, whose processes do.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass

from actsearch.tasks.protocol import Training
from actsearch.workers.charge import Setup
from actsearch.workers.cluster.versions import versions
from actsearch.workers.guard import Answer
from actsearch.workers.memory import parse_memory_limit
from actsearch.workers.remote import bound, finish, initialize, is_ready, run

#: A task that nobody has trained on for so long is forgotten, and its processes are ended: a driver
#: that was killed says no farewell. One that is only slow meets the worker again.
IDLE_S = 600.0
_LOOK_EVERY_S = 5.0

#: How long torch may take to say which devices there are.
_COUNT_S = 120.0
_COUNT = "import torch; print(torch.cuda.device_count())"


@dataclass(frozen=True)
class Terms:
    """Under which conditions a training runs; ``memory_limit`` as ``parse_memory_limit`` takes it.

    What a fair share of memory is each machine finds for itself.
    """

    threads: int = 1
    memory_limit: str | int = "auto"
    renew_after: int = 300
    grace_s: float = 60.0


@dataclass(frozen=True)
class Facts:
    """What a worker says of itself; ``n_devices`` is None where nobody asked."""

    host: str
    pid: int
    versions: dict[str, str]
    n_devices: int | None = None


@dataclass(frozen=True)
class Stranger:
    """The answer of a worker that has not taken the task: it was started anew meanwhile."""


_used_s: dict[str, float] = {}  # when a task was last asked for
_memory: dict[str, str | int] = {}  # what its trainings may have
_n_running: Counter[str] = Counter()
_lock = threading.Lock()


def admit(key: str, payload: bytes, terms: Terms, *, wants_gpu: bool = False) -> Facts:
    """Take a task and say what this worker has.

    Args:
        key: names the task in the calls to come.
        payload: the task, packed.
        terms: of its trainings.
        wants_gpu: count the CUDA devices.
    """
    memory_bytes = parse_memory_limit(terms.memory_limit, 1)  # each training has its share
    initialize(key, Setup(payload, terms.threads, memory_bytes, terms.renew_after, terms.grace_s))
    with _lock:
        if not _used_s:
            threading.Thread(target=_forget_the_idle, name="idle", daemon=True).start()
        _used_s[key] = time.monotonic()
        _memory[key] = terms.memory_limit
    n_devices = n_cuda() if wants_gpu else None
    return Facts(socket.gethostname(), os.getpid(), versions(), n_devices)


def train(
    key: str,
    training: Training,
    device: str,
    left_s: float | None,
    limit_s: float | None,
    n_sharing: int = 1,
) -> Answer | Stranger:
    """Train once.

    Args:
        key: as ``admit`` had it.
        training: what to train.
        device: as torch names it here.
        left_s: how long there is until the session's end: clocks of machines may be minutes apart.
        limit_s: how long this training may take.
        n_sharing: how many trainings share this machine now: workers come one after another.
    """
    if not is_ready(key):
        return Stranger()
    deadline = None if left_s is None else time.time() + left_s
    with _lock:
        _n_running[key] += 1
        memory_limit = _memory.get(key)
    if memory_limit is not None:
        bound(key, parse_memory_limit(memory_limit, n_sharing))
    try:
        _, answer = run(key, 0, training, device, deadline, limit_s)
    finally:
        with _lock:
            _n_running[key] -= 1
            if key in _used_s:  # else it was dismissed meanwhile
                _used_s[key] = time.monotonic()
    return answer


def dismiss(key: str) -> None:
    """Forget a task, and end the processes that train on it."""
    with _lock:
        _used_s.pop(key, None)
        _memory.pop(key, None)
        _n_running.pop(key, None)
    finish(key)


def _forget_the_idle() -> None:
    """Dismiss tasks that nobody trains on any more, until there is none."""
    while True:
        time.sleep(_LOOK_EVERY_S)
        now = time.monotonic()
        with _lock:
            if not _used_s:
                return
            idle = [
                key
                for key, used_s in _used_s.items()
                if now - used_s > IDLE_S and not _n_running[key]
            ]
        for key in idle:
            dismiss(key)


def n_cuda() -> int:
    """Return how many CUDA devices torch sees here; asked in a process that ends again."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _COUNT], capture_output=True, timeout=_COUNT_S, check=True
        )
        return int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0
