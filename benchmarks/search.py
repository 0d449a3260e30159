"""Where the time of a search goes: two workers against one, and the share outside training.

Prints ratios of runs made one after the other with the same births, medians of several. The runs
are made in a temporary folder and thrown away.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from actsearch.runs import RunStore
from actsearch.search import search


def measure(task: str, births: int, workers: int, folder: Path) -> tuple[float, float, int]:
    """Return wall seconds, seconds spent in trainings, and the number of trainings."""
    name = f"w{workers}-{time.monotonic_ns()}"
    start = time.monotonic()
    search(task=task, births=births, workers=workers, run=name, runs_dir=folder, devices="cpu")
    wall_s = time.monotonic() - start
    with RunStore.open(folder / name) as store:
        rows = store.trainings()
    return wall_s, sum(row.time_s for row in rows), len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="mnist1d-mlp")
    parser.add_argument("--births", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    speedups, outside = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            one_s, trained_s, n = measure(options.task, options.births, 1, Path(folder))
            two_s, _, _ = measure(options.task, options.births, 2, Path(folder))
            speedups.append(one_s / two_s)
            outside.append(1 - trained_s / one_s)
            print(f"{n} trainings: one worker {one_s:.1f} s, two workers {two_s:.1f} s")
    print(f"two workers against one, evaluations per minute: {statistics.median(speedups):.2f}x")
    print(f"share of one worker's time outside training: {statistics.median(outside):.1%}")


if __name__ == "__main__":
    main()
