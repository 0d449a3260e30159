"""How soon hostile input is refused: processor time of the cases of ``tests/security``, best of 5.

The figure to reach is 50 ms a case. Then how long the analysis of formulas takes that are accepted
but expensive, each once. Run: python -m benchmarks.hostile
"""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

from actsearch.errors import ActsearchError
from actsearch.expressions import parse
from tests.security.cases import CASES
from tests.security.expensive import EXPENSIVE
from tests.security.hostile import Case

N_TURNS = 5
LIMIT_S = 0.05


def taken_s(case: Case, folder: Path) -> float:
    """Return the least time that the refusal took; imports are in the first turn."""
    times = []
    for turn in range(N_TURNS + 1):
        place = folder / str(turn)
        place.mkdir()
        call = case.prepare(place)
        start = time.process_time()
        with contextlib.suppress(ActsearchError):
            call()
        times.append(time.process_time() - start)
    return min(times[1:])


def print_expensive() -> None:
    """Print the processor time of each analysis; the first formula is read for the imports."""
    parse("tanh(x)").analyze()
    for name, text in EXPENSIVE.items():
        start = time.process_time()
        parse(text).analyze()
        print(f"analysis of {name:<32} {time.process_time() - start:>5.1f} s")


def processor() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    return platform.machine()


def main() -> None:
    by_group: dict[str, list[tuple[float, str]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for number, case in enumerate(CASES):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            os.environ["ACTSEARCH_CACHE"] = str(folder / "cache")
            by_group[case.group].append((taken_s(case, folder), case.name))
        os.chdir("/")
    every = [time_s for times in by_group.values() for time_s, _ in times]
    print(f"{date.today()}, {processor()}, Python {platform.python_version()}")
    print(f"{'input':<22} {'cases':>5} {'median':>8} {'most':>8}  of which the slowest")
    for group, times in sorted(by_group.items()):
        most_s, name = max(times)
        median_s = statistics.median(time_s for time_s, _ in times)
        print(
            f"{group:<22} {len(times):>5} {1e3 * median_s:>5.1f} ms {1e3 * most_s:>5.1f} ms  {name}"
        )
    slow = sum(time_s > LIMIT_S for time_s in every)
    print(
        f"{'all':<22} {len(every):>5} {1e3 * statistics.median(every):>5.2f} ms "
        f"{1e3 * max(every):>5.1f} ms  {slow} above {1e3 * LIMIT_S:.0f} ms"
    )
    print_expensive()


if __name__ == "__main__":
    main()
