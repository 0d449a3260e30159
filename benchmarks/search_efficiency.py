"""The search against the plain loop: births judged in the same time, and the better formula.

The plain loop is what a person writes with DEAP alone: ``algorithms.eaSimple`` over the primitives
of the default space as plain torch functions, ``gp.compile``, eager autograd, and one full training
a birth, mapped over two processes. Data, network, recipe, training loop and the bounds on a
formula's size are those of this search, so that the plain loop profits from them as well. Both
start from the known activations: the plain loop's first 50 are those that its primitives can write
as trees within the bounds (left out are those with learned parameters, or with primitives that are
not in the default space), the rest of the 50 are random. Both get the same wall time, starting
their processes included. Then the best formula of each that is no known activation is trained on
fresh seeds and scored on the test split, paired by seed.

A birth is *judged* when its search has settled what becomes of it. Here that is: found to be the
same function as an earlier one, rejected by a check, screened by the surrogate's guess, or trained,
be it at the shortest rung alone. It is *trained* when it had a training at any rung. The plain loop
judges by full trainings alone, so that its births are all both.

Two tests are printed. All trainings paired: one difference a fresh seed and pair of formulas, which
compares these formulas and says little of what other evolution seeds would find. And one difference
an evolution seed, the mean of its trainings, which compares the searches.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import math
import multiprocessing
import operator
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from deap import algorithms, base, creator, gp, tools

from actsearch.durations import parse_duration
from actsearch.results.statistics import Scores, differences, interval, paired, paired_t
from actsearch.runs import RunStore
from actsearch.search import search
from actsearch.search.space import load_space
from actsearch.tasks.heldout import open_test_split
from actsearch.tasks.protocol import OK, STOPPED
from actsearch.tasks.shipped import shipped_task
from actsearch.tasks.signal import SignalLimits
from actsearch.tasks.training import fit
from actsearch.tasks.units import FormulaFactory
from actsearch.trials.saved import NothingToConfirm, finalists_of
from benchmarks._plain import Compiled, best_unknown, known_trees, primitives
from benchmarks._timing import machine

WORKERS = 2
FIRST_FRESH_SEED = 20_000
POPULATION, CROSSOVER, MUTATION, TOURNAMENT = 50, 0.5, 0.3, 3
#: For the plain loop and the fresh trainings, which turn nothing away by these bounds. What gives
#: no finite number, only zeros or no gradient at all on the first batch still ends there.
NO_LIMITS = SignalLimits(
    dead_units=math.inf, variation=-1.0, least_gradient_ratio=-1.0, most_gradient_ratio=math.inf
)
FOREVER = 10**9  # generations; the clock ends it


class TimeUp(Exception):
    """Ends ``eaSimple``, which knows no clock."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """What one search came to: its best formula, and how many births it judged and trained."""

    finalist: str | None
    n_births: int
    n_trained: int


def one_thread() -> None:
    torch.set_num_threads(1)


def train(
    task_name: str, text: str, seed: int, *, own: bool, test: bool, deadline: float | None = None
) -> tuple[str, float | None]:
    """Train in full; return the status and the accuracy on validation or test data.

    Args:
        task_name: a shipped task.
        text: a formula, of this search if ``own``, else of the plain loop.
        seed: of the training.
        own: whose formula it is.
        test: score on the test split.
        deadline: a ``time.time()`` value.
    """
    task, data = opened(task_name, test)
    make = FormulaFactory(text) if own else functools.partial(Compiled, text)
    try:
        outcome = fit(
            make,
            task.network,
            data,
            dataclasses.replace(task.recipe, signal=NO_LIMITS),
            steps=task.rungs[-1].steps,
            seed=seed,
            deadline=deadline,
        )
    except (ArithmeticError, RuntimeError, TypeError, ValueError):
        return "failed", None  # what people's evaluation functions catch
    return outcome.status, outcome.score


@functools.cache
def opened(task_name: str, test: bool) -> tuple[Any, Any]:
    """Return task and data, in each process once; for ``test`` it stands where validation was."""
    task = shipped_task(task_name)
    data = task.open_data()
    if test:
        data = dataclasses.replace(data, validation=open_test_split(task).test)
    return task, data


def new_pool() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(WORKERS, mp_context=spawn, initializer=one_thread)


def this_search(task_name: str, budget_s: float, seed: int, folder: Path) -> Arm:
    """Search as ``actsearch search`` does, without confirming."""
    result = search(
        space="default",
        task=task_name,
        budget=budget_s,
        seed=seed,
        workers=WORKERS,
        devices="cpu",
        run=f"efficiency-{seed}",
        runs_dir=folder,
    )
    with RunStore.open(result.path) as store:
        trained = {row.birth_id for row in store.trainings()}
        n_judged = sum(b.status != "accepted" or b.id in trained for b in store.births())
        try:
            (finalist,) = finalists_of(store, 1)
        except NothingToConfirm:
            finalist = None
    return Arm(finalist, n_judged, len(trained))


def plain_loop(task_name: str, budget_s: float, seed: int) -> Arm:
    """Search by DEAP's ``eaSimple``, one full training a birth, until the time is up."""
    deadline = time.time() + budget_s
    if not hasattr(creator, "PlainFitness"):
        creator.create("PlainFitness", base.Fitness, weights=(1.0,))
        creator.create("PlainTree", gp.PrimitiveTree, fitness=creator.PlainFitness)
    random.seed(seed)
    shape, pset = load_space("default").shape, primitives()
    judged: list[tuple[float, str]] = []

    with new_pool() as pool:

        def timed_map(evaluate: Callable[[str], Any], trees: Iterable[Any]) -> list[tuple[float]]:
            texts = [str(tree) for tree in trees]
            values = []
            for text, (status, score) in zip(texts, pool.map(evaluate, texts), strict=True):
                if status == STOPPED:
                    continue
                value = score if status == OK and score is not None else -math.inf
                judged.append((value, text))
                values.append((value,))
            if time.time() >= deadline:
                raise TimeUp
            return values

        box = base.Toolbox()
        box.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=3)
        box.register("individual", tools.initIterate, creator.PlainTree, box.expr)
        box.register("population", tools.initRepeat, list, box.individual)
        box.register(
            "evaluate",
            functools.partial(train, task_name, seed=0, own=False, test=False, deadline=deadline),
        )
        box.register("map", timed_map)
        box.register("select", tools.selTournament, tournsize=TOURNAMENT)
        box.register("mate", gp.cxOnePoint)
        box.register("grown", gp.genFull, min_=0, max_=2)
        box.register("mutate", gp.mutUniform, expr=box.grown, pset=pset)
        for variation in ("mate", "mutate"):
            box.decorate(variation, gp.staticLimit(operator.attrgetter("height"), shape.max_depth))
            box.decorate(variation, gp.staticLimit(len, shape.max_nodes))
        try:
            first = [creator.PlainTree(tree) for tree in known_trees()]
            first += box.population(n=POPULATION - len(first))
            algorithms.eaSimple(first, box, CROSSOVER, MUTATION, FOREVER, verbose=False)
        except TimeUp:
            pass
    return Arm(best_unknown(judged), len(judged), len(judged))


