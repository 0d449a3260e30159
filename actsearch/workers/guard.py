"""The guard: trains by a process of its own, and answers whatever becomes of that process.

A training may crash its process, hang in it, or eat all memory: the guard ends the process, starts
another, tries again (a process may also die of something else than its training) and at last
answers with a record that says what it was. It is the only one who loses anything by that: other
trainings run under guards of their own.
"""

from __future__ import annotations

import errno
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import ActsearchError, MachineFault, lack, shorten
from actsearch.tasks.protocol import CRASHED, STOPPED, TIMEOUT, Record, Training
from actsearch.workers.charge import Charge, Lost, Setup
from actsearch.workers.child import FAULT, READY, RECORD, UNAVAILABLE
from actsearch.workers.limits import START_S
from actsearch.workers.memory import family_bytes, taken_bytes
from actsearch.workers.training import checked, without_score

#: How often a training is tried that kills its process, and one that hangs.
TRIES, TRIES_TO_END = 3, 2

#: What the system lacks for the moment, and how long to wait each time until it may be there again.
_PASSES = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
_PAUSES_S = (0.2, 1.0, 3.0, 10.0)

#: How often to look at the memory of what a training started: it takes longer than a look at one.
_FAMILY_EVERY_S = 0.2

#: A process that has grown by so much since its first trainings leaks, and is renewed.
GROWN_BYTES = 2**29
_FIRST_TRAININGS = 3


@dataclass(frozen=True)
class Unavailable:
    """The answer where the task can't be loaded: no fault of the candidate's."""

    reason: str


@dataclass(frozen=True)
class Faulty:
    """The answer where the machine failed: no fault of the candidate's either."""

    reason: str


Answer = Record | Unavailable | Faulty


def longest_s(limit_s: float | None) -> float:
    """Return how long a guard may take over a training of the limit ``limit_s``."""
    # Each try may start a process; a second one that takes too long has twice the time.
    return math.inf if limit_s is None else TRIES * START_S + (TRIES + 1) * limit_s


class _TooLong(Lost):
    """It was ended at the limit of a training."""


class _TooLarge(Lost):
    """It was ended at the limit of memory."""


class _Late(Lost):
    """It was ended at the end of the session."""


class _Closed(Lost):
    """It was ended with its guard."""


class _NotStarted(Exception):
    """The system starts no process; the text says why."""


