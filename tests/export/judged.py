"""What the tests of all targets share: formulas, and the judgement of computed values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from actsearch.export import Activation
from actsearch.expressions import KNOWN, Expression, parse
from tests.export import evaluators
from tests.export.evaluators import Columns
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
) -> list[evaluators.Miss]:
    """Return what is further off than the points allow."""

    def compute_lists(_form: str, columns: Columns) -> list[list[float]]:
        arrays: list[NDArray[np.floating]]
        arrays = [np.array(column, dtype) for column in columns]
        starts = activation.parameters.values()
        arrays += [np.full(len(columns[0]), start, dtype) for start in starts]
        return [output.tolist() for output in compute(arrays)]

    return evaluators.misses(activation, compute_lists, dtype.__name__)