def fresh_scores(
    task_name: str, ours: str, plain: str, n: int
) -> tuple[dict[int, float], dict[int, float]]:
    """Train both formulas with fresh seeds; return their scores on the test split by seed."""
    seeds = range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + n)
    with new_pool() as pool:
        answers = [
            {s: pool.submit(train, task_name, text, s, own=own, test=True) for s in seeds}
            for text, own in ((ours, True), (plain, False))
        ]
        found = [{seed: job.result()[1] for seed, job in jobs.items()} for jobs in answers]
    ours_by_seed, plain_by_seed = (
        {seed: score for seed, score in by_seed.items() if score is not None} for by_seed in found
    )
    return ours_by_seed, plain_by_seed


def ratios_of(ours: Arm, plain: Arm) -> tuple[float, float]:
    """Return ours over plain, of the births judged and of those trained."""
    return ours.n_births / max(1, plain.n_births), ours.n_trained / max(1, plain.n_trained)


def cells_of(
    seed: int, ours: Arm, plain: Arm, scores: tuple[Scores, Scores], n_fresh: int
) -> Sequence[str]:
    """Return the cells of one evolution seed."""
    births = [str(seed), f"{ours.n_births} ({ours.n_trained})", str(plain.n_births)]
    ratios = [f"{ratio:.1f}x" for ratio in ratios_of(ours, plain)]
    formulas = [f"`{arm.finalist}`" if arm.finalist else "none" for arm in (ours, plain)]
    accuracy = " / ".join(accuracy_of(by_seed, n_fresh) for by_seed in scores)
    gains = difference_of(*scores) if complete(scores, n_fresh) else ["", "", ""]
    return [*births, *ratios, accuracy, *gains, *formulas]


