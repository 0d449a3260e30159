"""Whether the short rungs rank activations as the full one does.

Trains every known activation at each rung of a task and prints Spearman's rank correlation with the
mean score of the full rung. A short training begins as the full one of the same seed does, weights
and batches, so that the two share their luck; the seeds that are compared are therefore others:

- "one seed": each of the rung's seeds by itself with the full rung's other seeds, the first one,
  by which a search goes, first;
- "all seeds": the rung's first ``--short-seeds`` with the full rung's seeds beyond those. Where the
  full rung has none beyond, its mean is over all of them, and the line above the table says so.

The full rung's mean has noise of its own, which bounds what can be reached: the correlation of two
parts of its seeds is printed below.

    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3
    python -m benchmarks.rungs --task mnist1d-cnn --seeds 3 --steps 80,100,130,200,650
    python -m benchmarks.rungs --task mnist1d-cnn --seeds 8 --save scores.json
    python -m benchmarks.rungs --task mnist1d-cnn --read scores.json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from actsearch.results.statistics import spearman
from actsearch.tasks import NetworkTask
from actsearch.tasks.ahead import compiling_ahead
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.tasks.registry import load_task
from actsearch.trials.saved import known_contestants
from actsearch.workers import Job, make_pool
from benchmarks._timing import machine

Scores = Mapping[str, Mapping[int, float]]  # formula -> seed -> score


def train(
    task: NetworkTask, formulas: Sequence[str], n_seeds: Mapping[str, int], workers: int
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


def report(
    measured: str, scores: Mapping[str, Scores], names: Mapping[str, str] | None = None
) -> None:
    """Print the correlations.

    Args:
        measured: the task, when and on what.
        scores: rung -> formula -> seed -> score, the full rung last.
        names: what known formulas are called, to print the scores with them; None: don't.
    """
    *below, full = scores
    seeds = sorted({seed for by in scores[full].values() for seed in by})
    short = sorted({seed for rung in below for by in scores[rung].values() for seed in by})
    worst = {
        rung: min((s for b in by.values() for s in b.values()), default=0.0)
        for rung, by in scores.items()
    }
    beyond = [seed for seed in seeds if seed not in short] or seeds
    shared = " (shared with the rungs below)" if beyond == seeds else ""
    print(
        f"{measured}, {len(scores[full])} activations; seeds of the full rung: {seeds[0]} to "
        f'{seeds[-1]} but the short one for "one seed", {beyond[0]} to {beyond[-1]}{shared} '
        'for "all seeds"'
    )
    unseen = mean_scores(scores[full], beyond, worst[full])
    print("| rung | one seed | all seeds | all seeds, better half |")
    print("|---|---|---|---|")
    for rung in below:
        singles = []
        for seed in short:
            others = mean_scores(scores[full], [s for s in seeds if s != seed], worst[full])
            singles.append(correlated(mean_scores(scores[rung], [seed], worst[rung]), others))
        every = mean_scores(scores[rung], short, worst[rung])
        print(
            f"| {rung} | {', '.join(singles)} | {correlated(every, unseen)} | "
            f"{correlated(every, better_half(unseen))} |"
        )
    middle = len(seeds) // 2
    first, second = (
        mean_scores(scores[full], part, worst[full]) for part in (seeds[:middle], seeds[middle:])
    )
    print(
        f"full: {full}, {len(seeds)} seeds; the first {middle} against the others: "
        f"{correlated(first, second)}"
    )
    if names is not None:
        final = mean_scores(scores[full], seeds, worst[full])
        for formula in sorted(final, key=lambda formula: -final[formula]):
            cells = [
                f"{statistics.fmean(by.values()):.4f}" if by else "none"
                for by in (scores[rung][formula] for rung in scores)
            ]
            print(f"{' '.join(cells)}  {formula}  {names.get(formula, '')}")


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
    parser.add_argument("--read", type=Path, help="train nothing: the scores of such a file")
    options = parser.parse_args()
    if options.read:
        saved = json.loads(options.read.read_text(encoding="utf-8"))
        scores = {
            rung: {f: {int(s): v for s, v in by.items()} for f, by in formulas.items()}
            for rung, formulas in saved["scores"].items()
        }
        report(
            saved["measured"],
            scores,
            known_contestants(load_task(options.task)) if options.show else None,
        )
        return
    if options.seeds < 2:
        parser.error("--seeds must be 2 or more: a short seed is compared with the others")

    task = load_task(options.task, options.data)
    assert isinstance(task, NetworkTask)
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
    names = known_contestants(task)
    formulas = list(names)
    if options.formulas:
        formulas += [line for line in options.formulas.read_text().splitlines() if line]
    *below, full = task.rungs
    n_seeds = {rung.name: options.short_seeds for rung in below} | {full.name: options.seeds}
    scores = {
        rung.name: {formula: {} for formula in dict.fromkeys(formulas)} for rung in task.rungs
    }
    for record in train(task, list(dict.fromkeys(formulas)), n_seeds, options.workers):
        if record.score is not None:
            scores[record.rung][record.formula][record.seed] = record.score

    measured = f"{options.task}, {machine()}"
    if options.save:
        saved = {"measured": measured, "scores": scores}
        options.save.write_text(json.dumps(saved, indent=1), encoding="utf-8")

    report(measured, scores, names if options.show else None)


if __name__ == "__main__":
    main()
