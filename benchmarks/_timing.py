"""How the benchmarks measure: alternately, in one process, medians with their spread.

What else the machine does then hits all that is compared, and ratios stay.
"""

from __future__ import annotations

import ctypes
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import torch


def keep_memory() -> None:
    """Let glibc keep freed memory: else some calls, at random, pay for fetching it anew."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            libc.mallopt(option, 1 << 30)


def alternate(
    work: Mapping[str, Callable[[], object]], *, repeats: int, least_s: float = 0.002
) -> dict[str, list[float]]:
    """Return the seconds of each piece of work, ``repeats`` times, taken in turns.

    Args:
        work: Called with no arguments.
        repeats: Turns.
        least_s: Short work is repeated within a turn until it takes about so long.
    """
    counts = {}
    for name, call in work.items():
        call()  # compiles, fills caches
        start = time.perf_counter()
        call()
        counts[name] = max(1, round(least_s / max(time.perf_counter() - start, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, call in work.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                call()
            times[name].append((time.perf_counter() - start) / counts[name])
    return times


def ratio(above: list[float], below: list[float]) -> float:
    """Return the median ratio of times that were taken in the same turns."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def spread(values: list[float]) -> str:
    """Return the median with the quartiles, as ``3.1 (2.4-4.0)``."""
    if len(values) < 2:
        return f"{values[0]:.2f}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def machine() -> str:
    """Return what the numbers were measured on."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{date.today()}, {name}, {n} cores, torch {torch.__version__} on "
        f"{torch.get_num_threads()} threads, Python {platform.python_version()}"
    )
