"""The search against the plain loop: births judged in the same time, and the better formula.

The plain loop is what a person writes with DEAP alone: ``algorithms.eaSimple`` over the primitives
of the default space as plain torch functions, ``gp.compile``, eager autograd, and one full training
a birth, mapped over two processes. Data, network, recipe, training loop and the bounds on a
formula's size are those of this search, so that the plain loop profits from them as well. Both get
the same wall time, starting their processes included. Then the best formula of each is trained on
fresh seeds and scored on the test split, paired by seed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
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
from torch import Tensor, nn
from torch.nn import functional as F

from actsearch.durations import parse_duration
from actsearch.results.statistics import Scores, paired
from actsearch.runs import RunStore
from actsearch.search import search
from actsearch.search.space import load_space
from actsearch.tasks.classification import activation_factory
from actsearch.tasks.heldout import open_test_split
from actsearch.tasks.protocol import OK, STOPPED
from actsearch.tasks.shipped import shipped_task
from actsearch.tasks.signal import SignalLimits
from actsearch.tasks.training import fit
from actsearch.trials.saved import finalists_of
from benchmarks._timing import machine

WORKERS = 2
FIRST_FRESH_SEED = 20_000
POPULATION, CROSSOVER, MUTATION, TOURNAMENT = 50, 0.5, 0.3, 3
#: The plain loop looks at nothing before it has trained, nor do the fresh trainings.
NO_LIMITS = SignalLimits(
    dead_units=math.inf, variation=-1.0, least_gradient_ratio=-1.0, most_gradient_ratio=math.inf
)
FOREVER = 10**9  # generations; the clock ends it

# The primitives of the default space, as one writes them: log and division protected.
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "neg": torch.neg,
    "abs": torch.abs,
    "square": torch.square,
    "sqrt_abs": lambda a: torch.sqrt(torch.abs(a)),
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log_abs": lambda a: torch.log(torch.abs(a) + 1e-6),
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "sinc": lambda a: torch.sinc(a / math.pi),
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "logsigmoid": F.logsigmoid,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "gauss": lambda a: torch.exp(-a * a),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "aq": lambda a, b: a / torch.sqrt(1 + b * b),
    "max": torch.maximum,
    "min": torch.minimum,
    "gate": lambda a, b: torch.sigmoid(a) * b,
}


class TimeUp(Exception):
    """Ends ``eaSimple``, which knows no clock."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """What one search came to: its best formula, and how many births it judged and trained."""

    finalist: str | None
    n_births: int
    n_trained: int


@functools.cache
def primitives() -> gp.PrimitiveSet:
    """Return the primitive set; a constant reaches the torch functions as a tensor."""
    space = load_space("default")
    found = gp.PrimitiveSet("plain", 1)
    found.renameArguments(ARG0="x")
    for name in space.unary:
        found.addPrimitive(of_tensors(UNARY[name]), 1, name=name)
    for name in space.binary:
        found.addPrimitive(of_tensors(BINARY[name]), 2, name=name)
    found.addEphemeralConstant("constant", functools.partial(random.choice, space.constants.values))
    return found


def of_tensors(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(*values: Tensor | float) -> Tensor:
        return function(*(v if isinstance(v, Tensor) else torch.tensor(v) for v in values))

    return call


class Compiled(nn.Module):
    """A formula of the plain loop as an activation, by eager autograd."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.function = gp.compile(text, primitives())

    def forward(self, x: Tensor) -> Tensor:
        """Return the formula's values, in the shape of ``x``."""
        y = torch.as_tensor(self.function(x), dtype=x.dtype)
        return y if y.shape == x.shape else y.expand_as(x)  # a constant is a function, too


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
    make = activation_factory(text) if own else functools.partial(Compiled, text)
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
        (finalist,) = finalists_of(store, 1)
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
            first = box.population(n=POPULATION)
            algorithms.eaSimple(first, box, CROSSOVER, MUTATION, FOREVER, verbose=False)
        except TimeUp:
            pass
    best = max(judged, default=(-math.inf, ""), key=lambda pair: pair[0])
    return Arm(best[1] if math.isfinite(best[0]) else None, len(judged), len(judged))


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


def cells_of(seed: int, ours: Arm, plain: Arm, scores: tuple[Scores, Scores]) -> Sequence[str]:
    """Return the cells of one evolution seed."""
    ratio = f"{ours.n_births / max(1, plain.n_births):.1f}x"
    births = [str(seed), f"{ours.n_births} ({ours.n_trained})", str(plain.n_births), ratio]
    formulas = [f"`{ours.finalist}`", f"`{plain.finalist}`"]
    means = " / ".join(f"{100 * statistics.fmean(s.values()):.2f}" if s else "-" for s in scores)
    return [*births, means, *difference_of(*scores), *formulas]


def difference_of(ours: Scores, plain: Scores) -> Sequence[str]:
    """Return the cells of the paired difference: mean, interval, p."""
    found = paired(ours, plain)
    if found is None:
        return ["", "", ""]
    interval = f"{100 * found.low:+.2f} to {100 * found.high:+.2f} (n = {found.n})"
    return [f"{100 * found.mean:+.2f}", interval, f"{found.t_p:.2g}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
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
        f"{options.fresh} fresh seeds for each finalist, test accuracy in points\n"
    )
    print("| evolution seed | births judged (trained): ours | plain | ratio "
          "| test accuracy: ours / plain "
          "| difference | 95 % interval | paired t, p | ours | plain |")  # fmt: skip
    print("|---" * 10 + "|", flush=True)
    ratios = []
    every: tuple[dict[int, float], dict[int, float]] = ({}, {})
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            ours = this_search(options.task, budget_s, seed, Path(folder))
            plain = plain_loop(options.task, budget_s, seed)
            ratios.append(ours.n_births / max(1, plain.n_births))
            scores: tuple[Scores, Scores] = ({}, {})
            if ours.finalist is not None and plain.finalist is not None:
                scores = fresh_scores(options.task, ours.finalist, plain.finalist, options.fresh)
            print(f"| {' | '.join(cells_of(seed, ours, plain, scores))} |", flush=True)
            for arm, by_seed in zip(every, scores, strict=True):
                arm |= {1_000_000 * seed + fresh: score for fresh, score in by_seed.items()}
    print(f"\nbirths judged, ours over plain, median of {len(seeds)}: "
          f"{statistics.median(ratios):.1f}x")  # fmt: skip
    mean, interval, p = difference_of(*every)
    print(f"finalists, all trainings paired: {mean} points, {interval}, p = {p}")


if __name__ == "__main__":
    main()