class Guard:
    """Trains one at a time. Nothing is started before the first training.

    Args:
        setup: what to train on and within which bounds.
        start: starts a process.
    """

    def __init__(self, setup: Setup, start: Callable[[Setup], Charge] = Charge) -> None:
        self._setup = setup
        self._start = start
        self._charge: Charge | None = None
        self._is_ready = False
        self._first_bytes: int | None = None
        self._n_asked = 0
        self._family_s = 0.0
        self._closed = threading.Event()
        self._trains = False
        self._lock = threading.Lock()  # held for no longer than it takes to look at both

    def train(
        self,
        training: Training,
        device: str = "cpu",
        deadline: float | None = None,
        limit_s: float | None = None,
    ) -> Answer:
        """Train once, whatever it costs the process.

        Args:
            training: formula, rung and seed.
            device: as torch names it.
            deadline: the ``time.time()`` value at which trainings stop, or None.
            limit_s: how long it may take; None: as long as it does. Tried again after that, it
                may take twice as long.

        Returns:
            Its record; of status "crashed" or "timeout" where it never came to an end.
        """
        with self._lock:
            self._trains = True
        try:
            return self._train(training, device, deadline, limit_s)
        finally:
            with self._lock:
                self._trains = False
                is_closed = self._closed.is_set()
            if is_closed:
                self._end()

    def _train(
        self, training: Training, device: str, deadline: float | None, limit_s: float | None
    ) -> Answer:
        begin = time.perf_counter()
        why, n_long, n_tries = Lost(""), 0, 0
        while n_tries < TRIES and n_long < TRIES_TO_END:
            if n_tries and deadline is not None and time.time() >= deadline:
                why = _Late("the session ended before it could be tried again")
                break
            n_tries += 1
            is_fresh = self._charge is None
            limit = None if limit_s is None else limit_s * 2**n_long
            try:
                answer = self._attempt(training, device, deadline, limit)
            except _NotStarted as error:
                return Faulty(f"no process can be started: {error}")
            except OSError as error:
                self._end()
                if n_tries == TRIES:
                    return Faulty(f"a process that trains can't be spoken with: {lack(error)}")
            except _Closed as closed:
                return Unavailable(str(closed))
            except Lost as lost:
                was_ready = self._is_ready
                self._end()
                why = lost
                n_long += isinstance(lost, _TooLong)
                if isinstance(lost, _Late) or (isinstance(lost, _TooLarge) and is_fresh):
                    break
                if not was_ready and n_tries == TRIES:
                    return Unavailable(f"the process that trains dies as it starts: {lost}")
            except BaseException:  # Ctrl-C, or the end of this process
                self._end()
                raise
            else:
                if isinstance(answer, Faulty) and not is_fresh:
                    self._end()  # what came before may have used up what this one lacked
                    continue
                self._renew()
                return answer
        status, message = _verdict(why, n_tries)
        return without_score(training, status, message, device, time.perf_counter() - begin)

    def bound(self, memory_bytes: int | None) -> None:
        """Set how much memory the trainings to come may take; called while none runs."""
        self._setup = replace(self._setup, memory_bytes=memory_bytes)

    def close(self) -> None:
        """End the process, for good; a training in another thread ends it itself, in a moment."""
        with self._lock:
            self._closed.set()
            if self._trains:
                return
        self._end()

    def _attempt(
        self, training: Training, device: str, deadline: float | None, limit_s: float | None
    ) -> Answer:
        """Train once in the process there is, or in a new one."""
        self._check_open()
        if self._charge is None:
            self._charge = self._started(deadline)
            self._is_ready, self._first_bytes = False, None
            self._check_open()
        charge = self._charge
        self._n_asked += 1
        charge.ask(training, self._n_asked, device, deadline)
        begin_s = time.monotonic()

        def look() -> None:
            self._check_open()
            if deadline is not None and time.time() > deadline + self._setup.grace_s:
                raise _Late("it did not stop at its deadline")
            # A clock that stands still while a laptop sleeps.
            taken_s = time.monotonic() - begin_s
            if not self._is_ready:
                if taken_s > START_S:
                    raise Lost(f"it did not open the task in {format_duration(START_S)}")
            elif limit_s is not None and taken_s > limit_s:
                raise _TooLong(f"it took longer than {_seconds(limit_s)}")
            self._check_memory(charge)

        message = charge.receive(look)
        if not self._is_ready:
            if message.get("kind") == UNAVAILABLE:
                self._end()
                return Unavailable(str(message.get("reason")))
            if message.get("kind") != READY:
                raise Lost("it sent another message than that it is ready")
            self._is_ready, begin_s = True, time.monotonic()
            message = charge.receive(look)
        answer = _answer(message, self._n_asked, training)
        charge.n_trained += 1
        return answer

    def _started(self, deadline: float | None) -> Charge:
        """Start a process; what the system lacks now, it may have in a moment."""
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._start(self._setup)
            except OSError as error:
                if pause_s is None or error.errno not in _PASSES:
                    raise _NotStarted(lack(error)) from error
                left_s = math.inf if deadline is None else deadline - time.time()
                if left_s <= 0:
                    raise _Late(f"no process could be started: {lack(error)}") from error
            self._closed.wait(min(pause_s, left_s))
            self._check_open()
        raise AssertionError("the last try returns or raises")

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise _Closed("the workers were closed")

    def _check_memory(self, charge: Charge) -> None:
        limit = self._setup.memory_bytes
        if limit is None or charge.pid is None:
            return
        taken = taken_bytes(charge.pid)
        if (taken or 0) <= limit and time.monotonic() >= self._family_s:
            self._family_s = time.monotonic() + _FAMILY_EVERY_S
            taken = family_bytes(charge.keeper, limit)
        if taken is not None and taken > limit:
            raise _TooLarge(
                f"it took {taken / 2**20:,.0f} MB of memory, and the limit is "
                f"{limit / 2**20:,.0f} MB (--memory-limit)"
            )

    def _renew(self) -> None:
        """End a process that has trained long enough, or grown; another will be started."""
        charge = self._charge
        if charge is None:
            return
        taken = None if charge.pid is None else taken_bytes(charge.pid)
        if taken is not None and charge.n_trained <= _FIRST_TRAININGS:
            self._first_bytes = taken
        if charge.n_trained >= self._setup.renew_after or self._has_grown(taken):
            self._end()

    def _has_grown(self, taken: int | None) -> bool:
        first, limit = self._first_bytes, self._setup.memory_bytes
        if taken is None or first is None:
            return False
        # What the process keeps is taken from what its next training may have.
        most = GROWN_BYTES if limit is None else min(GROWN_BYTES, max(0, limit - first) // 2)
        return taken > first + most

    def _end(self) -> None:
        charge, self._charge = self._charge, None
        if charge is not None:
            charge.end()


def record_of(answer: Answer) -> Record:
    """Return the record of an answer.

    Raises:
        MachineFault: the disk, the files or the data failed.
        ActsearchError: the task can't be loaded, or no process be started.
    """
    if isinstance(answer, Faulty):
        raise MachineFault(answer.reason)
    if isinstance(answer, Unavailable):
        raise ActsearchError(
            f"a worker process can't load the task: {shorten(answer.reason, 300)}; "
            "--workers inline trains in the program's own process, for a look at it"
        )
    return answer


def _answer(message: dict[str, Any], number: int, training: Training) -> Record | Faulty:
    """Return what a message answers; the memory of who sent it may have been overwritten.

    Raises:
        Lost: it is no answer to this training.
    """
    if message.get("number") != number:
        raise Lost("it answered another training than it was asked for")
    if message.get("kind") == FAULT:
        return Faulty(str(message.get("reason")))
    fields = message.get("record")
    try:
        if message.get("kind") != RECORD or not isinstance(fields, dict):
            raise TypeError("no record")
        record = Record(formula=training.formula, rung=training.rung, seed=training.seed, **fields)
        return checked([record], training)
    except Exception as error:
        raise Lost(f"it sent no proper record ({type(error).__name__})") from error


def _verdict(why: Lost, n_tries: int) -> tuple[str, str]:
    """Return the status and the message of a training that came to no end."""
    if isinstance(why, _Late):
        return STOPPED, str(why)
    if isinstance(why, _TooLong):
        return TIMEOUT, f"{why}, as before with half of that" if n_tries > 1 else str(why)
    tried = "" if n_tries == 1 else f" (tried {n_tries} times)"
    return CRASHED, shorten(f"the process that trains is gone: {why}{tried}", 400)


def _seconds(limit_s: float) -> str:
    return f"{limit_s:g}s" if limit_s < 60 else format_duration(limit_s)
