"""Whether the short rungs rank activations as the full one does.

Trains every known activation at each rung of a task and prints Spearman's rank correlation with the
mean score of the full rung, for one seed of the rung and for all that were trained. The full rung's
mean is over its seeds, so its own noise bounds what can be reached: the correlation of two parts of
its seeds is printed beside it.

    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3
    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3 --steps 80,100,130,200,650
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import platform
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy.stats import spearmanr

from actsearch.expressions import KNOWN, parse
from actsearch.tasks import ClassificationTask
from actsearch.tasks.ahead import compiling_ahead
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.tasks.registry import load_task
from actsearch.workers import Job, make_pool

Scores = Mapping[str, Mapping[int, float]]  # formula -> seed -> score


def zoo() -> dict[str, str]:
    """Return formula -> name of the known activations, each function once."""
    seen: set[str] = set()
    found = {}
    for name, formula in KNOWN.items():
        fingerprint = parse(formula).fingerprint()
        if fingerprint not in seen:
            seen.add(fingerprint)
            found[str(parse(formula))] = name
    return found


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


def rho(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return float(spearmanr([one[f] for f in other], list(other.values()))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="mnist1d-cnn")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="of the full rung")
    parser.add_argument("--short-seeds", type=int, default=2, help="of the rungs below")
    parser.add_argument("--steps", help="other rungs than the task's: steps, the longest last")
    parser.add_argument("--rates", help="share of the peak learning rate at each of the rungs")
    parser.add_argument("--formulas", type=Path, help="a file of further formulas, one a line")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="print the scores, too")
    options = parser.parse_args()

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
    names = zoo()
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

    print(
        f"{options.task}, {datetime.date.today()}, {platform.processor() or platform.machine()}, "
        f"{len(scores[full.name])} activations, full rung: {options.seeds} seeds"
    )
    worst = {name: min(s for b in by.values() for s in b.values()) for name, by in scores.items()}
    final = mean_scores(scores[full.name], range(options.seeds), worst[full.name])
    best_half = sorted(final, key=lambda formula: -final[formula])[: len(final) // 2]
    print("| rung | steps | median time | one seed | all seeds | all seeds, better half |")
    print("|---|---|---|---|---|---|")
    for rung in below:
        one = mean_scores(scores[rung.name], [0], worst[rung.name])
        every = mean_scores(scores[rung.name], range(options.short_seeds), worst[rung.name])
        half = {formula: final[formula] for formula in best_half}
        print(
            f"| {rung.name} | {rung.steps} | {statistics.median(times[rung.name]):.2f} s | "
            f"{rho(one, final):.3f} | {rho(every, final):.3f} | {rho(every, half):.3f} |"
        )
    middle = options.seeds // 2
    if middle:
        first = mean_scores(scores[full.name], range(middle), worst[full.name])
        second = mean_scores(scores[full.name], range(middle, options.seeds), worst[full.name])
        print(
            f"full: {full.steps} steps, {statistics.median(times[full.name]):.2f} s; its first "
            f"{middle} seeds against the others: {rho(first, second):.3f}"
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