def accuracy_of(scores: Scores, n_fresh: int) -> str:
    """Return the mean score in points, and how many trainings gave none."""
    mean = f"{100 * statistics.fmean(scores.values()):.2f}" if scores else "-"
    n_failed = n_fresh - len(scores)
    return f"{mean} ({n_failed} of {n_fresh} failed)" if n_failed else mean


def complete(scores: tuple[Scores, Scores], n_fresh: int) -> bool:
    """Tell whether all fresh trainings gave a score; of the rest alone no test is made."""
    return all(len(by_seed) == n_fresh for by_seed in scores)


def difference_of(ours: Scores, plain: Scores) -> Sequence[str]:
    """Return the cells of the paired difference: mean, interval, p."""
    found = paired(ours, plain)
    if found is None:
        return ["", "", ""]
    between = f"{100 * found.low:+.2f} to {100 * found.high:+.2f} (n = {found.n})"
    return [f"{100 * found.mean:+.2f}", between, f"{found.t_p:.2g}"]


def summary(pairs: Sequence[tuple[Scores, Scores]], n_seeds: int) -> list[str]:
    """Return the lines below the table: both tests of the finalists' differences.

    Args:
        pairs: an evolution seed's fresh scores of our finalist and the plain one, where complete.
        n_seeds: how many evolution seeds there were.
    """
    lines = []
    if len(pairs) < n_seeds:
        lines.append(
            f"{n_seeds - len(pairs)} of {n_seeds} evolution seeds left out below: an arm without a "
            "finalist, or fresh trainings that failed"
        )
    if not pairs:
        return lines
    every = [dict(enumerate(itertools.chain(*(one[arm].values() for one in pairs))))
             for arm in (0, 1)]  # fmt: skip
    mean, between, p = difference_of(*every)
    lines.append(
        f"these formulas (all trainings paired; says nothing of other searches): {mean} points, "
        f"95 % interval {between}, p = {p}"
    )
    gains = [statistics.fmean(differences(ours, plain)) for ours, plain in pairs]
    if len(gains) < 2:
        lines.append("the searches (one mean difference an evolution seed): two seeds are needed")
        return lines
    low, high = interval(gains)
    mean = f"{100 * statistics.fmean(gains):+.2f}"
    lines.append(
        f"the searches (one mean difference an evolution seed): {mean} "
        f"points, 95 % interval {100 * low:+.2f} to {100 * high:+.2f} (n = {len(gains)}), "
        f"p = {paired_t(gains):.2g}"
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="mnist1d-cnn")
    parser.add_argument("--budget", default="5m")
    parser.add_argument("--seeds", default="0,1,2", help="of the evolution, with commas")
    parser.add_argument("--fresh", type=int, default=10, help="fresh seeds for both finalists")
    options = parser.parse_args()
    budget_s = parse_duration(options.budget)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    shipped_task(options.task).prepare()  # both find the data made
    print(
        f"{machine()}, {WORKERS} workers, {options.task}, {options.budget} an arm, "
        f"{options.fresh} fresh seeds for each finalist, test accuracy in points; the plain loop "
        f"starts from {len(known_trees())} of the known activations\n"
    )
    print("| evolution seed | births judged (trained): ours | plain | ratio judged | ratio trained "
          "| test accuracy: ours / plain "
          "| difference | 95 % interval | paired t, p | ours | plain |")  # fmt: skip
    print("|---" * 11 + "|", flush=True)
    ratios: list[tuple[float, float]] = []
    pairs: list[tuple[Scores, Scores]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            ours = this_search(options.task, budget_s, seed, Path(folder))
            plain = plain_loop(options.task, budget_s, seed)
            ratios.append(ratios_of(ours, plain))
            n_fresh = 0  # without both finalists nothing is trained, and nothing failed
            scores: tuple[Scores, Scores] = ({}, {})
            if ours.finalist is not None and plain.finalist is not None:
                n_fresh = options.fresh
                scores = fresh_scores(options.task, ours.finalist, plain.finalist, n_fresh)
            print(f"| {' | '.join(cells_of(seed, ours, plain, scores, n_fresh))} |", flush=True)
            if n_fresh and complete(scores, n_fresh):
                pairs.append(scores)
    judged, trained = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"\nbirths, ours over plain, median of {len(seeds)}: judged {judged:.1f}x, "
          f"trained {trained:.1f}x")  # fmt: skip
    for line in summary(pairs, len(seeds)):
        print(line)


if __name__ == "__main__":
    main()
