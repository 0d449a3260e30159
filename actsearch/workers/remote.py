"""What runs inside a worker process.

A worker lives as long as its driver and answers for one training at a time. Its state is the task,
which comes once, pickled, when the process starts, and is opened at the first training.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass

from actsearch.tasks.protocol import CompilesAhead, Record, Task, Training
from actsearch.workers.shipping import unpack
from actsearch.workers.training import MachineFault, train_one

#: How often a worker looks whether its driver is alive.
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Unavailable:
    """The answer of a worker that can't load the task: no fault of the candidate's."""

    reason: str


@dataclass(frozen=True)
class Faulty:
    """The answer of a worker whose disk or data failed: no fault of the candidate's either."""

    reason: str


@dataclass
class _State:
    payload: bytes = b""
    threads: int = 1
    task: Task | None = None
    frozen: bool = False


_state = _State()


def initialize(payload: bytes, threads: int, driver_pid: int, generation: int) -> None:  # noqa: ARG001
    """Prepare this process; it must not raise, for a pool that can't start says little of why.

    Args:
        payload: the task, packed.
        threads: how many torch may use.
        driver_pid: whose child this process is.
        generation: which pool this is; joblib starts new processes when an argument differs.
    """
    # Ctrl-C reaches the whole process group; only the driver is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Standard output belongs to the driver, who may be writing JSON to it.
    with contextlib.suppress(OSError):
        os.dup2(2, 1)
    # loky's workers dump a traceback over the progress display when they crash. The record says
    # what happened; a variable that is set, and empty, keeps faulthandler off.
    os.environ["PYTHONFAULTHANDLER"] = ""
    threading.Thread(target=_end_with, args=(driver_pid,), daemon=True).start()
    _state.payload, _state.threads, _state.task = payload, threads, None


def tick(nap_s: float) -> None:
    """Do nothing for a moment: what a worker gets while there is no job for it."""
    time.sleep(nap_s)


def run(
    number: int, training: Training, device: str, deadline: float | None
) -> tuple[int, Record | Unavailable | Faulty]:
    """Train once and return the ticket's number with the record."""
    if _state.task is None:
        try:
            _state.task = unpack(_state.payload)
            if isinstance(_state.task, CompilesAhead):
                # What the driver has said of compilers need not come from every worker as well.
                warnings.filterwarnings("ignore", module=r"actsearch\.kernels")
        except Exception as error:  # noqa: BLE001 - whatever a user's module does when imported
            return number, Unavailable(f"{type(error).__name__}: {error}")
    _pin_threads()
    try:
        return number, train_one(_state.task, training, device, deadline)
    except MachineFault as fault:
        return number, Faulty(str(fault.args[0]))
    finally:
        _freeze()


def _freeze() -> None:
    """Keep the collector from what the first training imported.

    loky collects garbage after every task of a second or more, and to walk all of torch and SymPy
    took 0.16 s each time: a seventh of a search.
    """
    if not _state.frozen:
        gc.collect()
        gc.freeze()
        _state.frozen = True


def _pin_threads() -> None:
    # A task that imports torch only when it trains gets the number from OMP_NUM_THREADS, which
    # joblib sets for its workers.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(_state.threads)


def _end_with(driver_pid: int) -> None:
    """End this process when its driver is gone, however the driver ended."""
    while os.getppid() == driver_pid:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)
