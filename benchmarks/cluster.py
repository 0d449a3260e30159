"""What a cluster costs the driver: two workers by Dask beside two by loky, and an idle search.

Trainings do nothing, or sleep for a while. The processor's time is of the driver's process with all
its threads; with `local:2` the scheduler is one of them, with a scheduler of its own it is not.
Run: python -m benchmarks.cluster
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.tasks.protocol import OK, Record, Rung, Training
from actsearch.workers import WAIT, Cluster, Job, make_pool
from actsearch.workers.cluster.link import Link
from benchmarks._timing import machine


@dataclass(frozen=True)
class Sleepy:
    """Trains for as long as its formula says."""

    name: str = "sleepy"
    score_name: str = "score"
    rungs: tuple[Rung, ...] = (Rung("full", 1, (0,)),)

    def prepare(self) -> None:
        """Do nothing."""

    def settings(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Sleep."""
        del deadline
        (t,) = trainings
        time.sleep(float(t.formula))
        return [Record(t.formula, t.rung, t.seed, OK, 0.5, {}, (), 0.0, device)]


@dataclass(frozen=True)
class Cost:
    """Of one training."""

    wall_s: float
    cpu_s: float


def cost(link: Link | None, seconds: float, n: int) -> Cost:
    """Return what a training costs, once the workers are there."""
    given = iter([Job((k, k), Training(str(seconds), "full", k)) for k in range(n + 8)])
    n_done, begin = 0, (0.0, 0.0)
    with make_pool(Sleepy(), workers=2, link=link) as pool:
        for _ in pool.stream(lambda: next(given, None)):
            n_done += 1
            if n_done == 8:
                begin = (time.perf_counter(), time.process_time())
        wall_s = (time.perf_counter() - begin[0]) / n
        return Cost(wall_s, (time.process_time() - begin[1]) / n)


def idle(link: Link | None, seconds: float) -> float:
    """Return the share of a processor that a driver takes which has nothing to hand out."""
    first = iter([Job((0, 0), Training("0", "full", 0))])
    end: list[float] = []

    def next_job() -> Any:
        if end and time.perf_counter() > end[0]:
            return None
        return next(first, WAIT)

    with make_pool(Sleepy(), workers=2, link=link) as pool:
        begin = 0.0
        for _ in pool.stream(next_job):
            end.append(time.perf_counter() + seconds)
            begin = time.process_time()
        return (time.process_time() - begin) / seconds


@contextmanager
def scheduler() -> Iterator[str]:
    """Run a scheduler and two workers as processes of their own; yield the address."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        root = str(Path(__file__).resolve().parents[1])

        def start(*arguments: str) -> None:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "dask",
                    *arguments,
                    "--no-dashboard",
                    "--dashboard-address",
                    "127.0.0.1:0",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": root},
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)

        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        while not file.exists() or not file.read_text().strip():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        for _ in range(2):
            start("worker", address, "--nthreads", "1", "--host", "127.0.0.1")
        yield address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    with ExitStack() as stack:
        address = stack.enter_context(scheduler())
        there = stack.enter_context(Link(Cluster(address, wait_s=60)))
        while len(there.workers()) < 2:
            time.sleep(0.1)
        local = stack.enter_context(Link(Cluster("local:2")))
        links: dict[str, Link | None] = {"loky": None, "scheduler": there, "local:2": local}
        for seconds in (0.0, 0.1):
            n = options.trainings if not seconds else options.trainings // 4
            found: dict[str, list[Cost]] = {name: [] for name in links}
            for _ in range(options.repeats):
                for name, link in links.items():
                    found[name].append(cost(link, seconds, n))
            print(f"\ntrainings of {1000 * seconds:g} ms, two workers, median of {options.repeats}")
            for name, costs in found.items():
                _say(name, costs, found["loky"])
        print("\nnothing to hand out, share of a processor")
        for name, link in links.items():
            print(f"{name:<10} {100 * idle(link, 3.0):5.1f} %")


def _say(name: str, costs: Sequence[Cost], beside: Sequence[Cost]) -> None:
    def middle(of: Callable[[Cost], float], these: Sequence[Cost]) -> float:
        return 1000 * statistics.median(map(of, these))

    wall, cpu = middle(lambda c: c.wall_s, costs), middle(lambda c: c.cpu_s, costs)
    ratio = cpu / middle(lambda c: c.cpu_s, beside)
    print(f"{name:<10} {wall:6.2f} ms a training, driver {cpu:5.2f} ms ({ratio:4.1f} x loky)")


if __name__ == "__main__":
    main()
