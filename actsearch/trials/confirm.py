"""Confirming a search: its finalists and the known activations on fresh seeds and held-out data.

The leader of many is partly luck. So the best formulas of a run are trained again, beside the whole
zoo, with seeds that no search uses, and scored on samples that no search saw; ``results.verdict``
judges. Every trial is a row of the run's store, and the verdict a pure function of these rows: what
was interrupted goes on, and what is clear is not trained again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actsearch.durations import parse_duration
from actsearch.errors import BadInput
from actsearch.results.looks import replay
from actsearch.runs import RunStore, TrialRow, existing_run
from actsearch.tasks.protocol import Record, Task
from actsearch.tasks.registry import load_task
from actsearch.trials.arena import Field, PoolMaker, Wanted, arena_of, usual_pool
from actsearch.trials.checks import (
    check_devices,
    check_fresh,
    check_other_tasks,
    check_same_trials,
    digests,
)
from actsearch.trials.judged import (
    SEEDS,
    Confirmation,
    earlier_finalists,
    is_clear,
    judged,
    rows_of,
    scores_of,
)
from actsearch.trials.saved import (
    check_readable,
    check_same,
    finalists_of,
    rivals_of,
    saved_task,
)
from actsearch.workers import Cluster, Slots, Where, reached

N_FINALISTS = 3


@dataclass(frozen=True)
class Moment:
    """How far the trials on one task are, for whoever watches.

    ``n_wanted`` counts the trials that the next look at the data needs, ``n_done`` those of them
    that are there.
    """

    task: str
    split: str
    n_looks: int
    n_done: int
    n_wanted: int
    elapsed_s: float


Observer = Callable[[Moment], None]


def confirm(
    run: str | Path,
    *,
    budget: str | float | None = None,
    finalists: int = N_FINALISTS,
    transfer: Sequence[str] = (),
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    training_limit: str | float = "auto",
    memory_limit: str | int = "auto",
    cluster: str | Cluster | None = None,
    data: Path | None = None,
    task: str | Task | None = None,
    observer: Observer | None = None,
    runs_dir: Path | None = None,
) -> Confirmation:
    """Confirm the best formulas of a run on fresh seeds and held-out data.

    Args:
        run: name or folder of the run.
        budget: time as text (``"10m"``) or seconds; None: until the verdict is clear.
        finalists: how many of the best formulas are tried.
        transfer: names of further tasks to try them on.
        workers: trainings at once, ``auto``, or ``inline``: one at a time in this process, as a
            single one of a task object is trained in any case.
        devices: ``auto``, ``cpu``, or names such as ``cuda:0,cuda:1``.
        training_limit: how long one training may take before it is ended: seconds, text
            (``"10m"``), ``auto`` (many times what others took) or ``none``.
        memory_limit: how much memory one training may take: ``"4GB"``, ``auto`` or ``none``.
        cluster: as in ``search``.
        data: where the data sets lie, if not where the run found them.
        task: the task, for a run that was started with a task object, or its name or file.
        observer: called with a ``Moment`` after each trial.
        runs_dir: the folder of the runs; by default ``ACTSEARCH_RUNS`` or ``runs``.

    Returns:
        The verdict; of what was tried before, where nothing is open.

    Raises:
        BadInput: there is no such run or task, the run has nothing to confirm, another process
            writes it, or its task is not what it was.
        ActsearchError: the disk or the workers failed; what was done is kept.
    """
    where = Where(workers, devices, training_limit, memory_limit, cluster)
    if finalists < 1:
        raise BadInput(f"finalists must be at least 1, got {finalists}")
    budget_s = parse_duration(budget) if isinstance(budget, str) else budget
    if budget_s is not None and not budget_s > 0:
        raise BadInput(f"the budget must be above 0 seconds, got {budget_s}")
    folder = existing_run(run, runs_dir) if isinstance(run, str) else run
    with reached(where, given_object=task is not None and not isinstance(task, str)) as slots:
        others = [load_task(name, data) for name in transfer]
        with RunStore.open(folder) as store:
            the_task = saved_task(store, data, task)
            check_other_tasks(the_task, others)
            chosen = finalists_of(store, finalists, the_task)
            for other in others:
                check_readable(chosen, other)
            if is_clear(store, [the_task, *others], chosen):  # nothing to write: reading is enough
                return judged(store, the_task, others, chosen)
        the_task.prepare()
        with RunStore.open(folder, write=True) as store:
            check_same(store, the_task)
            return confirm_store(
                store,
                the_task,
                slots=slots,
                budget_s=budget_s,
                finalists=finalists,
                transfer=others,
                observer=observer,
            )


def confirm_store(
    store: RunStore,
    task: Task,
    *,
    slots: Slots,
    budget_s: float | None = None,
    finalists: int = N_FINALISTS,
    transfer: Sequence[Task] = (),
    observer: Observer | None = None,
    pool_of: PoolMaker = usual_pool,
) -> Confirmation:
    """Confirm a run whose store is open for writing, with no session going on.

    Args:
        store: the run.
        task: its task.
        slots: workers and devices.
        budget_s: how long to train, once all data are there; None: until the verdict is clear.
            Tasks whose verdict is open share it: each gets an equal part of what is left.
        finalists: how many of the best formulas are tried.
        transfer: further tasks to try them on.
        observer: called with a ``Moment`` after each trial.
        pool_of: makes the pool that trains.

    Raises:
        NothingToConfirm: nothing but known activations has a score.
        BadInput: the trials so far were made on another kind of device or with other settings of a
            task (its test split is one), or data are missing.
        ActsearchError: the disk or the workers failed.
    """
    chosen = finalists_of(store, finalists, task)
    tasks = [task, *transfer]
    check_fresh(store, SEEDS)
    with contextlib.ExitStack() as stack:
        fields = [
            stack.enter_context(Field(arena_of(one, curve=False), slots, pool_of))
            for one in tasks
            if not is_clear(store, [one], chosen)
        ]
        if not fields:
            return judged(store, task, transfer, chosen)
        for field in fields:  # what lacks of one task is better known before another trains
            field.prepare()
            rows = rows_of(store, field.arena)
            check_devices(rows, slots, store.name)
            if rows:
                check_same_trials(store, field.arena)
        deadline = None if budget_s is None else time.time() + budget_s
        info = {
            "kind": "confirm",
            "budget_s": budget_s,
            "finalists": list(chosen),
            "tasks": [one.name for one in tasks],
            "settings": {field.arena.name: digests(field.arena) for field in fields},
            **slots.facts(),
        }
        with store.session(info):
            for n_done, field in enumerate(fields):
                until = None if deadline is None else _share(deadline, len(fields) - n_done)
                rows = rows_of(store, field.arena)
                known = rivals_of(store, field.arena.task, chosen)
                advance(field, rows, chosen, known, store.add_trial, until, observer)
                field.close()
    return judged(store, task, transfer, chosen)


def _share(deadline: float, n_left: int) -> float:
    """Return the time at which the first of ``n_left`` tasks has to end."""
    now = time.time()
    return now + (deadline - now) / n_left


def advance(
    field: Field,
    rows: list[TrialRow],
    finalists: Sequence[str],
    known: Mapping[str, str],
    save: Callable[[TrialRow], None],
    deadline: float | None = None,
    observer: Observer | None = None,
) -> None:
    """Train until the verdict is clear or the time is up; all formulas advance together.

    Args:
        field: the task and its workers.
        rows: all trials on it so far, to which the new ones are appended.
        finalists: formulas.
        known: formula -> name.
        save: called with each new trial.
        deadline: a ``time.time()`` value, or None.
        observer: called after each trial.
    """
    arena, begin = field.arena, time.monotonic()
    earlier = earlier_finalists(rows, finalists, known)
    n_looks, n_wanted, n_done = 0, 0, 0

    def tell() -> None:
        if observer is not None:
            elapsed_s = time.monotonic() - begin
            observer(Moment(arena.name, arena.split, n_looks, n_done, n_wanted, elapsed_s))

    def next_round() -> list[Wanted]:
        nonlocal n_looks, n_wanted, n_done
        scores, failed = scores_of(rows)
        looked = replay(scores, finalists, known, seeds=SEEDS, failed=failed, earlier=earlier)
        # Seed by seed, the finalists first: those that fail end the round soonest.
        wanted = [
            Wanted(formula, seed)
            for seed in SEEDS
            for formula in (*finalists, *known)
            if seed in looked.needed.get(formula, ())
        ]
        n_looks, n_wanted, n_done = looked.n_looks, len(wanted), 0
        tell()
        return wanted

    def on_record(_wanted: Wanted, record: Record) -> None:
        nonlocal n_done
        row = TrialRow.of(arena.name, arena.split, record)
        save(row)
        rows.append(row)
        n_done += 1
        tell()

    field.train(next_round, on_record, deadline)
