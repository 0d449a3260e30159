"""The pool of processes on this machine, by joblib's loky.

joblib pulls its tasks from an iterator, also in a thread of its own and while it holds a lock, so
the iterator must never block: when there is no job it yields a tick, a task that does nothing for
a moment. joblib takes as many tasks ahead as there are workers; on a processor these wait for the
next worker, and devices are never taken ahead.

A worker is a guard (``guard.py``): what a training does to its process never reaches it. Should a
worker die all the same, all that is in flight is lost with it, and joblib does not say whose fault
it was. So what was in flight goes out again; and what was in flight twice when that happened runs
alone, each in workers of its own, until the culprit has shown itself.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from actsearch.errors import ActsearchError, lack, shorten
from actsearch.tasks.protocol import CRASHED, Record
from actsearch.workers.charge import Setup
from actsearch.workers.desk import CPU, Desk, Ticket
from actsearch.workers.guard import record_of
from actsearch.workers.jobs import Answers, Deadline, Job, NextJob, Wait
from actsearch.workers.limits import TrainingLimit
from actsearch.workers.remote import initialize_process, run, tick
from actsearch.workers.streaming import Streaming
from actsearch.workers.training import without_score
from actsearch.workers.watchdog import Watchdog

#: A job that was in flight so often when workers died runs alone, and so often at last crashed.
ALONE_AFTER, CRASHED_AFTER = 2, 5

#: How long a worker naps while the device that it has just used is given back.
DEVICE_NAP_S = 0.004

#: What joblib calls: a function, its arguments, its named arguments.
_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class ProcessPool(Streaming):
    """Trainings in ``workers`` processes at once. Implements ``Pool``.

    loky keeps one set of processes for the whole driver, so one stream is read at a time, and
    nothing else in the driver calls joblib meanwhile.

    Args:
        setup: what to train on, and within which bounds.
        limit: how long a training may take.
        workers: how many processes train.
        devices: ("cpu",), or devices that each train one candidate at a time.
    """

    def __init__(
        self,
        setup: Setup,
        limit: TrainingLimit,
        *,
        workers: int,
        devices: tuple[str, ...] = (CPU,),
    ) -> None:
        self.n_workers = workers
        self.devices = devices
        self._setup = setup
        self._limit = limit
        self._key = uuid.uuid4().hex
        self._generation = 0
        self._n_breaks: Counter[Job] = Counter()
        # Each tick costs the driver about a millisecond, so many workers tick more slowly.
        self._nap_s = max(0.02, 0.003 * workers)

    def _train_all(self, next_job: NextJob, deadline: Deadline) -> Answers:
        desk = Desk(next_job, self.devices)
        try:
            with Watchdog(deadline, self._setup.grace_s, self.n_workers) as watchdog:
                while desk.has_more():
                    try:
                        yield from self._train_together(desk, deadline, watchdog)
                    except BrokenProcessPool:
                        yield from self._go_on(desk, deadline, watchdog)
        finally:
            _end_processes()

    def _train_together(self, desk: Desk, deadline: Deadline, watchdog: Watchdog) -> Answers:
        """Train with all workers until there are no more jobs."""
        calls = self._calls(desk, deadline, watchdog)
        with self._started(calls, self.n_workers) as answers:
            for number, record in answers:
                watchdog.heard(number)
                if record is not None:
                    yield desk.settle(number).job, self._record(record)

    def _calls(self, desk: Desk, deadline: Deadline, watchdog: Watchdog) -> Iterator[_Call]:
        numbers = itertools.count(-1, -1)  # tickets have the others
        while (ticket := desk.pull()) is not None:
            if isinstance(ticket, Wait):
                number = next(numbers)
                watchdog.sent_tick(number)
                # A device comes back as soon as the driver has read the record.
                yield delayed(tick)(self._nap_s if desk.has_device() else DEVICE_NAP_S, number)
            else:
                yield self._call(ticket, deadline, watchdog)

    def _call(self, ticket: Ticket, deadline: Deadline, watchdog: Watchdog) -> _Call:
        training = ticket.job.training
        limit_s = self._limit.of(training.rung)
        watchdog.sent(ticket.number, limit_s)
        call: _Call = delayed(run)(
            self._key, ticket.number, training, ticket.device, deadline(), limit_s
        )
        return call

    def _record(self, answer: Any) -> Record:
        record = record_of(answer)
        self._limit.saw(record)
        return record

    def _go_on(self, desk: Desk, deadline: Deadline, watchdog: Watchdog) -> Answers:
        """Put back what was in flight as workers died; train it here if that is not the first time.

        Each job in flight counts one more, so this ends.
        """
        watchdog.forget()
        lost = desk.recall()
        self._n_breaks.update(lost)
        self._check_start()
        if max((self._n_breaks[job] for job in lost), default=0) < ALONE_AFTER:
            return
        for _ in lost:
            ticket = desk.pull()
            if not isinstance(ticket, Ticket):
                raise AssertionError("a job that was taken back is there to be pulled")
            record = self._train_alone(ticket, deadline, watchdog)
            yield desk.settle(ticket.number).job, record

    def _train_alone(self, ticket: Ticket, deadline: Deadline, watchdog: Watchdog) -> Record:
        """Train one job in workers of its own, in new ones if they die."""
        begin = time.perf_counter()
        why = ""
        while self._n_breaks[ticket.job] < CRASHED_AFTER:
            call = self._call(ticket, deadline, watchdog)
            try:
                with self._started([call], 1, anew=False) as answers:
                    for _, record in answers:
                        return self._record(record)
            except BrokenProcessPool as error:
                self._n_breaks[ticket.job] += 1
                self._check_start()
                why = _exit_code(error)
            finally:
                watchdog.forget()
        message = f"it took its worker with it, time and again: {why}"
        time_s = time.perf_counter() - begin
        return without_score(ticket.job.training, CRASHED, message, ticket.device, time_s)

    def _check_start(self) -> None:
        """Start new processes, and see that one of them does nothing without dying of it."""
        try:
            with self._started([delayed(tick)(0.0)], 1) as answers:
                for _ in answers:
                    pass
        except BrokenProcessPool as error:
            raise ActsearchError(
                f"worker processes die as they start ({_exit_code(error)}); is there memory for "
                f"{self.n_workers}? Try fewer. What was saved is safe"
            ) from error

    @contextlib.contextmanager
    def _started(
        self, calls: Iterable[_Call], n_slots: int, *, anew: bool = True
    ) -> Iterator[Generator[Any, None, None]]:
        """Have joblib make ``calls``, ``n_slots`` at a time, inside a ``with`` block.

        Args:
            calls: pulled as slots become free.
            n_slots: how many are in flight.
            anew: start new processes instead of those there are.
        """
        self._generation += anew
        # One worker would make joblib call in this process: then there are two, and one idles.
        n_jobs = max(2, n_slots)
        init = (self._key, self._setup, os.getpid(), self._generation)
        with (
            _sigint_held(),
            parallel_config(
                backend="loky",
                n_jobs=n_jobs,
                inner_max_num_threads=self._setup.threads,
                initializer=initialize_process,
                initargs=init,
            ),
        ):
            parallel = Parallel(
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch=n_slots,
                max_nbytes=None,
            )
            try:
                answers = parallel(iter(calls))
            except OSError as error:
                raise ActsearchError(
                    f"can't start {n_jobs} worker processes: {lack(error)}"
                ) from error
        try:
            yield answers
        finally:
            # joblib kills what still runs, and warns that it did.
            with warnings.catch_warnings(action="ignore"):
                answers.close()


def _exit_code(error: BrokenProcessPool) -> str:
    # loky's message runs over many lines; the codes, like SIGSEGV(-11), are what it has to say.
    codes = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    return codes[1] if codes and codes[1] else shorten(str(error), 200) or "for no known reason"


def _end_processes() -> None:
    with warnings.catch_warnings(action="ignore"):
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


@contextlib.contextmanager
def _sigint_held() -> Iterator[None]:
    """Keep SIGINT from what is started inside the block, until it can ignore it by itself."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
