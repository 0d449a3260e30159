"""One stream of jobs over a cluster: out to free seats, and each answered once.

A job whose worker is gone, or can't train, goes out again before anything else. Nothing here waits
for a single worker: the driver takes what comes (an answer, a worker that came or went) and looks
at the clock in between. So a worker that dies, hangs or lies behind a broken network costs at most
its own trainings.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from actsearch.errors import MachineFault, WorkersGone, shorten
from actsearch.tasks.protocol import CRASHED, STOPPED, Record
from actsearch.workers.cluster.address import ELSEWHERE
from actsearch.workers.cluster.link import GPU, Link
from actsearch.workers.cluster.remote import Stranger, train
from actsearch.workers.cluster.roster import Gone, Roster, Seat
from actsearch.workers.cluster.versions import listed
from actsearch.workers.desk import CPU, Desk, Ticket
from actsearch.workers.guard import Faulty, Unavailable, longest_s
from actsearch.workers.jobs import Answers, Deadline, Job
from actsearch.workers.limits import TrainingLimit
from actsearch.workers.training import without_score

#: A training that has lost more workers than this is not handed out again.
MAX_LOSSES = 4

#: How long a machine gets no work after a fault there, which may pass as a full disk does. Each
#: further one doubles it, so many times at most.
REST_S, DOUBLINGS = 30.0, 7

_NAP_S, _LOOK_EVERY_S = 0.02, 0.5

#: A round that took longer found the driver stopped (Ctrl-Z, a container that is paused), or busy.
_ROUND_S = 5.0


@dataclass(frozen=True)
class _Out:
    """A job at a worker; what is let go of is forgotten there."""

    ticket: Ticket
    seat: Seat
    future: Any  # Dask's
    follower: Future[None]
    begin_s: float
    late_s: float  # by when, as ``_Awake`` counts, one that can keep the limit has answered


@dataclass(frozen=True)
class _Answer:
    """What came back for a ticket: an answer, or the exception in its place."""

    number: int
    value: Any


class _Awake:
    """A clock that stands still while the driver does: what is silent then may well have answered.

    Attributes:
        now_s: the time of the latest round.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self._woke_s = -math.inf
        self._round_s = time.monotonic()

    def tick(self) -> None:
        """Begin a round."""
        now_s = time.monotonic()
        passed_s = now_s - self._round_s
        self._round_s = now_s
        self.now_s += min(passed_s, _ROUND_S)
        if passed_s > _ROUND_S:
            self._woke_s = self.now_s

    def is_up_to_date(self) -> bool:
        """Say whether what came meanwhile has had the time to be heard."""
        return self.now_s - self._woke_s > _ROUND_S


