"""Any activations head to head on one task: scores, differences with their statistics, signal.

Nothing is searched and nothing kept: formulas train on the same fresh seeds, from the same weights
and batches, and differences are judged in pairs, as everywhere in this program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actsearch.errors import BadInput, unknown
from actsearch.tasks.known import known_of
from actsearch.tasks.protocol import Record, Task
from actsearch.tasks.registry import load_task
from actsearch.tasks.target import Target
from actsearch.trials.arena import TEST, VALIDATION, Arena, Field, PoolMaker, Wanted, usual_pool
from actsearch.trials.entries import Entry, entries_of
from actsearch.trials.saved import Contestant, check_readable, contestants
from actsearch.trials.tuned import TunedTask, rung_of
from actsearch.workers import Cluster, Where, reached

#: Seeds of comparisons begin here; no search and no confirmation uses them.
FIRST_SEED = 2_000_000
#: The one seed at which learning rates are chosen.
TUNING_SEED = 2_900_000
MAX_SEEDS = 10_000

Observer = Callable[[int, int], None]  # trainings done, trainings wanted


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to; the entries begin with the best, with a target the fastest.

    ``reference`` is the name of what the differences (with a target the ratios of steps) are to:
    the baseline that was asked for, or the first entry.
    """

    task: str
    split: str
    score_name: str
    seeds: tuple[int, ...]
    reference: str | None
    chosen_baseline: bool
    until: str | None
    learning_rates: tuple[float, ...]
    entries: tuple[Entry, ...]


def compare(
    task: str | Task,
    formulas: Iterable[str],
    seeds: int = 6,
    *,
    baseline: str | None = None,
    test: bool = False,
    until: str | None = None,
    steps: int | None = None,
    learning_rates: Sequence[float] = (),
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    training_limit: str | float = "auto",
    memory_limit: str | int = "auto",
    cluster: str | Cluster | None = None,
    data: Path | None = None,
    runs_dir: Path | None = None,
    observer: Observer | None = None,
    pool_of: PoolMaker = usual_pool,
) -> Comparison:
    """Train activations on the same seeds and compare them in pairs.

    Args:
        task: name of a task, ``path/to/file.py:make_task``, or a task object.
        formulas: formulas, names of known activations, or ``RUN:ID``; two or more.
        seeds: how many trainings of each, at least 2; with fewer than 6 no Wilcoxon test can come
            to 0.05.
        baseline: which of them the others are compared with; None: the best.
        test: score on the test split rather than the validation split.
        until: a target such as ``"train-error=0.25"``, which ends a training; then steps to it are
            compared instead of scores.
        steps: optimizer steps of one training; None: those of the task's last rung.
        learning_rates: one for all, or several, of which each activation gets the one that suits
            it on the validation split, at a seed of its own.
        workers: trainings at once, ``auto``, or ``inline``: one at a time in this process, as a
            single one of a task object is trained in any case.
        devices: ``auto``, ``cpu``, or names such as ``cuda:0,cuda:1``.
        training_limit: how long one training may take before it is ended: seconds, text
            (``"10m"``), ``auto`` (many times what others took) or ``none``.
        memory_limit: how much memory one training may take: ``"4GB"``, ``auto`` or ``none``.
        cluster: as in ``search``.
        data: a folder that holds the data set already.
        runs_dir: the folder of the runs, for ``RUN:ID``.
        observer: called with the trainings done and wanted, after each.
        pool_of: makes the pool that trains.

    Raises:
        BadInput: something is not accepted; the message says what is.
        ActsearchError: the workers can't be had.
    """
    where = Where(workers, devices, training_limit, memory_limit, cluster)
    the_task = load_task(task, data) if isinstance(task, str) else task
    texts = [formulas] if isinstance(formulas, str) else list(formulas)
    entrants = contestants(texts, runs_dir, known_of(the_task))
    if not 2 <= seeds <= MAX_SEEDS:
        raise BadInput(f"seeds must be from 2 to {MAX_SEEDS} (differences need two), got {seeds}")
    if steps is not None and steps < 1:
        raise BadInput(f"steps must be at least 1, got {steps}")
    rates = _checked_rates(learning_rates)
    reference = None if baseline is None else _baseline(baseline, entrants)
    if until is not None:
        Target.parse(until)
    check_readable([one.formula for one in entrants], the_task)
    arena = _arena(the_task, test=test, steps=steps, rates=rates, until=until)
    used = tuple(range(FIRST_SEED, FIRST_SEED + seeds))

    records: dict[str, dict[int, Record]] = {one.formula: {} for one in entrants}
    tuning: dict[str, dict[float, Record]] = {one.formula: {} for one in entrants}
    chosen: dict[str, float | None] = {}
    n_wanted = len(entrants) * (seeds + (len(rates) if len(rates) > 1 else 0))
    n_done = 0
    rate_of = {rung_of(rate, tuning=True): rate for rate in rates}

    def next_round() -> list[Wanted]:
        if not chosen and len(rates) > 1 and not any(tuning.values()):
            return [
                Wanted(one.formula, TUNING_SEED, rung_of(rate, tuning=True))
                for rate in rates
                for one in entrants
            ]
        if any(records.values()):
            return []
        for one in entrants:
            only = rates[0] if rates else None
            chosen[one.formula] = best_rate(tuning[one.formula]) if len(rates) > 1 else only
        return [
            Wanted(one.formula, seed, None if not rates else rung_of(chosen[one.formula]))
            for seed in used
            for one in entrants
        ]

    def on_record(wanted: Wanted, record: Record) -> None:
        nonlocal n_done
        if wanted.seed == TUNING_SEED:
            tuning[wanted.formula][rate_of[str(wanted.rung)]] = record
        else:
            records[wanted.formula][wanted.seed] = record
        n_done += 1
        if observer is not None:
            observer(n_done, n_wanted)

    there = reached(where, given_object=not isinstance(task, str))
    with there as slots, Field(arena, slots, pool_of) as field:
        field.train(next_round, on_record)
    entries = entries_of(entrants, records, chosen, reference, until is not None)
    return Comparison(
        task=arena.name,
        split=arena.split,
        score_name=arena.task.score_name,
        seeds=used,
        reference=next((e.name for e in entries if _is_reference(e, entries, reference)), None),
        chosen_baseline=reference is not None,
        until=until,
        learning_rates=rates,
        entries=tuple(entries),
    )


