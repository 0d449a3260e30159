"""Kernels against what else there is: eager autograd, torch.compile, F.silu, F.mish, F.gelu.

Thirty random expressions (seeded, from the default space's primitives) and every known activation,
forward and backward together. Ratios are of times taken in turns in one process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

from actsearch import kernels
from actsearch.expressions import KNOWN, Expression, parse
from actsearch.kernels import eager, native
from actsearch.search.evolution import Breeder
from actsearch.search.space import load_space
from benchmarks._timing import alternate, keep_memory, machine, ratio, spread

N_RANDOM = 30
BATCH = 16


def random_expressions(n: int, seed: int) -> list[Expression]:
    """Return formulas that the default search would train: different functions, checked."""
    breeder, found = Breeder(load_space("default"), seed), dict[str, Expression]()
    number = 0
    while len(found) < n:
        expression = breeder.random(number).expression
        number += 1
        assert isinstance(expression, Expression)  # no space of these has layers
        if expression.size >= 5 and expression.check() is None:
            found.setdefault(expression.fingerprint(), expression)
    return list(found.values())


def autograd(expression: Expression) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the formula in plain torch operations, with autograd's own backward."""
    return eager.function(expression, expression.inputs)


def step(
    function: Callable[..., torch.Tensor], x: torch.Tensor, g: torch.Tensor
) -> Callable[[], object]:
    return lambda: torch.autograd.grad(function(x), x, g)


def measure(
    names: dict[str, Expression], n: int, repeats: int, options: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    """Return the times of each expression and of its rivals, on ``n`` elements."""
    x, g = torch.randn(n).requires_grad_(), torch.randn(n)
    found = {}
    for name, expression in names.items():
        work = {
            "native": step(expression.compile("native"), x, g),
            "eager": step(expression.compile("eager"), x, g),
            "autograd": step(autograd(expression), x, g),
            "F.silu": step(F.silu, x, g),
        }
        if name == "Mish":
            work["F.mish"] = step(F.mish, x, g)
        if name == "GELU":
            work["F.gelu"] = step(F.gelu, x, g)
        if options.compile and n == max(options.sizes):
            torch._dynamo.reset()
            work["torch.compile"] = step(torch.compile(autograd(expression)), x, g)
        found[name] = alternate(work, repeats=repeats)
    return found


def report(title: str, found: dict[str, dict[str, list[float]]], rows: bool) -> None:
    """Print ratios: how many times faster than each rival native is, and its time over silu's."""
    rivals = [
        rival
        for rival in ("autograd", "eager", "torch.compile")
        if rival in next(iter(found.values()))
    ]
    if rows:
        print(
            f"\n| {title} | native ms | "
            + " | ".join(f"vs {r}" for r in rivals)
            + " | time / F.silu |"
        )
        print("|---|---|" + "---|" * (len(rivals) + 1))
        for name, times in found.items():
            ratios = " | ".join(f"{ratio(times[r], times['native']):.1f}x" for r in rivals)
            mine = statistics.median(times["native"]) * 1e3
            silu = ratio(times["native"], times["F.silu"])
            print(f"| `{name}` | {mine:.3f} | {ratios} | {silu:.2f} |")
    print(f"\n{title}, median of {len(found)} (quartiles):")
    for rival in rivals:
        values = [ratio(times[rival], times["native"]) for times in found.values()]
        print(f"- native is {spread(values)} times as fast as {rival}")
    values = [ratio(times["native"], times["F.silu"]) for times in found.values()]
    print(f"- native takes {spread(values)} of the time of F.silu")
    for name, own in (("Mish", "F.mish"), ("GELU", "F.gelu")):
        if own in found.get(name, {}):
            values = [a / b for a, b in zip(found[name]["native"], found[name][own], strict=True)]
            print(f"- our {name} takes {spread(values)} of the time of {own}")


def compile_cost(expressions: list[Expression], repeats: int, folder: Path) -> list[float]:
    """Return seconds a candidate for batches of 16, source, compiler and verification included."""
    costs = []
    for turn in range(repeats):
        os.environ["ACTSEARCH_CACHE"] = str(folder / str(turn))
        native.forget()
        eager.slope.cache_clear()
        eager.function.cache_clear()
        start = time.perf_counter()
        kernels.prepare(expressions[:BATCH])
        costs.append((time.perf_counter() - start) / BATCH)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 3_200_000])
    parser.add_argument(
        "--compile",
        action="store_true",
        help="torch.compile too, on the largest size (5 s a formula)",
    )
    options = parser.parse_args()
    keep_memory()
    print(f"{machine()}, seed {options.seed}, {options.repeats} turns")
    randoms = random_expressions(N_RANDOM, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        costs = compile_cost(randoms, 3, Path(folder))
        print(f"compile cost in batches of {BATCH}: {spread(costs)} s a candidate")
        known = {name: parse(text) for name, text in KNOWN.items()}
        kernels.prepare([*randoms, *known.values()])
        for n in options.sizes:
            found = measure({str(e): e for e in randoms}, n, options.repeats, options)
            report(f"random expressions, {n:,} elements", found, rows=n == max(options.sizes))
            found = measure(known, n, options.repeats, options)
            report(f"known activations, {n:,} elements", found, rows=True)


if __name__ == "__main__":
    main()
