"""Whether the short rungs rank activations as the full one does.

Trains every known activation at each rung of a task and prints Spearman's rank correlation with the
mean score of the full rung. A short training begins as the full one of the same seed does, weights
and batches, so that the two share their luck; the seeds that are compared are therefore others:

- "one seed": the rung's seed 0 with the full rung's seeds from 1 on;
- "all seeds": the rung's first ``--short-seeds`` with the full rung's seeds beyond those. Where the
  full rung has none beyond, its mean is over all of them, and the line above the table says so.

The full rung's mean has noise of its own, which bounds what can be reached: the correlation of two
parts of its seeds is printed below.

    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3
    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3 --steps 80,100,130,200,650
    python -m benchmarks.rungs --task mnist1d-cnn --seeds 8 --save scores.json
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from actsearch.results.statistics import spearman
from actsearch.tasks import ClassificationTask
from actsearch.tasks.ahead import compiling_ahead
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.tasks.registry import load_task
from actsearch.trials.saved import known_contestants
from actsearch.workers import Job, make_pool

Scores = Mapping[str, Mapping[int, float]]  # formula -> seed -> score


def train(
    task: ClassificationTask, formulas: Sequence[str], n_seeds: Mapping[str, int], workers: int
) -> list[Record]:
    """Train every formula at every rung with its first seeds, as a search would."""
    ahead = compiling_ahead(task, "cpu")
    if ahead is not None:
        ahead(list(formulas))
    jobs = deque(
        Job((number, 100 * index + seed), Training(formula, rung.name, seed))
        for index, rung in enumerate(task.rungs)
        for seed in range(n_seeds[rung.name])
        for number, formula in enumerate(formulas)
    )
    with make_pool(task, workers=workers) as pool:
        return [record for _, record in pool.stream(lambda: jobs.popleft() if jobs else None)]


def mean_scores(scores: Scores, seeds: Sequence[int], worst: float) -> dict[str, float]:
    """Return the mean score of each formula; a training without a score counts as the worst."""
    return {
        formula: statistics.fmean(by_seed.get(seed, worst) for seed in seeds)
        for formula, by_seed in scores.items()
    }


def correlated(one: Mapping[str, float], other: Mapping[str, float]) -> str:
    """Return the correlation of ranks as a cell, over the formulas of ``other``."""
    found = spearman([one[formula] for formula in other], list(other.values()))
    return "-" if found is None else f"{found:.3f}"


def better_half(means: Mapping[str, float]) -> dict[str, float]:
    best = sorted(means, key=lambda formula: -means[formula])[: len(means) // 2]
    return {formula: means[formula] for formula in best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="mnist1d-cnn")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="of the full rung, at least 2")
    parser.add_argument("--short-seeds", type=int, default=2, help="of the rungs below")
    parser.add_argument("--steps", help="other rungs than the task's: steps, the longest last")
    parser.add_argument("--rates", help="share of the peak learning rate at each of the rungs")
    parser.add_argument("--formulas", type=Path, help="a file of further formulas, one a line")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="print the scores, too")
    parser.add_argument(
        "--save", type=Path, help="write all scores as JSON: rung -> formula -> seed -> score"
    )
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be 2 or more: seed 0 of a rung is compared with the others")

    task = load_task(options.task, options.data)
    assert isinstance(task, ClassificationTask)
    if options.steps:
        steps = [int(text) for text in options.steps.split(",")]
        rates = (
            [float(r) for r in options.rates.split(",")] if options.rates else [1.0] * len(steps)
        )
        seeds = tuple(range(max(options.seeds, options.short_seeds)))
        rungs = tuple(
            Rung(f"{n} x {rate}", n, seeds, rate) for n, rate in zip(steps, rates, strict=True)
        )
        task = dataclasses.replace(task, steps=steps[-1], rungs=rungs)
    task.prepare()
    names = known_contestants()
    formulas = list(names)
    if options.formulas:
        formulas += [line for line in options.formulas.read_text().splitlines() if line]
    *below, full = task.rungs
    n_seeds = {rung.name: options.short_seeds for rung in below} | {full.name: options.seeds}
    scores: dict[str, dict[str, dict[int, float]]] = {
        rung.name: {formula: {} for formula in dict.fromkeys(formulas)} for rung in task.rungs
    }
    times: dict[str, list[float]] = {rung.name: [] for rung in task.rungs}
    for record in train(task, list(dict.fromkeys(formulas)), n_seeds, options.workers):
        times[record.rung].append(record.time_s)
        if record.score is not None:
            scores[record.rung][record.formula][record.seed] = record.score

    if options.save:
        options.save.write_text(json.dumps(scores, indent=1), encoding="utf-8")

    worst = {
        name: min((s for b in by.values() for s in b.values()), default=0.0)
        for name, by in scores.items()
    }
    beyond = range(options.short_seeds, options.seeds) or range(options.seeds)
    shared = " (shared with the rungs below)" if not beyond.start else ""
    print(
        f"{options.task}, {datetime.date.today()}, {platform.processor() or platform.machine()}, "
        f"{len(scores[full.name])} activations; seeds of the full rung: 1 to {options.seeds - 1} "
        f'for "one seed", {beyond[0]} to {beyond[-1]}{shared} for "all seeds"'
    )
    final = mean_scores(scores[full.name], range(options.seeds), worst[full.name])
    others = mean_scores(scores[full.name], range(1, options.seeds), worst[full.name])
    unseen = mean_scores(scores[full.name], beyond, worst[full.name])
    print("| rung | steps | median time | one seed | all seeds | all seeds, better half |")
    print("|---|---|---|---|---|---|")
    for rung in below:
        one = mean_scores(scores[rung.name], [0], worst[rung.name])
        every = mean_scores(scores[rung.name], range(options.short_seeds), worst[rung.name])
        print(
            f"| {rung.name} | {rung.steps} | {statistics.median(times[rung.name]):.2f} s | "
            f"{correlated(one, others)} | {correlated(every, unseen)} | "
            f"{correlated(every, better_half(unseen))} |"
        )
    middle = options.seeds // 2
    first = mean_scores(scores[full.name], range(middle), worst[full.name])
    second = mean_scores(scores[full.name], range(middle, options.seeds), worst[full.name])
    print(
        f"full: {full.steps} steps, {statistics.median(times[full.name]):.2f} s; its first "
        f"{middle} seeds against the others: {correlated(first, second)}"
    )
    if options.show:
        for formula in sorted(final, key=lambda formula: -final[formula]):
            cells = [
                f"{statistics.fmean(by.values()):.4f}" if by else "none"
                for by in (scores[rung.name][formula] for rung in task.rungs)
            ]
            print(f"{' '.join(cells)}  {formula}  {names.get(formula, '')}")


if __name__ == "__main__":
    main()
