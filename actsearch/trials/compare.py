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
from actsearch.results.statistics import Paired, holm, mean_and_error, paired
from actsearch.tasks.protocol import Record, Task
from actsearch.tasks.registry import load_task
from actsearch.tasks.target import Target
from actsearch.trials.arena import TEST, VALIDATION, Arena, Field, PoolMaker, Wanted, usual_pool
from actsearch.trials.saved import Contestant, contestants
from actsearch.trials.tuned import TunedTask, rung_of
from actsearch.workers import resolve

#: Seeds of comparisons begin here; no search and no confirmation uses them.
FIRST_SEED = 2_000_000
#: The one seed at which learning rates are chosen.
TUNING_SEED = 2_900_000
MAX_SEEDS = 10_000

Observer = Callable[[int, int], None]  # trainings done, trainings wanted


@dataclass(frozen=True)
class CurvePoint:
    """The mean validation score of ``n`` trainings at a step, and its standard error."""

    step: int
    mean: float
    standard_error: float | None
    n: int


@dataclass(frozen=True)
class Entry:
    """One activation in a comparison.

    ``difference`` is its score minus the reference's at the ``n_pairs`` common seeds, with a
    interval ``low`` to ``high``; ``holm_p`` corrects ``t_p`` for the number of
    comparisons. ``reached_step`` and ``reached_s`` are means over the ``n_reached`` trainings that
    reached the target. Signals are means over layers and seeds; None where the task measures none.
    """

    name: str
    formula: str
    mean: float | None
    standard_error: float | None
    n: int
    n_failed: int
    learning_rate: float | None = None
    n_pairs: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    t_p: float | None = None
    wilcoxon_p: float | None = None
    holm_p: float | None = None
    effect_size: float | None = None
    n_reached: int | None = None
    reached_step: float | None = None
    reached_step_error: float | None = None
    reached_s: float | None = None
    reached_s_error: float | None = None
    dead_units: float | None = None
    saturated: float | None = None
    output_mean: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    scores: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to; the entries begin with the best.

    ``reference`` is the name of what the differences are to: the baseline that was asked for, or
    the best.
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
    seeds: int = 5,
    *,
    baseline: str | None = None,
    test: bool = False,
    until: str | None = None,
    steps: int | None = None,
    learning_rates: Sequence[float] = (),
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    data: Path | None = None,
    runs_dir: Path | None = None,
    observer: Observer | None = None,
    pool_of: PoolMaker = usual_pool,
) -> Comparison:
    """Train activations on the same seeds and compare them in pairs.

    Args:
        task: name of a task, ``path/to/file.py:make_task``, or a task object.
        formulas: formulas, names of known activations, or ``RUN:ID``; two or more.
        seeds: how many trainings of each, at least 2.
        baseline: which of them the others are compared with; None: the best.
        test: score on the test split rather than the validation split.
        until: a target such as ``"train-error=0.25"``, whose step and time are recorded.
        steps: optimizer steps of one training; None: those of the task's last rung.
        learning_rates: one for all, or several, of which each activation gets the one that suits
            it on a seed of its own.
        workers: trainings at once, or ``auto``.
        devices: ``auto``, ``cpu``, or names such as ``cuda:0,cuda:1``.
        data: a folder that holds the data set already.
        runs_dir: the folder of the runs, for ``RUN:ID``.
        observer: called with the trainings done and wanted, after each.
        pool_of: makes the pool that trains.

    Raises:
        BadInput: something is not accepted; the message says what is.
        ActsearchError: the workers can't be had.
    """
    entrants = contestants([formulas] if isinstance(formulas, str) else list(formulas), runs_dir)
    if not 2 <= seeds <= MAX_SEEDS:
        raise BadInput(f"seeds must be from 2 to {MAX_SEEDS} (differences need two), got {seeds}")
    if steps is not None and steps < 1:
        raise BadInput(f"steps must be at least 1, got {steps}")
    rates = _checked_rates(learning_rates)
    reference = None if baseline is None else _baseline(baseline, entrants)
    if until is not None:
        Target.parse(until)
    the_task = load_task(task, data) if isinstance(task, str) else task
    arena = _arena(the_task, test=test, steps=steps, rates=rates, until=until)
    slots = resolve(workers, devices)
    used = tuple(range(FIRST_SEED, FIRST_SEED + seeds))

    records: dict[str, dict[int, Record]] = {one.formula: {} for one in entrants}
    tuning: dict[str, dict[float, Record]] = {one.formula: {} for one in entrants}
    chosen: dict[str, float | None] = {}
    n_wanted = len(entrants) * (seeds + (len(rates) if len(rates) > 1 else 0))
    n_done = 0
    rate_of = {rung_of(rate): rate for rate in rates}

    def next_round() -> list[Wanted]:
        if not chosen and len(rates) > 1 and not any(tuning.values()):
            return [
                Wanted(one.formula, TUNING_SEED, rung_of(rate))
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

    with Field(arena, slots, pool_of) as field:
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


def entries_of(
    entrants: Sequence[Contestant],
    records: Mapping[str, Mapping[int, Record]],
    rates: Mapping[str, float | None],
    reference: str | None,
    has_target: bool,
) -> list[Entry]:
    """Return what the trainings say of each activation, the best first.

    Args:
        entrants: the activations.
        records: formula -> seed -> training.
        rates: formula -> the learning rate that it was trained with.
        reference: formula to compare the others with; None: the best.
        has_target: whether a target was to be reached.
    """
    scores = {
        formula: {s: r.score for s, r in by_seed.items() if r.score is not None}
        for formula, by_seed in records.items()
    }
    means = {f: mean_and_error(list(by.values())) for f, by in scores.items() if by}
    order = sorted(entrants, key=lambda one: -means.get(one.formula, (-math.inf, None))[0])
    if reference is None:
        reference = order[0].formula
    compared = {
        one.formula: paired(scores[one.formula], scores[reference])
        for one in entrants
        if one.formula != reference
    }
    pairs = {formula: pair for formula, pair in compared.items() if pair is not None}
    adjusted = dict(zip(pairs, holm([p.t_p for p in pairs.values()]), strict=True))
    return [
        _entry(
            one,
            records[one.formula],
            scores[one.formula],
            rates.get(one.formula),
            pairs.get(one.formula),
            adjusted.get(one.formula),
            has_target,
        )
        for one in order
    ]


def _entry(
    one: Contestant,
    records: Mapping[int, Record],
    scores: Mapping[int, float],
    rate: float | None,
    pair: Paired | None,
    holm_p: float | None,
    has_target: bool,
) -> Entry:
    mean, error = mean_and_error(list(scores.values())) if scores else (None, None)
    trained = [records[seed] for seed in sorted(scores)]
    steps = [r.metrics["reached_step"] for r in trained if "reached_step" in r.metrics]
    times = [r.metrics["reached_s"] for r in trained if "reached_s" in r.metrics]
    step, step_error = mean_and_error(steps) if steps else (None, None)
    time_s, time_error = mean_and_error(times) if times else (None, None)
    return Entry(
        name=one.name,
        formula=one.formula,
        mean=mean,
        standard_error=error,
        n=len(scores),
        n_failed=len(records) - len(scores),
        learning_rate=rate,
        n_pairs=pair.n if pair else 0,
        difference=pair.mean if pair else None,
        low=pair.low if pair else None,
        high=pair.high if pair else None,
        t_p=pair.t_p if pair else None,
        wilcoxon_p=pair.wilcoxon_p if pair else None,
        holm_p=holm_p,
        effect_size=pair.effect_size if pair else None,
        n_reached=len(steps) if has_target else None,
        reached_step=step,
        reached_step_error=step_error,
        reached_s=time_s,
        reached_s_error=time_error,
        dead_units=_signal(trained, "dead_units"),
        saturated=_signal(trained, "saturated"),
        output_mean=_signal(trained, "output_mean"),
        curve=mean_curve(trained),
        scores=tuple(sorted(scores.items())),
    )


def mean_curve(records: Iterable[Record]) -> tuple[CurvePoint, ...]:
    """Return the mean validation score at each step that a curve has a point at."""
    at_step: dict[int, list[float]] = {}
    for record in records:
        for step, _, score in record.curve:
            if math.isfinite(score):
                at_step.setdefault(step, []).append(score)
    return tuple(
        CurvePoint(step, *mean_and_error(values), len(values))
        for step, values in sorted(at_step.items())
    )


def _signal(records: Iterable[Record], name: str) -> float | None:
    """Return the mean over seeds and layers of the metrics ``name[0]``, ``name[1]`` ..."""
    values = [
        value
        for record in records
        for key, value in record.metrics.items()
        if key.startswith(f"{name}[")
    ]
    return mean_and_error(values)[0] if values else None


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
