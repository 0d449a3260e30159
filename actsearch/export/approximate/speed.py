"""How fast a stand-in is beside the exact function: measured here, in C where there is a compiler.

Both are compiled alike, timed in one process and in turns; what else the machine does then hits
both. Twice: as fast as this processor can, with vectors, and one number after the other, as a small
device computes.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actsearch.export.approximate.stand_in import StandIn
from actsearch.export.approximate.table_files import table_files
from actsearch.export.text import template
from actsearch.expressions import Expression
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import C

_TIMEOUT_S = 60.0
_KEEP = ("-std=gnu11", "-w", "-fno-math-errno", "-fno-trapping-math")
#: Flags and libraries; of each list the first that compiles is used. ``__FAST_MATH__`` alone lets
#: glibc's header declare its vector functions.
_VECTOR = (
    ((*_KEEP, "-O3", "-march=native", "-fopenmp-simd", "-D__FAST_MATH__"), ("-lmvec", "-lm")),
    ((*_KEEP, "-O3"), ("-lm",)),
)
_SCALAR = (((*_KEEP, "-O2", "-fno-tree-vectorize", "-fno-tree-slp-vectorize"), ("-lm",)),)
_N_TURNS, _N_NUMPY = 15, 65_536


@dataclass(frozen=True)
class Pace:
    """Nanoseconds an element, medians of turns, and the median ratio of the turns.

    Attributes:
        how: What was measured, in a few words.
        exact_ns, stand_in_ns: Of the two.
        ratio: How many times as fast the stand-in is.
    """

    how: str
    exact_ns: float
    stand_in_ns: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"{self.how}: {self.stand_in_ns:.2f} ns an element, exact {self.exact_ns:.2f} "
            f"({self.ratio:.2f} times as fast)"
        )


def speed(stand_in: StandIn) -> tuple[Pace, ...]:
    """Measure the values of a stand-in and of what it stands in for, float32, one thread.

    Returns:
        With vectors and without, in C; where no compiler works, in NumPy.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is not None:
        plans = {"C with vectors": _VECTOR, "C, one by one": _SCALAR}
        measured = [_in_c(compiler, stand_in, how, plan) for how, plan in plans.items()]
        done = tuple(pace for pace in measured if pace is not None)
        if done:
            return done
    return (_in_numpy(stand_in),)


def c_source(stand_in: StandIn) -> str:
    """Return a C program that prints, for each turn, the nanoseconds of both."""
    if stand_in.table is not None:
        table = table_files(stand_in, "stand_in", ("c",))["stand_in.h"]
    else:
        assert stand_in.formula is not None
        table = _function("stand_in", stand_in.formula)
    low, high = stand_in.subject.window
    return template("speed_c.txt").substitute(
        prelude=prelude("float"),
        exact=_function("exact", stand_in.exact),
        stand_in=table,
        low=repr(low),
        high=repr(high),
        turns=_N_TURNS,
    )


def _function(name: str, expression: Expression) -> str:
    body = "\n    ".join(["REAL y;", *C.body([expression.root], ("x",), result="y"), "return y;"])
    return f"ACT_INLINE REAL {name}(REAL x)\n{{\n    {body}\n}}\n"


def _in_c(
    compiler: str,
    stand_in: StandIn,
    how: str,
    plans: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...],
) -> Pace | None:
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "speed.c", Path(folder) / "speed"
        source.write_text(c_source(stand_in), encoding="utf-8")
        for flags, libraries in plans:
            command = [compiler, *flags, "-o", str(program), str(source), *libraries]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
                done = subprocess.run(
                    [str(program)], check=True, capture_output=True, text=True, timeout=_TIMEOUT_S
                )
            except (OSError, subprocess.SubprocessError):
                continue
            rows = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
            return _pace(how, [row[0] for row in rows], [row[1] for row in rows])
    return None


def _in_numpy(stand_in: StandIn) -> Pace:
    low, high = stand_in.subject.window
    x = np.random.default_rng(0).uniform(low, high, _N_NUMPY)
    exact, other = [], []
    for _ in range(_N_TURNS):
        exact.append(_timed(stand_in.exact.evaluate, x))
        other.append(_timed(stand_in.value, x))
    return _pace("NumPy (no C compiler works here)", exact, other)


def _timed(function: Callable[[np.ndarray], object], x: np.ndarray) -> float:
    start = time.perf_counter()
    function(x)
    return (time.perf_counter() - start) / len(x) * 1e9


def _pace(how: str, exact: list[float], other: list[float]) -> Pace:
    ratio = statistics.median(a / b for a, b in zip(exact, other, strict=True))
    return Pace(how, statistics.median(exact), statistics.median(other), ratio)