def best_rate(tuned: Mapping[float, Record]) -> float:
    """Return the learning rate that reached the target in the fewest steps, else scored best.

    Args:
        tuned: rate -> its training at the tuning seed.
    """

    def place(rate: float) -> tuple[float, float, float]:
        record = tuned[rate]
        reached = record.metrics.get("reached_step", math.inf)
        return reached, -math.inf if record.score is None else -record.score, rate

    scored = {rate: record for rate, record in tuned.items() if record.score is not None}
    return min(scored or tuned, key=place)


def _is_reference(entry: Entry, entries: Sequence[Entry], reference: str | None) -> bool:
    return entry.formula == reference if reference is not None else entry is entries[0]


def _arena(
    task: Task, *, test: bool, steps: int | None, rates: tuple[float, ...], until: str | None
) -> Arena:
    from actsearch.tasks.heldout import has_test_split, held_out_task

    split = TEST if test else VALIDATION
    if test and not has_test_split(task):
        held_out_task(task)  # says why not
    if steps is None and not rates and until is None:
        task = held_out_task(task) if test else task
    else:
        task = TunedTask(task, steps, rates, until, test)
    return Arena(task, task.rungs[-1].name, split)


def _checked_rates(rates: Sequence[float]) -> tuple[float, ...]:
    for rate in rates:
        if not (math.isfinite(rate) and rate > 0):
            raise BadInput(f"a learning rate must be above 0, as in 0.003, got {rate:g}")
    named = {rung_of(rate): rate for rate in rates}
    return tuple(named.values())


def _baseline(text: str, entrants: Sequence[Contestant]) -> str:
    """Return the formula of the entrant that ``text`` names."""
    wanted = text.strip().lower()
    for one in entrants:
        if wanted in (one.name.lower(), one.formula.lower()):
            return one.formula
    raise unknown("baseline", text, [one.name for one in entrants])
