"""Who is there to work: each worker is met, given the task once, and struck off when it goes.

The scheduler tells of comings and goings at once; as such news may be lost with a connection, the
list of workers is also looked at every few seconds. The driver gives each training to one seat (a
worker's thread, with a device of its own where there are devices), so it knows what is lost with a
worker, and nothing queues behind a training that is long.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actsearch.errors import shorten
from actsearch.workers.cluster.link import CONNECT_S, GPU, Link
from actsearch.workers.cluster.remote import Facts, Terms, admit, dismiss
from actsearch.workers.cluster.versions import differences, versions
from actsearch.workers.desk import CPU

#: How often the list of workers is looked at without news.
_LOOK_EVERY_S = 2.0
#: How long the workers may take to forget the task at the end.
_DISMISS_S = 5.0
#: How long a worker may take to take the task; torch may take minutes to say which devices it has.
_ADMIT_S = 300.0
#: What the scheduler calls workers that have just come.
_STARTING = {"created", "init", "starting"}


@dataclass(frozen=True)
class Seat:
    """Where one training runs at a time."""

    worker: str
    device: str


@dataclass(frozen=True)
class Gone:
    """The news that a worker is gone, with all that it had.

    Attributes:
        worker: its address.
        was_lost: False where it left in order, or only the connection broke.
    """

    worker: str
    was_lost: bool = True


class Roster:
    """The workers of a cluster for one task. A context manager: met inside, dismissed at its end.

    Args:
        link: the cluster.
        key: names the task.
        payload: the task, packed.
        terms: of its trainings.
        kind: "cpu" or "cuda".
        tell: called with a ``Gone``, or None where anything else has changed; from any thread.
    """

    def __init__(
        self,
        link: Link,
        *,
        key: str,
        payload: bytes,
        terms: Terms,
        kind: str,
        tell: Callable[[Gone | None], None],
    ) -> None:
        self._link = link
        self._task = (key, payload, terms)
        self._kind = kind
        self._tell = tell
        self._lock = threading.Lock()
        self._met: set[str] = set()  # asked, admitted or refused
        self._seats: dict[str, tuple[Seat, ...]] = {}
        self._hosts: dict[str, str] = {}  # of those that were admitted
        self._refused: dict[str, tuple[str, float]] = {}  # why, and until when
        self._present: set[str] = set()  # and those that are about to be
        self._n_new = self._n_seen = 0  # workers that were heard of; how many before the last look
        self._paused: set[str] = set()  # short of memory: what is sent there does not begin
        self._news = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._watch, name="roster", daemon=True)

    def seats(self) -> list[Seat]:
        """Return where trainings can run now."""
        with self._lock:
            return [
                seat
                for worker, seats in self._seats.items()
                if worker not in self._paused
                for seat in seats
            ]

    def n_sharing(self, worker: str) -> int:
        """Return how many trainings share a worker's machine, as far as is known now."""
        with self._lock:
            return max(1, sum(len(self._seats[other]) for other in self._beside(worker)))

    def host(self, worker: str) -> str:
        """Return the machine of a worker that has or had seats."""
        with self._lock:
            return self._hosts[worker]

    def beside(self, worker: str) -> list[str]:
        """Return the workers that have seats at a worker's machine, itself among them."""
        with self._lock:
            return self._beside(worker)

    def _beside(self, worker: str) -> list[str]:
        host = self._hosts.get(worker)
        return [other for other in self._seats if self._hosts[other] == host]

    def refused(self) -> dict[str, str]:
        """Return the workers that get no work, and why."""
        with self._lock:
            return {worker: reason for worker, (reason, _) in self._refused.items()}

    def rests(self, worker: str) -> bool:
        """Say whether a worker that gets no work will be met anew."""
        with self._lock:
            return worker in self._refused and self._refused[worker][1] < math.inf

    def all_refused(self) -> bool:
        """Say whether there are workers and none of them is of use."""
        with self._lock:
            is_known = self._n_seen == self._n_new
            return is_known and bool(self._present) and self._present <= set(self._refused)

    def refuse(self, worker: str, reason: str, for_s: float = math.inf) -> None:
        """Give a worker no more work; after ``for_s`` it is met anew."""
        with self._lock:
            self._seats.pop(worker, None)
            self._refused[worker] = reason, time.monotonic() + for_s

    def meet_again(self, worker: str) -> None:
        """Take a worker for a new one: it is one, or it has forgotten the task."""
        self._forget(worker)
        with self._lock:
            self._n_new += 1
        self._news.set()

    def _forget(self, worker: str) -> None:
        with self._lock:
            self._met.discard(worker)
            self._seats.pop(worker, None)
            self._refused.pop(worker, None)
            self._present.discard(worker)

    def _watch(self) -> None:
        while not self._over:
            with contextlib.suppress(Exception):  # the link says whether it is lost
                self._look()
            self._news.wait(_LOOK_EVERY_S)
            self._news.clear()

    def _look(self) -> None:
        with self._lock:
            n_new = self._n_new
        if not self._link.is_up:
            # Whoever is there after a new connection is met anew.
            known: dict[str, Any] = {}
        else:
            known = self._link.workers()
        there = {
            worker: facts
            for worker, facts in known.items()
            if facts["status"] in ("running", "paused")
        }
        now = time.monotonic()
        with self._lock:
            for worker in [name for name, (_, end_s) in self._refused.items() if end_s < now]:
                del self._refused[worker]
                self._met.discard(worker)
            gone = self._met - set(there)
            new = {worker: facts for worker, facts in there.items() if worker not in self._met}
            starting = (name for name, facts in known.items() if facts["status"] in _STARTING)
            self._present = {*there, *starting}
            self._n_seen = n_new
            self._paused = {name for name, facts in there.items() if facts["status"] == "paused"}
            self._met |= set(new)
        for worker in gone:
            if self._link.is_up and worker not in known:
                self._ask_why(worker)
            else:  # one that still has a state is about to leave
                self._go(worker, was_lost=False)
        for worker, facts in new.items():
            # Each by itself: a worker that does not answer must not keep out the others.
            asyncio.run_coroutine_threadsafe(
                self._meet(worker, facts), self._link.client.loop.asyncio_loop
            )

    def _go(self, worker: str, *, was_lost: bool) -> None:
        self._forget(worker)
        self._tell(Gone(worker, was_lost))

    def _ask_why(self, worker: str) -> None:
        """Have it found out why a worker is gone, and told."""
        self._forget(worker)
        asyncio.run_coroutine_threadsafe(self._why(worker), self._link.client.loop.asyncio_loop)

    async def _why(self, worker: str) -> None:
        """Find out whether a worker was lost, or ended as its machine's batch system wished.

        Its nanny has told the scheduler then; in the thread of Dask's event loop.
        """
        events: Any = ()
        with contextlib.suppress(Exception):  # nobody knows
            asked = self._link.client.scheduler.events(topic=worker)
            events = await asyncio.wait_for(asked, CONNECT_S)
        said = [event.get("action") for _, event in events if isinstance(event, dict)]
        came = max((n for n, action in enumerate(said) if action == "add-worker"), default=0)
        self._go(worker, was_lost="closing-worker" not in said[came:])

    async def _meet(self, worker: str, facts: dict[str, Any]) -> None:
        """Give a worker the task and hear what it has, in the thread of Dask's event loop."""
        wants_gpu = self._kind != CPU
        if wants_gpu and not facts["resources"].get(GPU):
            reason: str | None = f"it has no resource {GPU} (dask worker --resources {GPU}=1)"
        else:
            answers: dict[str, Any] = {}
            with contextlib.suppress(Exception):  # it does not answer, or it or the link is gone
                asked = self._link.client.run(
                    admit, *self._task, wants_gpu=wants_gpu, workers=[worker], on_error="return"
                )
                answers = await asyncio.wait_for(asked, _ADMIT_S)
            reason = _reason(answers.get(worker), wants_gpu)
        with self._lock:
            if worker not in self._met:  # it is gone already
                return
            if reason is None:
                self._met.discard(worker)  # perhaps it will answer
            elif reason:
                self._refused[worker] = reason, math.inf
            else:
                self._hosts[worker] = str(facts["host"])
                self._seats[worker] = _seats(worker, facts, self._kind)
        self._tell(None)

    def _hear(self, event: tuple[float, Any]) -> None:
        """Take news of the scheduler's; called in the thread of Dask's event loop."""
        news = event[1]
        action = news.get("action") if isinstance(news, dict) else None
        if action == "remove-worker":
            if news.get("expected"):
                self._go(news["worker"], was_lost=False)
            else:
                self._ask_why(news["worker"])
        elif action == "add-worker":
            self.meet_again(news["worker"])

    def __enter__(self) -> Roster:
        self._link.client.subscribe_topic("all", self._hear)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._news.set()
        if self._link.is_up:
            with contextlib.suppress(Exception):
                self._link.client.unsubscribe_topic("all")
            farewell = threading.Thread(target=self._dismiss, daemon=True)
            farewell.start()
            farewell.join(_DISMISS_S)
        self._thread.join(_DISMISS_S)

    def _dismiss(self) -> None:
        with self._lock:
            # Those that rest, or were refused since, have their processes still.
            workers = [worker for worker in self._hosts if worker in self._present]
        if workers:
            with contextlib.suppress(Exception):
                self._link.client.run(dismiss, self._task[0], workers=workers, on_error="ignore")


def _reason(answer: Any, wants_gpu: bool) -> str | None:
    """Return why a worker gets no work, "" where it does, None where it did not answer."""
    if isinstance(answer, Facts):
        differing = differences(versions(), answer.versions)
        if not differing and wants_gpu and not answer.n_devices:
            return f"it has the resource {GPU}, and torch sees no CUDA device in it"
        return differing
    if isinstance(answer, ImportError | AttributeError):
        return f"actsearch is not installed there, or an older one ({shorten(str(answer), 100)})"
    if answer is None or isinstance(answer, OSError):
        return None
    return f"it can't take the task: {type(answer).__name__}: {shorten(str(answer), 100)}"


def _seats(worker: str, facts: dict[str, Any], kind: str) -> tuple[Seat, ...]:
    n_threads = int(facts["nthreads"])
    if kind == CPU:
        return tuple(Seat(worker, CPU) for _ in range(n_threads))
    n = min(n_threads, int(facts["resources"][GPU]))
    return tuple(Seat(worker, f"{kind}:{k}") for k in range(n))
