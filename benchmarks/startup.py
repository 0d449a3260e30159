"""How long `actsearch --help` takes, beside an empty Python.

The figure to reach is 0.3 s. Run: python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

N_RUNS = 10

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "actsearch --help": ["-m", "actsearch.cli.main", "--help"],
    "actsearch search --help": ["-m", "actsearch.cli.main", "search", "--help"],
    "import actsearch": ["-c", "import actsearch"],
}


def median_s(arguments: list[str]) -> float:
    times = []
    for _ in range(N_RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(f"median of {N_RUNS} runs, wall time")
    empty_s = None
    for name, arguments in COMMANDS.items():
        time_s = median_s(arguments)
        empty_s = empty_s or time_s
        print(f"{name:<26} {time_s:6.3f} s   {time_s / empty_s:5.1f} x an empty Python")


if __name__ == "__main__":
    main()
