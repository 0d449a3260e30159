"""The model of what a formula costs: fits its table, and holds it against measurements.

Fitted on random formulas of the shipped spaces and on every primitive alone, by least squares of
relative errors with no negative cost; judged on the known activations and on other random formulas,
by the rank correlation of modelled and measured cost.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from scipy.optimize import nnls
from scipy.stats import spearmanr

from actsearch import kernels
from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from actsearch.expressions.cost import NS, OTHER_NS, modelled_cost, operation_counts
from actsearch.kernels.cost import measured_cost
from actsearch.search.evolution import Breeder
from actsearch.search.space import load_space
from actsearch.search.space.primitives import offered_primitives
from benchmarks._timing import keep_memory, machine, spread

N_JUDGED = 60
BATCH = 32
LEAST_NS = 0.002  # nothing is free: of two formulas that differ by an operation one costs less


def random_expressions(space: str, n: int, seed: int) -> list[Expression]:
    """Return different formulas that a search in a space would train."""
    breeder, found = Breeder(load_space(space), seed), dict[str, Expression]()
    number = 0
    while len(found) < n:
        expression = breeder.random(number).expression
        number += 1
        assert isinstance(expression, Expression)  # no space of these has layers
        if expression.check() is None:
            found.setdefault(expression.fingerprint(), expression)
    return list(found.values())


def single_primitives() -> list[Expression]:
    """Return each primitive on ``x``, so that rare operations have a cost, too."""
    calls = []
    for row in (PRIMITIVES[name] for k in (1, 2) for name in offered_primitives(k)):
        operands = ["x", "0.5*x + 1"][: row.arity - row.n_scalars] + ["0.5"] * row.n_scalars
        calls.append(f"{row.name}({', '.join(operands)})")
    powers = ["pow(relu(x), 1.3)", "x*pow(abs(x) + 0.1, 0.7)", "p0*x*sigmoid(p1*x)", "p0*relu(x)"]
    return [parse(text) for text in (*calls, *powers)]


def measure(expressions: list[Expression], repeats: int) -> list[float]:
    """Return the measured cost of each: the median over rounds through all of them."""
    for start in range(0, len(expressions), BATCH):
        kernels.prepare(expressions[start : start + BATCH])
    rounds = [[measured_cost(e, repeats=3) for e in expressions] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def fit(expressions: list[Expression], costs: list[float]) -> dict[str, float]:
    """Return the table that explains the costs best, relative errors squared."""
    counts = [operation_counts(expression) for expression in expressions]
    ops = sorted({op for count in counts for op in count})
    features = np.array([[count[op] for op in ops] for count in counts], dtype=float)
    weights = 1 / np.array(costs)
    table, _ = nnls(features * weights[:, None], np.ones(len(costs)))
    return {op: max(LEAST_NS, round(float(ns), 3)) for op, ns in zip(ops, table, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fit", type=int, default=0, help="fit anew on so many random formulas")
    options = parser.parse_args()
    keep_memory()
    print(f"{machine()}, seed {options.seed}, {options.repeats} rounds; costs on one thread")
    if options.fit:
        known = single_primitives()
        for space in ("default", "swish"):
            known += random_expressions(space, options.fit // 2, options.seed + 1)
        table = fit(known, measure(known, options.repeats))
        print(f"fitted on {len(known)} formulas, ns an element:")
        print("\n".join(f'    "{op}": {ns},' for op, ns in table.items()))
        NS.clear()
        NS.update(table)
    sets = {
        "known activations": [parse(text) for text in KNOWN.values()],
        "random formulas": random_expressions("default", N_JUDGED, options.seed),
    }
    pairs = {
        name: [*zip(map(modelled_cost, many), measure(many, options.repeats), strict=True)]
        for name, many in sets.items()
    }
    pairs["all"] = [pair for some in list(pairs.values()) for pair in some]
    for name, some in pairs.items():
        modelled, measured = zip(*some, strict=True)
        ratios = [a / b for a, b in some]
        print(
            f"- {len(measured)} {name}: Spearman {spearmanr(modelled, measured).statistic:.3f}, "
            f"modelled / measured {spread(ratios)}, measured {spread(list(measured))} ns"
        )
    print(f"an operation that is not in the table counts {OTHER_NS} ns")


if __name__ == "__main__":
    main()
