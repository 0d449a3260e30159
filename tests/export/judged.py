"""What the tests of all targets share: formulas, and the judgement of computed values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from actsearch.export import Activation
from actsearch.expressions import KNOWN, Expression, parse
from tests.expressions.strategies import random_trees

#: Columns of a type, one an argument of the function, parameters included -> the value, then the
#: derivatives by the inputs.
Compute = Callable[[Sequence[NDArray[np.floating]]], Sequence[NDArray[np.floating]]]

OTHERS = (
    "p0*x*sigmoid(p1*x)",
    "p0*x*sigmoid(p1*x); p0=0.5, p1=1.5, per channel",
    "max(x, u)*o + p0",
    "3 + 0*x",
    "step(x)",
    "x*i0e(x) - i1e(x)*erfc(x)",
    "sign(x)*log_abs(x)",
)


@functools.cache
def zoo(*others: str) -> list[Activation]:
    """Return every known function, and others, under names that are free everywhere.

    Kept, as their points take a while.
    """
    expressions = [parse(formula) for formula in (*KNOWN.values(), *others)]
    return [Activation(one, f"found_{k}") for k, one in enumerate(expressions)]


@functools.cache
def random_activations(n: int, seed: int = 0) -> list[Activation]:
    """Return random functions; kept, as their points take a while."""
    trees = random_trees(n, seed)
    return [Activation(Expression(tree), f"random_{k}") for k, tree in enumerate(trees)]


#: Of random functions; the big set runs at night.
RANDOM = [pytest.param(20, 6), pytest.param(200, 6, marks=pytest.mark.nightly)]


def misses(
    activation: Activation, compute: Compute, dtype: type[np.float32 | np.float64]
) -> list[str]:
    """Return what is further off than the points allow."""
    points = activation.points
    rows = points.common + (points.wide if dtype is np.float64 else ())
    if not rows:
        return []
    columns: list[NDArray[np.floating]]
    columns = [np.array([row.arguments[k] for row in rows], dtype)
               for k in range(len(activation.inputs))]  # fmt: skip
    columns += [np.full(len(rows), start, dtype) for start in activation.parameters.values()]
    info = np.finfo(dtype)
    eps, least = float(info.eps), float(info.tiny)
    missed = []
    outputs = compute(columns)
    assert len(outputs) == 1 + len(activation.inputs)
    for place, output in enumerate(outputs):
        for got, row in zip(output.tolist(), rows, strict=True):
            true = (row.value, *row.slopes)[place]
            if not abs(got - true) <= eps * (row.slack[place] + abs(true)) + least:
                missed.append(
                    f"{activation.expression}: output {place} at {row.arguments} in "
                    f"{dtype.__name__}: {got!r}, expected {true!r}"
                )
    return missed
