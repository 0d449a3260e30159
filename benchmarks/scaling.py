"""How far a search scales: busy workers, the driver's own time, and a run of 10,000 births.

Trainings are simulated: they take no time, or virtual time (``tests/search/virtual.py``). The
driver is the real one, with its store on the disk and every commit brought there.

*Workers.* Times of trainings of one length are log-normal with sigma 0.8, and grow with the rung's
steps as those of the default ladder (1 : 2.8 : 7). The whole engine runs on 64 virtual workers with
each lag; then its sequence of heats is run on 1 to 1,024 workers (``benchmarks/_lag.py``), with a
driver that takes no time and with one that takes as long as it was measured to.

*Driver.* The births of one search with one worker; what the driver does between a record and the
next training is timed, and how much of it each part takes. A part's time is without that of parts
that it calls. The processor's time is of the whole process, so that other programs disturb it less.

*Resume.* A process of its own goes on with that run; the time is from its start to the begin of its
first training.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import actsearch
from actsearch.expressions import Expression, parse
from actsearch.runs import RunStore
from actsearch.search.engine import Engine
from actsearch.search.evolution import Breeder
from actsearch.search.faults import Faults
from actsearch.search.given import Seed
from actsearch.search.ledger import Ledger
from actsearch.search.limits import Limits
from actsearch.search.racing import Race
from actsearch.search.space import SearchSpace, load_space
from actsearch.search.surrogate import Surrogate
from actsearch.tasks.protocol import OK, Record, Training
from benchmarks._lag import Load, least_lag, replay, share_of
from benchmarks._timing import machine
from tests.search.virtual import LadderTask, VirtualPool

#: What the driver does, and where; fingerprints and checks of layered formulas are in the rest.
PARTS: dict[str, list[tuple[type, str]]] = {
    "breeding": [(Breeder, "breed"), (Breeder, "random"), (Breeder, "share")],
    "parents": [(Ledger, "parents")],
    "fingerprints": [(Expression, "fingerprint")],
    "checks": [(Faults, "of")],
    "surrogate": [(Surrogate, "guess"), (Surrogate, "learn"), (Surrogate, "_up_to_date")],
    "race": [(Race, "next_promotion"), (Race, "finish"), (Race, "promote")],
    "ledger": [(Ledger, "add_birth"), (Ledger, "add_heat"), (Ledger, "add_training")],
    "store": [(RunStore, "add_births"), (RunStore, "add_heats"), (RunStore, "add_training")],
}
#: Lags that the whole engine is run with.
ENGINE_LAGS = (16, 256, 2048)
#: Seconds that the shortest training may take.
TRAININGS_S = (1.0, 10.0, 60.0)


class RichTask(LadderTask):
    """Records are as large as those of a real training of three layers."""

    def _record(self, training: Training, device: str) -> Record:
        record = super()._record(training, device)
        if record.status != OK:
            return record
        draw = random.Random(repr((training.formula, training.rung, training.seed)))
        metrics = {"train_loss": draw.random(), "validation_loss": draw.random()}
        if record.rung == "full":
            names = ("output_mean", "output_variance", "gradient_variance", "dead", "saturated")
            for layer in range(3):
                metrics |= {f"{name}[{layer}]": draw.random() for name in names}
                metrics |= {
                    f"preactivation_p{p}[{layer}]": draw.gauss(0, 1) for p in range(0, 99, 6)
                }
        n_points, score = (13 if record.rung == "full" else 4), record.score or 0.0
        last = record.curve[-1][0]
        curve = [
            (last * k // n_points, 2 / k, score * k / n_points) for k in range(1, n_points + 1)
        ]
        return replace(record, metrics=metrics, curve=tuple(curve))


class NoStore:
    """Keeps nothing: for searches whose workers alone are looked at."""

    name = "none"

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_options: 0.0


@dataclass
class Clock:
    """Seconds by name, of the wall and of the processor; a part's own ones alone."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    _stack: list[list[Any]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a ``with`` block as part of the name."""
        self._stack.append([0.0, 0.0])
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            inner_wall, inner_cpu = self._stack.pop()
            self.wall[name] = self.wall.get(name, 0.0) + wall - inner_wall
            self.cpu[name] = self.cpu.get(name, 0.0) + cpu - inner_cpu
            if self._stack:
                self._stack[-1][0] += wall
                self._stack[-1][1] += cpu

    def watch(self, owner: type, method: str, name: str) -> None:
        """Time each call of a method from now on."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def timed(*args: Any, **options: Any) -> Any:
            with self.part(name):
                return original(*args, **options)

        setattr(owner, method, timed)


def engine_on(store: Any, space: SearchSpace, task: Any, births: int, seed: int) -> Engine:
    """Return an engine that begins with the seeds of its space."""
    limits = Limits(budget_s=None, births=births, deadline=None)
    ledger = Ledger(task.rungs, space)
    seeds = [Seed(parse(text), "seed") for text in space.seeds]
    return Engine(store=store, ledger=ledger, space=space, seed=seed, limits=limits, seeds=seeds)


def with_lag(space: SearchSpace, lag: int, offspring: int | None = None) -> SearchSpace:
    screening = space.screening
    if offspring is not None:
        screening = screening.model_copy(update={"offspring": offspring})
    evolution = space.evolution.model_copy(update={"lag": lag})
    return space.model_copy(update={"evolution": evolution, "screening": screening})


# -- workers -----------------------------------------------------------------------------------


def heats_on(n_workers: int, lag: int, births: int, seed: int) -> tuple[VirtualPool, Ledger]:
    """Run a search of the default space, one offspring a training, on virtual workers."""
    task = LadderTask()
    engine = engine_on(NoStore(), with_lag(load_space("default"), lag, 1), task, births, seed)
    pool = VirtualPool(n_workers, task)
    engine.run(pool)
    return pool, engine._ledger


def workers(births: int, driver_s: float, seed: int) -> None:
    print(f"\nThe whole engine on 64 virtual workers ({births} births, one a training, sigma 0.8)")
    print("| lag | busy | trainings |\n|---|---|---|")
    ledgers = {}
    for lag in ENGINE_LAGS:
        pool, ledgers[lag] = heats_on(64, lag, births, seed)
        print(f"| {lag} | {pool.share:.1%} | {pool.n_trainings} |", flush=True)
    # Of these there is a search to speak of: with a larger lag most of its births are the first.
    ledger = ledgers[ENGINE_LAGS[1]]
    shortest = LadderTask.rungs[0].steps
    lengths = {rung.name: rung.steps / shortest for rung in LadderTask.rungs}
    load = Load([(lengths[heat.rung], len(heat.seeds)) for heat in ledger.heats])
    print(f"\nIts {len(load.heats)} heats over and over on more and fewer workers: share busy")
    print("| workers | lag 16 | lag 32 times the workers | least lag for 95 % | sigma 0.6 | 0.3 |")
    print("|---|---|---|---|---|---|")
    for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        leasts = [least_lag(replace(load, sigma=sigma), n) for sigma in (0.8, 0.6, 0.3)]
        shares = [share_of(load, n, lag) for lag in (16, 32 * n)]
        print(
            "|", " | ".join(map(str, [n, *(f"{s:.1%}" for s in shares), *leasts])), "|", flush=True
        )
    print("\nTrainings a time unit, against one worker, lag 128 times the workers; driver free,")
    print(f"and {1000 * driver_s:.1f} ms a training where the shortest one takes so many seconds")
    print("| workers | free |", " | ".join(f"{s:g} s" for s in TRAININGS_S), "|")
    print("|---|---|" + "---|" * len(TRAININGS_S))
    one = replay(load, 1, 128, 8000).rate
    for n in (1, 4, 16, 64, 256, 1024):
        loads = [load, *(replace(load, driver=driver_s / s) for s in TRAININGS_S)]
        rates = [replay(each, n, 128 * n, max(8000, 60 * n)).rate / one for each in loads]
        print("|", " | ".join([str(n), *(f"{rate:.1f}" for rate in rates)]), "|", flush=True)


# -- driver ------------------------------------------------------------------------------------


class Watched:
    """A pool of one worker that notes when the driver was at work, and with how many births."""

    devices: tuple[str, ...] = ("cpu",)
    n_workers = 1

    def __init__(self, task: Any, store: RunStore) -> None:
        self._task, self._store = task, store
        #: Seconds of the driver between two trainings (wall, processor), births, most memory (KB).
        self.marks: list[tuple[float, float, int, int]] = []

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:  # noqa: ARG002
        """Train one after the other, in no time."""
        wall, cpu = time.perf_counter(), time.process_time()
        while (job := next_job()) is not None:
            taken = time.perf_counter() - wall, time.process_time() - cpu
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.marks.append((*taken, self._store.n_births(), memory))
            record = self._task.train([job.training])[0]
            wall, cpu = time.perf_counter(), time.process_time()
            yield job, record

    def close(self) -> None:
        """Do nothing: there is nothing to end."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def driver(births: int, folder: Path, seed: int, offspring: int | None, watch: bool) -> float:
    """Make a run of so many births, print what the driver needed, return its seconds a training."""
    task, clock = RichTask(), Clock()
    space = with_lag(load_space("default"), 16, offspring)
    if watch:
        for name, methods in PARTS.items():
            for owner, method in methods:
                clock.watch(owner, method, name)
    config = {"rungs": [rung.settings() for rung in task.rungs]}
    with RunStore.create(folder, config, {}) as store, store.session({}):
        engine = engine_on(store, space, task, births, seed)
        pool = Watched(task, store)
        with clock.part("the rest"):
            engine.run(pool)
    marks = pool.marks[1:]
    n_births, n = marks[-1][2] - marks[0][2], len(marks)
    walls, cpus = [m[0] for m in marks], [m[1] for m in marks]
    print(f"\nDriver: {n_births} births, {n} trainings, {space.screening.offspring} offspring each")
    print("| | wall | processor |\n|---|---|---|")
    print(f"| ms a birth | {1e3 * sum(walls) / n_births:.2f} | {1e3 * sum(cpus) / n_births:.2f} |")
    print(f"| ms a training | {1e3 * sum(walls) / n:.2f} | {1e3 * sum(cpus) / n:.2f} |")
    for q in (50, 90, 99):
        at = [1e3 * statistics.quantiles(each, n=100)[q - 1] for each in (walls, cpus)]
        print(f"| {q} % of trainings | {at[0]:.1f} ms | {at[1]:.1f} ms |")
    if watch:
        total = sum(clock.cpu.values())
        print("\n| part | ms a birth (wall) | ms a birth (processor) | share |\n|---|---|---|---|")
        for name in sorted(clock.cpu, key=lambda name: -clock.cpu[name]):
            wall, cpu = (1e3 * each[name] / n_births for each in (clock.wall, clock.cpu))
            print(f"| {name} | {wall:.3f} | {cpu:.3f} | {clock.cpu[name] / total:.0%} |")
    else:
        print("\n| births | ms a birth (wall) | processor | most memory, MB |\n|---|---|---|---|")
        step = max(1000, births // 10)
        for begin in range(0, births, step):
            part = [m for m in marks if begin <= m[2] < begin + step]
            bred = max(1, part[-1][2] - part[0][2])
            wall, cpu = (1e3 * sum(m[k] for m in part[1:]) / bred for k in (0, 1))
            print(f"| {begin}- | {wall:.2f} | {cpu:.2f} | {part[-1][3] / 1e3:.0f} |")
    return sum(walls) / n


# -- resume ------------------------------------------------------------------------------------


class Halting(RichTask):
    """Says when the first training of the process begins, and ends the process."""

    def train(self, *_args: Any, **_options: Any) -> Any:
        """End the process."""
        print(time.time())
        sys.stdout.flush()
        os._exit(0)


def resumed(births: int, runs_dir: Path, seed: int) -> None:
    """Make a run by the public door and print how long it takes to go on with it."""
    actsearch.search(
        "default", RichTask(), births=births, seed=seed, workers=1, run="r", runs_dir=runs_dir
    )
    size = sum(file.stat().st_size for file in (runs_dir / "r").iterdir())
    command = [sys.executable, "-m", "benchmarks.scaling", "--resume", str(runs_dir / "r")]
    taken = []
    for _ in range(5):
        begin = time.time()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken.append(float(done.stdout.split()[-1]) - begin)
    print(
        f"\nRun of {births} births: {size / 1e6:.1f} MB; from the start of a process to the first"
    )
    print(
        f"training of `resume`: {statistics.median(taken):.2f} s (5 times, most {max(taken):.2f})"
    )


def go_on(folder: Path) -> None:
    actsearch.resume(folder, task=Halting(), births=10**6, workers=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--births", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("workers", "driver", "resume"))
    parser.add_argument("--driver-s", type=float, help="seconds a training, instead of measured")
    parser.add_argument("--resume", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resume is not None:
        go_on(options.resume)
        return
    print(machine(), f"load {os.getloadavg()[0]:.1f}", sep=", ")
    with tempfile.TemporaryDirectory() as name:
        folder, driver_s = Path(name), options.driver_s or 0.005
        if options.only in (None, "driver"):
            driver_s = driver(options.births, folder / "a", options.seed, None, watch=False)
            driver(2000, folder / "b", options.seed, 1, watch=False)
        if options.only in (None, "resume"):
            resumed(options.births, folder, options.seed)
        if options.only in (None, "workers"):
            workers(options.births, options.driver_s or driver_s, options.seed)
        if options.only in (None, "driver"):  # the last, as it slows all down
            driver(options.births, folder / "c", options.seed, None, watch=True)


if __name__ == "__main__":
    main()
