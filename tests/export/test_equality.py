"""Every target computes the same function: that of the definition, to the target's precision."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from actsearch.export import TARGETS, Activation
from actsearch.expressions import Expression, parse
from actsearch.expressions.known import NAMED
from tests.export.evaluators import EVALUATED, Columns, Evaluated, misses
from tests.expressions.strategies import random_trees

N_RANDOM, N_OF_THEM = 200, 20
ROWS = [pytest.param(row, id=name) for name, row in EVALUATED.items()]
KERAS_WARNS = "ignore:__array__ implementation:DeprecationWarning"


@functools.cache
def activation_of(expression: Expression) -> Activation:
    """Return it once for all targets, as its points take the time."""
    return Activation(expression, "found")


def checked(row: Evaluated, expressions: dict[str, Expression], folder: Path) -> int:
    """Hold a target against the truth; return how many functions it could express."""
    n_able = 0
    for name, expression in expressions.items():
        activation = activation_of(expression)
        if TARGETS[row.target].lacks(activation) is not None:
            continue
        compute = row.prepare(activation, folder)
        for form in row.forms:
            missed = misses(activation, compute, form)
            assert not missed, f"{name} ({expression}) in {form}: {missed}"
        n_able += 1
    return n_able


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings(KERAS_WARNS)
def test_the_zoo(row: Evaluated, tmp_path: Path) -> None:
    zoo = {name: parse(formula) for name, formula in NAMED.items()}
    n_gated = sum(len(one.inputs) > 1 for one in zoo.values())
    assert checked(row, zoo, tmp_path) == len(zoo) - (n_gated if row.target == "keras" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings(KERAS_WARNS)
def test_random_expressions(row: Evaluated, tmp_path: Path) -> None:
    assert checked(row, drawn(N_OF_THEM), tmp_path) >= N_OF_THEM / 2


@pytest.mark.nightly
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings(KERAS_WARNS)
def test_more_random_expressions(row: Evaluated, tmp_path: Path) -> None:
    assert checked(row, drawn(N_RANDOM), tmp_path) >= N_RANDOM / 2


def drawn(n: int) -> dict[str, Expression]:
    return {f"tree {i}": Expression(t) for i, t in enumerate(random_trees(N_RANDOM, seed=6)[:n])}


#: True functions for every half-precision number, as SciPy and NumPy have them in float64.
HALVES: dict[str, Callable[[Any], Any]] = {
    "softplus(x)": lambda x: np.logaddexp(0, x),
    "mish(x)": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "logsigmoid(x)": lambda x: -np.logaddexp(0, -x),
    "silu(x)": lambda x: x * special.expit(x),
    "gelu(x)": lambda x: x * special.ndtr(x),
    "elu(x)": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "tanh(x)": np.tanh,
    "x*tanh(x)": lambda x: x * np.tanh(x),
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("formula", HALVES)
@pytest.mark.filterwarnings(KERAS_WARNS)
def test_every_half_precision_number(row: Evaluated, formula: str, tmp_path: Path) -> None:
    """One rounding at the end: right to 0.501 units of float16's last digit, everywhere."""
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    activation = Activation(parse(formula), "found")
    got = np.array(row.prepare(activation, tmp_path)("float16", [x.tolist()])[0])
    with np.errstate(all="ignore"):
        true = HALVES[formula](x.astype(np.float64))
        rounded = true.astype(np.float16)
    finite = np.isfinite(rounded)
    assert np.array_equal(got[~finite], rounded[~finite].astype(np.float64))
    size = np.minimum(np.abs(rounded[finite]), 65472)  # the largest has none above it
    unit = np.spacing(size.astype(np.float16)).astype(np.float64)
    assert (np.abs(got[finite] - true[finite]) <= 0.501 * unit).all()


def test_a_wrong_target_is_found(tmp_path: Path) -> None:
    activation = Activation(parse("silu(x)"), "found")
    right = EVALUATED["numpy"].prepare(activation, tmp_path)

    def wrong(form: str, columns: Columns) -> list[list[float]]:
        values, slopes = right(form, columns)
        return [[value * (1 + 1e-5) for value in values], slopes]

    assert not misses(activation, right, "float32")
    assert misses(activation, wrong, "float32")