class Stream:
    """The state of one stream; ``answers`` is read once, in one thread.

    Args:
        link: the cluster.
        roster: its workers, met and given the task.
        desk: what is out, and what is next.
        news: where the roster tells of workers, and followers of answers.
        deadline: when trainings are to stop.
        key: names the task.
        most: how many jobs are out at most.
        limit: how long a training may take.
        grace_s: how long after the deadline a training is waited for.
        patience_s: how long to go on without a worker.
    """

    def __init__(
        self,
        link: Link,
        roster: Roster,
        desk: Desk,
        news: queue.SimpleQueue[Any],
        deadline: Deadline,
        *,
        key: str,
        most: int,
        limit: TrainingLimit,
        grace_s: float,
        patience_s: float,
    ) -> None:
        self._link = link
        self._roster = roster
        self._desk = desk
        self._news = news
        self._deadline = deadline
        self._key = key
        self._most = most
        self._limit = limit
        self._grace_s = grace_s
        self._patience_s = patience_s
        self._out: dict[int, _Out] = {}
        self._losses: Counter[Job] = Counter()
        self._n_faults: Counter[str] = Counter()  # of workers, since they last trained anything
        self._faulty_at: dict[Job, str] = {}
        self._told: set[str] = set()
        self._awake = _Awake()
        self._worked_s = 0.0  # when there last was a seat
        self._lost_s = -math.inf  # when a worker last went

    def answers(self) -> Answers:
        """Yield each job with its record, until there are no more.

        Raises:
            WorkersGone: the scheduler is gone, or there is nobody to train.
            MachineFault: disk or data failed on two machines under the same training.
        """
        looked_s = 0.0
        while True:
            self._awake.tick()
            waits = self._hand_out()
            yield from self._stop_the_rest()
            if not self._out and not self._desk.has_more():
                return
            try:
                event = self._news.get(timeout=_NAP_S if waits else _LOOK_EVERY_S)
            except queue.Empty:
                event = None
            if isinstance(event, _Answer):
                yield from self._take(event)
            elif isinstance(event, Gone):
                yield from self._lose(event)
            if self._awake.now_s - looked_s > _LOOK_EVERY_S or not isinstance(event, _Answer):
                looked_s = self._awake.now_s
                self._check()
                yield from self._overdue()

    def clear(self) -> None:
        """Let go of all that is out."""
        for number in list(self._out):
            self._drop(number)

    def _hand_out(self) -> bool:
        """Send jobs to free seats; say whether one is left and the search may soon fill it."""
        if not self._link.is_up:
            return False
        busy = {out.seat for out in self._out.values()}
        counts = Counter(out.seat.worker for out in self._out.values())
        taken = Counter(out.seat for out in self._out.values())
        free: list[Seat] = []
        for seat in self._roster.seats():
            if taken[seat] > 0:  # equal seats of a worker with several threads
                taken[seat] -= 1
            elif seat.device == CPU or seat not in busy:
                free.append(seat)
        free.sort(key=lambda seat: counts[seat.worker])
        for _ in range(min(len(free), self._most - len(self._out))):
            ticket = self._desk.pull()
            if not isinstance(ticket, Ticket):
                return ticket is not None
            failed_at = self._faulty_at.get(ticket.job)
            elsewhere = (seat for seat in free if not self._is_there(seat.worker, failed_at))
            seat = next(elsewhere, free[0])
            free.remove(seat)
            self._send(ticket, seat)
        return False

    def _is_there(self, worker: str, other: str | None) -> bool:
        """Say whether two workers are on one machine."""
        return other is not None and self._roster.host(worker) == self._roster.host(other)

    def _stop_the_rest(self) -> Iterator[tuple[Job, Record]]:
        """Past the deadline answer what is next where there is no worker to ask, nor any wait."""
        deadline = self._deadline()
        if deadline is None or time.time() < deadline or self._out:
            return
        if self._link.is_up and self._roster.seats():
            return
        while isinstance(ticket := self._desk.pull(), Ticket):
            message = "the session ended while there was no worker"
            record = without_score(ticket.job.training, STOPPED, message, ticket.device, 0.0)
            yield self._desk.settle(ticket.number).job, record

    def _send(self, ticket: Ticket, seat: Seat) -> None:
        deadline, limit_s = self._deadline(), self._limit.of(ticket.job.training.rung)
        future = self._link.client.submit(
            train,
            self._key,
            ticket.job.training,
            seat.device,
            None if deadline is None else deadline - time.time(),
            limit_s,
            self._roster.n_sharing(seat.worker),
            workers=[seat.worker],
            allow_other_workers=False,
            # The driver leases seats; the resource keeps other drivers off the device, too.
            resources=None if seat.device == CPU else {GPU: 1},
            pure=False,
        )
        follower = asyncio.run_coroutine_threadsafe(
            self._follow(ticket.number, future), self._link.client.loop.asyncio_loop
        )
        late_s = self._awake.now_s + longest_s(limit_s)
        self._out[ticket.number] = _Out(ticket, seat, future, follower, time.perf_counter(), late_s)

    async def _follow(self, number: int, future: Any) -> None:
        """Wait for an answer, in the thread of Dask's event loop."""
        try:
            value = await self._link.client.gather(future, asynchronous=True)
        except asyncio.CancelledError as error:
            if future.cancelled():
                self._news.put(_Answer(number, error))
            raise
        except Exception as error:  # noqa: BLE001 - whatever befell it there
            value = error
        self._news.put(_Answer(number, value))

    def _take(self, answer: _Answer) -> Iterator[tuple[Job, Record]]:
        out, value = self._out.get(answer.number), answer.value
        if out is None:
            return  # it was put back meanwhile
        if isinstance(value, Record):
            self._limit.saw(value)
            self._n_faults.pop(out.seat.worker, None)
            self._faulty_at.pop(out.ticket.job, None)
            self._drop(answer.number)
            yield self._desk.settle(answer.number).job, value
            return
        if isinstance(value, Stranger):
            self._roster.meet_again(out.seat.worker)
        elif isinstance(value, Faulty):
            self._blame(out, value.reason)
            for worker in self._roster.beside(out.seat.worker):
                self._rest(worker, f"it can't go on: {value.reason}")
        elif isinstance(value, Unavailable):
            self._rest(out.seat.worker, f"it can't load the task: {value.reason}")
        elif type(value).__name__ == "KilledWorker":
            yield from self._count_loss(answer.number)
            return
        elif type(value).__name__ == "CommClosedError":
            pass  # the link to the scheduler broke under the answer
        elif not isinstance(value, asyncio.CancelledError | FutureCancelled):
            self._refuse(out.seat.worker, f"it can't train: {type(value).__name__}: {value}")
        self._put_back(answer.number)

    def _blame(self, out: _Out, reason: str) -> None:
        """Count a fault of a job's: what is one on two machines ends the session, as it does here.

        Raises:
            MachineFault: it is the second machine.
        """
        before = self._faulty_at.setdefault(out.ticket.job, out.seat.worker)
        if not self._is_there(out.seat.worker, before):
            raise MachineFault(f"{before} and {out.seat.worker}: {reason}")

    def _rest(self, worker: str, reason: str) -> None:
        """Give a worker no work for a while."""
        if worker in self._roster.refused():
            return  # another thread of it has said so
        self._refuse(worker, reason, REST_S * 2 ** min(self._n_faults[worker], DOUBLINGS))
        self._n_faults[worker] += 1

    def _lose(self, gone: Gone) -> Iterator[tuple[Job, Record]]:
        self._lost_s = self._awake.now_s
        for number in [n for n, out in self._out.items() if out.seat.worker == gone.worker]:
            if gone.was_lost:
                yield from self._count_loss(number)
            else:
                self._put_back(number)

    def _count_loss(self, number: int) -> Iterator[tuple[Job, Record]]:
        """Put a job back whose worker is gone; too often, and the job is what ends workers."""
        out = self._out[number]
        job = out.ticket.job
        self._losses[job] += 1
        if self._losses[job] <= MAX_LOSSES:
            self._put_back(number)
            return
        message = f"the worker was lost while it trained, {self._losses[job]} times"
        time_s = time.perf_counter() - out.begin_s
        record = without_score(job.training, CRASHED, message, out.seat.device, time_s)
        self._drop(number)
        yield self._desk.settle(number).job, record

    def _overdue(self) -> Iterator[tuple[Job, Record]]:
        """Give up workers that answer neither at a training's limit nor at the deadline."""
        if not self._awake.is_up_to_date():
            return
        for number, out in list(self._out.items()):
            if self._awake.now_s > out.late_s:
                self._refuse(out.seat.worker, "a training there ended long after its limit")
                yield from self._count_loss(number)
        deadline = self._deadline()
        if deadline is None or time.time() < deadline + self._grace_s:
            return
        for number, out in list(self._out.items()):
            self._refuse(out.seat.worker, "a training there did not stop at its deadline")
            time_s = time.perf_counter() - out.begin_s
            message = "it did not stop at its deadline"
            record = without_score(
                out.ticket.job.training, STOPPED, message, out.seat.device, time_s
            )
            self._drop(number)
            yield self._desk.settle(number).job, record

    def _check(self) -> None:
        """Raise where there is nobody to train, and is not likely to be."""
        refused = self._roster.refused()
        # Where nobody else comes this ends, and says it then.
        new = sorted(set(refused) - self._told) if self._roster.seats() else []
        self._told.update(new)
        for rest, for_now in ((True, " for now"), (False, "")):
            if told := [one for one in new if self._roster.rests(one) == rest]:
                who = "a worker" if len(told) == 1 else f"{len(told)} workers"
                why = listed((worker, refused[worker]) for worker in told)
                gets = "gets" if len(told) == 1 else "get"
                warnings.warn(f"{who} of the cluster {gets} no work{for_now}: {why}", stacklevel=2)
        if self._link.is_lost:
            raise WorkersGone(
                f"the connection to the scheduler at {self._link.cluster} is lost: start it again, "
                f"{ELSEWHERE}"
            )
        now = self._awake.now_s
        if self._roster.seats():
            self._worked_s = now
            return
        since = now - self._worked_s
        # One that has just gone may come back; those that are refused stay so.
        useless = self._roster.all_refused() and now - self._lost_s > self._patience_s
        if useless or since > self._patience_s:
            why = f": {listed(refused.items())}" if refused else ""
            raise WorkersGone(
                f"no worker of the cluster at {self._link.cluster} can train{why}: start some, "
                f"{ELSEWHERE}"
            )

    def _refuse(self, worker: str, reason: str, for_s: float = math.inf) -> None:
        self._roster.refuse(worker, shorten(reason, 300), for_s)

    def _put_back(self, number: int) -> None:
        self._drop(number)
        self._desk.put_back(number)

    def _drop(self, number: int) -> None:
        out = self._out.pop(number)
        if out.follower.done():
            out.future.release()
            return
        with contextlib.suppress(Exception):  # the link may be gone, and all with it
            self._link.client.cancel([out.future])  # which ends the follower as well
