"""At which learning rate the known activations are at their best, task by task.

A task trains every candidate with one learning rate. Where that is too low for what is known, a new
function wins by learning faster, as a known one would with a factor in front; so the shipped rates
are those at which the best of the known activations are best. Validation split, full length, seeds
that no search uses.

    python -m benchmarks.rates --task mnist1d-cnn --seeds 2
    python -m benchmarks.rates --task cifar10-cnn --data DIR --factors 0.5,1,2,4
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import deque
from pathlib import Path

from actsearch.results.hall import with_error
from actsearch.results.statistics import mean_and_error
from actsearch.tasks.protocol import Training
from actsearch.tasks.registry import load_task
from actsearch.trials.saved import known_contestants
from actsearch.trials.tuned import TunedTask, rung_of
from actsearch.workers import Job, make_pool
from benchmarks._timing import machine

FIRST_SEED = 3_000_000
WORKERS = 2
#: How many of the known count: those that are best at some rate.
N_BEST = 10


def main() -> None:
    """Train the known activations at each rate and print how the best of them do."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--task", default="mnist1d-cnn")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--factors", default="0.5,1,2,4,8", help="times the shipped rate")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", help="some of the known activations, with commas")
    options = parser.parse_args()

    task = load_task(options.task, options.data)
    shipped = task.settings()["recipe"]["learning_rate"]
    rates = tuple(float(f"{shipped * float(f):.3g}") for f in options.factors.split(","))
    tuned = TunedTask(task, learning_rates=rates)
    wanted = {name.strip() for name in (options.only or "").split(",")} - {""}
    names = {f: name for f, name in known_contestants(task).items() if not wanted or name in wanted}
    formulas = list(names)

    tuned.prepare()
    tuned.compile(formulas)
    jobs = deque(
        Job((number, 1000 * index + seed), Training(formula, rung_of(rate), FIRST_SEED + seed))
        for seed in range(options.seeds)
        for index, rate in enumerate(rates)
        for number, formula in enumerate(formulas)
    )
    scores: dict[tuple[float, str], list[float]] = {}
    rate_of = {rung_of(rate): rate for rate in rates}
    with make_pool(tuned, workers=WORKERS) as pool:
        for _, record in pool.stream(lambda: jobs.popleft() if jobs else None):
            if record.score is not None:
                scores.setdefault((rate_of[record.rung], record.formula), []).append(record.score)

    mean = {key: statistics.mean(values) for key, values in scores.items()}
    print(f"{machine()}, {options.task}, {tuned.score_name}, {options.seeds} seeds\n")
    print(f"| learning rate | best known | mean of the best {N_BEST} | trained |")
    print("|---|---|---|---|")
    for rate in rates:
        at = sorted(((mean[rate, f], f) for f in formulas if (rate, f) in mean), reverse=True)
        best = ""
        if at:
            best_formula = at[0][1]
            shown = with_error(*mean_and_error(scores[rate, best_formula]))
            best = f"{shown} {names[best_formula]}"
        top = [score for score, _ in at[:N_BEST]]
        average = f"{statistics.mean(top):.4f}" if top else ""
        mark = " (shipped)" if rate == shipped else ""
        print(f"| {rate:g}{mark} | {best} | {average} | {len(at)} of {len(formulas)} |")
    print("\nthe best, and the rate that each is best at:")
    own = {f: max((mean.get((r, f), -math.inf), r) for r in rates) for f in formulas}
    for formula in sorted(formulas, key=lambda f: -own[f][0])[:N_BEST]:
        print(f"  {names[formula]:15} {own[formula][0]:.4f} at {own[formula][1]:g}")


if __name__ == "__main__":
    main()
