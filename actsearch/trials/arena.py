"""Where trials are run: one task at its full length, one split, workers, and a queue of trainings.

What confirms and what compares both train formulas on fresh seeds through this file. Seeds go in
the outer loop, so that wherever it ends all formulas have got about as far.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from actsearch.tasks.ahead import compiling_ahead
from actsearch.tasks.protocol import STOPPED, Record, Task, Training
from actsearch.workers import WAIT, Job, Pool, Slots, Wait, pool_for

#: Torch threads of one training, as in a search.
THREADS = 1
#: A compiler call takes so many formulas at once.
BATCH = 16

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class Arena:
    """A task as trials use it, and the split that its scores are measured on.

    ``task`` trains at the rung ``rung``; its ``score_name`` names the scores.
    """

    task: Task
    rung: str
    split: str

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.name


def arena_of(task: Task, *, test: bool = True, curve: bool = True) -> Arena:
    """Return the arena of a task: its test split where it has one, else its validation split.

    Args:
        task: as ``load_task`` gives it.
        test: open the test split; False: the validation split in any case.
        curve: keep learning curves where the test split is scored; see ``held_out_task``.
    """
    from actsearch.tasks.heldout import has_test_split, held_out_task

    if test and has_test_split(task):
        task = held_out_task(task, curve=curve)
        return Arena(task, task.rungs[-1].name, TEST)
    return Arena(task, task.rungs[-1].name, VALIDATION)


@dataclass(frozen=True)
class Wanted:
    """One training that a trial wants; ``rung`` is the arena's where nothing else is said."""

    formula: str
    seed: int
    rung: str | None = None


OnRecord = Callable[[Wanted, Record], None]
PoolMaker = Callable[[Task, Slots], Pool]


def usual_pool(task: Task, slots: Slots) -> Pool:
    """Return the pool of workers that trials train in."""
    return pool_for(task, slots, THREADS)


class Field:
    """An arena with its workers. A context manager; nothing is started before it is needed."""

    def __init__(self, arena: Arena, slots: Slots, pool_of: PoolMaker = usual_pool) -> None:
        self.arena = arena
        self._slots = slots
        self._pool_of = pool_of
        self._pool: Pool | None = None
        self._is_ready = False
        self._compiled: set[str] = set()

    def prepare(self) -> None:
        """Get the data of the task ready, once; ``train`` does so where it was not done.

        Raises:
            ActsearchError: they can't be had.
        """
        if not self._is_ready:
            self.arena.task.prepare()
            self._is_ready = True

    def train(
        self,
        next_round: Callable[[], Sequence[Wanted]],
        on_record: OnRecord,
        deadline: float | None = None,
    ) -> None:
        """Train round after round, and hand over each record as it comes.

        The workers stay between the rounds: to start them takes seconds.

        Args:
            next_round: answers what is to be trained, in this order, once all that it answered
                before is done; nothing ends the trials.
            on_record: called with each result; a training that was stopped is none.
            deadline: a ``time.time()`` value at which to stop, or None; where it has passed
                nothing is prepared and no worker is started.

        Raises:
            ActsearchError: the data or the workers can't be had.
        """
        queue: deque[tuple[int, Wanted]] = deque()
        every: list[Wanted] = []  # a job's key says where in it
        n_left, ended = 0, False

        def refill() -> None:
            nonlocal n_left, ended
            wanted = next_round()
            if wanted and (deadline is None or time.time() < deadline):
                self._start()
                self._compile(wanted, deadline)
            n_left = len(wanted)
            ended = not wanted
            every.extend(wanted)
            queue.extend(enumerate(wanted, start=len(every) - n_left))

        def next_job() -> Job | Wait | None:
            if ended or (deadline is not None and time.time() >= deadline):
                return None
            try:
                number, one = queue.popleft()
            except IndexError:
                return WAIT
            rung = self.arena.rung if one.rung is None else one.rung
            return Job((number, one.seed), Training(one.formula, rung, one.seed))

        refill()
        if self._pool is None:
            return
        with contextlib.closing(self._pool.stream(next_job, deadline=lambda: deadline)) as answers:
            for job, record in answers:
                if record.status != STOPPED:
                    on_record(every[job.key[0]], record)
                    n_left -= 1
                    if not n_left:
                        refill()

    def _start(self) -> None:
        if self._pool is None:
            self.prepare()
            self._pool = self._pool_of(self.arena.task, self._slots)

    def _compile(self, wanted: Sequence[Wanted], deadline: float | None) -> None:
        formulas = dict.fromkeys(one.formula for one in wanted)
        new = [formula for formula in formulas if formula not in self._compiled]
        compile_ahead = compiling_ahead(self.arena.task, self._slots.devices[0])
        if compile_ahead is not None and self._slots.is_here:
            for batch in _batches(new):
                if deadline is None or time.time() < deadline:
                    compile_ahead(batch)
        self._compiled.update(new)

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _batches(formulas: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(formulas), BATCH):
        yield formulas[start : start + BATCH]
