"""How long `inspect` and `report` take on a run of 10,000 births: lists, one birth, the whole page.

The run is made in a temporary folder by a search whose trainings are only pretended. Each command
is a process of its own, as a user types it; printed are medians of several, wall time and the
processor's time, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from actsearch.search import search
from tests.search.simulated import SimulatedTask

COMMANDS = {
    "inspect RUN": (),
    "inspect RUN --all": ("--all",),
    "inspect RUN --births": ("--births",),
    "inspect RUN --rejected": ("--rejected",),
    "inspect RUN --where": ("--births", "--where", "score>0.8", "--sort", "-score"),
    "inspect RUN --format json": ("--format", "json"),
    "inspect RUN ID": ("0",),
    "inspect RUN RUN": ("other",),
}
#: The file of the report, in the temporary folder.
PAGE = "page.html"


def made_run(folder: Path, births: int) -> Path:
    """Make a run of so many births, and a second name for it."""
    path = search(
        task=SimulatedTask(), births=births, workers=1, devices="cpu", run="big", runs_dir=folder
    ).path
    (folder / "other").symlink_to(path, target_is_directory=True)
    return path


def measure(verb: str, arguments: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Run a command on the run once and return wall seconds and processor seconds."""
    command = [sys.executable, "-m", "actsearch", verb, "big", *arguments]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"ACTSEARCH_RUNS": str(folder)},
    )
    wall_s, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, spent_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--births", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--run", type=Path, help="measure on this run instead of making one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if options.run is None:
            made_run(folder, options.births)
        else:
            for name in ("big", "other"):
                (folder / name).symlink_to(options.run.absolute(), target_is_directory=True)
        print(f"load average at the start: {os.getloadavg()[0]:.1f}; medians of {options.repeats}")
        commands = [(name, "inspect", arguments) for name, arguments in COMMANDS.items()]
        commands.append(("report RUN", "report", ("--out", str(folder / PAGE))))
        for name, verb, arguments in commands:
            found = [measure(verb, arguments, folder) for _ in range(options.repeats)]
            wall_s, spent_s = (statistics.median(values) for values in zip(*found, strict=True))
            print(f"{name:<26} {wall_s:5.2f} s wall, {spent_s:5.2f} s of the processor")
        print(f"the report has {(folder / PAGE).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
