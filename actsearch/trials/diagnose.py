"""Networks looked into while they train: what becomes of their layers with each activation.

Nothing is searched and nothing kept, and no two are compared by a test: formulas train on the same
fresh seeds, from the same draws of weights and the same batches, and their layers are measured at
the same steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from actsearch.errors import BadInput, unknown
from actsearch.results.diagnosis import (
    Diagnosis,
    Finding,
    layer_findings,
    looked,
    reaches,
    sentences,
)
from actsearch.results.statistics import mean_and_error
from actsearch.tasks.known import known_of
from actsearch.tasks.protocol import Record, Task
from actsearch.tasks.registry import load_task
from actsearch.trials.arena import VALIDATION, Arena, Field, PoolMaker, Wanted, usual_pool
from actsearch.trials.compare import FIRST_SEED, MAX_SEEDS
from actsearch.trials.diagnosed import DiagnosedTask, Way
from actsearch.trials.saved import Contestant, check_readable, contestants
from actsearch.workers import Cluster, Where, reached

MAX_POINTS = 1000

#: How weights behind activations start: the factor on N(0, 1 / fan_in), None for the one that suits
#: the activation (``tasks.initialisation``). The draws are the same in all.
INITIALISATIONS: dict[str, float | None] = {
    "gain": None,
    "he": math.sqrt(2.0),  # He et al. 2015: for ReLU
    "lecun": 1.0,  # LeCun et al. 1998; Glorot and Bengio's 2010 where layers are equally wide
}

Observer = Callable[[int, int], None]  # trainings done, trainings wanted


def diagnose(
    task: str | Task,
    formulas: str | Iterable[str],
    seeds: int = 3,
    *,
    depths: Sequence[int] = (),
    learning_rates: Sequence[float] = (),
    initialisation: str = "gain",
    steps: int | None = None,
    points: int = 8,
    workers: str | int = "auto",
    devices: str | Sequence[str] = "auto",
    training_limit: str | float = "auto",
    memory_limit: str | int = "auto",
    cluster: str | Cluster | None = None,
    data: Path | None = None,
    runs_dir: Path | None = None,
    observer: Observer | None = None,
    pool_of: PoolMaker = usual_pool,
) -> Diagnosis:
    """Train activations on the same seeds and measure their layers along the way.

    Args:
        task: name of a task, ``path/to/file.py:make_task``, or a task object.
        formulas: formulas, names of known activations, or ``RUN:ID``; one or more.
        seeds: how many trainings of each.
        depths: of how many activation layers the network is to be, a training each; () leaves it as
            it is.
        learning_rates: a training each; () stands for the task's own.
        initialisation: of ``INITIALISATIONS``: "gain" suits the activation, the others are the
            same for all.
        steps: optimizer steps of one training; None: those of the task's last rung; 0: look at the
            initial weights alone, so that there are no scores.
        points: how many looks, from the start to the end, evenly by the logarithm of the step.
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
    entrants = contestants(texts, runs_dir, known_of(the_task), least=1)
    _check_counts(seeds, steps, points)
    ways = _checked_ways(depths, learning_rates)
    if initialisation not in INITIALISATIONS:
        raise unknown("initialisation", initialisation, INITIALISATIONS)
    check_readable([one.formula for one in entrants], the_task)
    looking = _looking(the_task, steps, points)
    diagnosed = DiagnosedTask(the_task, ways, looking, INITIALISATIONS[initialisation])
    for way in ways:
        diagnosed.task_of(way)  # says what can't be built before a worker is started
    arena = Arena(diagnosed, ways[0].rung, VALIDATION)
    used = tuple(range(FIRST_SEED, FIRST_SEED + seeds))
    wanted = [
        Wanted(one.formula, seed, way.rung) for seed in used for one in entrants for way in ways
    ]
    rounds = iter([wanted])
    records: dict[tuple[str, str], dict[int, Record]] = {}

    def on_record(asked: Wanted, record: Record) -> None:
        records.setdefault((asked.formula, str(asked.rung)), {})[asked.seed] = record
        if observer is not None:
            observer(sum(map(len, records.values())), len(wanted))

    there = reached(where, given_object=not isinstance(task, str))
    with there as slots, Field(arena, slots, pool_of) as field:
        field.train(lambda: next(rounds, []), on_record)
    return Diagnosis(
        task=arena.name,
        score_name=diagnosed.score_name,
        seeds=used,
        looks=looking,
        initialisation=initialisation,
        findings=tuple(
            _finding(one, way, records[one.formula, way.rung], looking[-1] > 0)
            for one in entrants
            for way in ways
        ),
    )


def _finding(one: Contestant, way: Way, records: Mapping[int, Record], is_trained: bool) -> Finding:
    in_order = [records[seed] for seed in sorted(records)]
    looks = [looked(record.metrics) for record in in_order]
    if is_trained:
        scores = [record.score for record in in_order if record.score is not None]
        failed = [record for record in in_order if record.score is None]
    else:  # how the one step ended that had to be made is nobody's business
        scores = []
        failed = [record for record, look in zip(in_order, looks, strict=True) if not look]
    mean, error = mean_and_error(scores) if scores else (None, None)
    layers, reach = layer_findings(looks), reaches(looks)
    return Finding(
        name=one.name,
        formula=one.formula,
        depth=way.depth,
        learning_rate=way.learning_rate,
        mean=mean,
        standard_error=error,
        n=len(scores),
        n_failed=len(failed),
        failure=": ".join(filter(None, (failed[0].status, failed[0].message))) if failed else None,
        layers=layers,
        reach=reach,
        sentences=sentences(layers, reach),
    )


def _looking(task: Task, steps: int | None, points: int) -> tuple[int, ...]:
    from actsearch.tasks.diagnosis import looking_steps

    return looking_steps(task.rungs[-1].steps if steps is None else steps, points)


def _check_counts(seeds: int, steps: int | None, points: int) -> None:
    if not 1 <= seeds <= MAX_SEEDS:
        raise BadInput(f"seeds must be from 1 to {MAX_SEEDS}, got {seeds}")
    if steps is not None and steps < 0:
        raise BadInput(f"steps must be 0 (the initial weights alone) or more, got {steps}")
    if not 2 <= points <= MAX_POINTS:
        raise BadInput(f"points must be from 2 (start and end) to {MAX_POINTS}, got {points}")


def _checked_ways(depths: Sequence[int], rates: Sequence[float]) -> tuple[Way, ...]:
    for depth in depths:
        if depth < 1:
            raise BadInput(f"a depth must be 1 or more layers, as in 4, got {depth}")
    for rate in rates:
        if not (math.isfinite(rate) and rate > 0):
            raise BadInput(f"a learning rate must be above 0, as in 0.003, got {rate:g}")
    ways = [Way(*pair) for pair in itertools.product(depths or (None,), rates or (None,))]
    return tuple({way.rung: way for way in ways}.values())
