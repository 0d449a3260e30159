"""The pool of processes on this machine, by joblib's loky.

joblib pulls its tasks from an iterator, also in a thread of its own and while it holds a lock, so
the iterator must never block: when there is no job it yields a tick, a task that does nothing for
a moment. joblib takes as many tasks ahead as there are workers; on a processor these wait for the
next worker, and devices are never taken ahead.

A process that dies takes everything in flight with it, and joblib does not say which training did
it. So what was in flight runs again, one at a time, each in processes of its own, until the culprit
has shown itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from actsearch.errors import ActsearchError, shorten
from actsearch.tasks.protocol import CRASHED, STOPPED, Record, Task
from actsearch.workers.desk import CPU, Desk, Ticket
from actsearch.workers.jobs import Answers, Deadline, NextJob, Wait, no_deadline
from actsearch.workers.remote import Faulty, Unavailable, initialize, run, tick
from actsearch.workers.shipping import pack
from actsearch.workers.training import MachineFault, without_score
from actsearch.workers.watchdog import GRACE_S, Watchdog

#: Trainings a worker does before it is replaced, against memory that leaks.
RENEW_AFTER = 300

#: How long a worker naps while the device that it has just used is given back.
DEVICE_NAP_S = 0.004

#: What joblib calls: a function, its arguments, its named arguments.
_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class ProcessPool:
    """Trainings in ``workers`` processes at once. Implements ``Pool``.

    loky keeps one set of processes for the whole driver, so one stream is read at a time, and
    nothing else in the driver calls joblib meanwhile.

    Args:
        task: what to train on; it is pickled once.
        workers: how many processes train.
        devices: ("cpu",), or devices that each train one candidate at a time.
        threads: how many torch uses in each process.
        renew_after: trainings a worker does before all of them are replaced.
        grace_s: how long after the deadline a training that does not stop is ended.
    """

    def __init__(
        self,
        task: Task,
        *,
        workers: int,
        devices: tuple[str, ...] = (CPU,),
        threads: int = 1,
        renew_after: int = RENEW_AFTER,
        grace_s: float = GRACE_S,
    ) -> None:
        self.n_workers = workers
        self.devices = devices
        self._payload = pack(task)
        self._threads = threads
        self._renew_after = renew_after
        self._grace_s = grace_s
        self._generation = 0
        self._running: Answers | None = None
        # Each tick costs the driver about a millisecond, so many workers tick more slowly.
        self._nap_s = max(0.02, 0.003 * workers)

    def stream(self, next_job: NextJob, *, deadline: Deadline = no_deadline) -> Answers:
        """See ``Pool.stream``."""
        self.close()
        self._running = self._train_all(Desk(next_job, self.devices), deadline)
        return self._running

    def close(self) -> None:
        """See ``Pool.close``."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _train_all(self, desk: Desk, deadline: Deadline) -> Answers:
        try:
            with Watchdog(deadline, desk.n_out, self._grace_s) as watchdog:
                while desk.has_more():
                    try:
                        yield from self._train_together(desk, deadline)
                    except BrokenProcessPool:
                        yield from self._find_culprit(desk, deadline, watchdog)
        finally:
            _end_processes()

    def _train_together(self, desk: Desk, deadline: Deadline) -> Answers:
        """Train with all workers until there are no more jobs, or the workers are due."""
        calls = self._calls(desk, deadline, self._renew_after * self.n_workers)
        with self._started(calls, self.n_workers) as answers:
            for answer in answers:
                if answer is not None:
                    number, record = answer
                    yield desk.settle(number).job, _record(record)

    def _calls(self, desk: Desk, deadline: Deadline, limit: int) -> Iterator[_Call]:
        while limit and (ticket := desk.pull()) is not None:
            if isinstance(ticket, Wait):
                # A device comes back as soon as the driver has read the record.
                yield delayed(tick)(self._nap_s if desk.has_device() else DEVICE_NAP_S)
            else:
                limit -= 1
                yield _call(ticket, deadline)

    def _find_culprit(self, desk: Desk, deadline: Deadline, watchdog: Watchdog) -> Answers:
        """Train what was in flight one at a time; return at the first that kills its process."""
        n_suspects = desk.recall()
        if not n_suspects:
            self._check_start()
        for _ in range(n_suspects):
            if not watchdog.has_bitten:
                self._check_start()
            ticket = desk.pull()
            if not isinstance(ticket, Ticket):
                raise AssertionError("a job that was taken back is there to be pulled")
            begin = time.perf_counter()
            try:
                if watchdog.has_bitten:
                    raise BrokenProcessPool
                record = self._train_alone(ticket, deadline)
            except BrokenProcessPool as error:
                if watchdog.has_bitten:
                    status, message = STOPPED, "it did not stop at its deadline"
                else:
                    status, message = CRASHED, f"the worker process died: {_exit_code(error)}"
                time_s = time.perf_counter() - begin
                record = without_score(ticket.job.training, status, message, ticket.device, time_s)
            yield desk.settle(ticket.number).job, record
            if record.status == CRASHED:
                return

    def _train_alone(self, ticket: Ticket, deadline: Deadline) -> Record:
        """Train one job in the processes that ``_check_start`` has just started."""
        with self._started([_call(ticket, deadline)], 1, anew=False) as answers:
            for _, record in answers:
                return _record(record)
        raise AssertionError("joblib answers every call or raises")

    def _check_start(self) -> None:
        """Start new processes, and see that one of them does nothing without dying of it."""
        try:
            with self._started([delayed(tick)(0.0)], 1) as answers:
                for _ in answers:
                    pass
        except BrokenProcessPool as error:
            raise ActsearchError(
                f"worker processes die as they start ({_exit_code(error)}); is there memory for "
                f"{self.n_workers}? Try fewer (--workers 1 starts none). What was saved is safe"
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
        init = (self._payload, self._threads, os.getpid(), self._generation)
        with (
            _sigint_held(),
            parallel_config(
                backend="loky",
                n_jobs=n_jobs,
                inner_max_num_threads=self._threads,
                initializer=initialize,
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
                    f"can't start {n_jobs} worker processes: {error.strerror or error}; "
                    "try fewer (--workers 1 starts none)"
                ) from error
        try:
            yield answers
        finally:
            # joblib kills what still runs, and warns that it did.
            with warnings.catch_warnings(action="ignore"):
                answers.close()


def _call(ticket: Ticket, deadline: Deadline) -> _Call:
    call: _Call = delayed(run)(ticket.number, ticket.job.training, ticket.device, deadline())
    return call


def _record(answer: Record | Unavailable | Faulty) -> Record:
    if isinstance(answer, Faulty):
        raise MachineFault(answer.reason)
    if isinstance(answer, Unavailable):
        raise ActsearchError(
            f"a worker process can't load the task: {shorten(answer.reason, 300)}; "
            "--workers 1 runs it in this process"
        )
    return answer


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
