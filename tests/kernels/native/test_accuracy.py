"""The figure for formulas, held by compiled kernels: value and derivative of random formulas.

As ``tests/expressions/test_accuracy_random.py`` judges the eager functions, on other formulas.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch

from actsearch.expressions import KNOWN, PRIMITIVES, Expression, parse
from actsearch.kernels import native
from actsearch.kernels.native import NativeEngine
from tests.expressions.accuracy import FLOAT32, FLOAT64, Format
from tests.expressions.strategies import node_of, random_trees
from tests.expressions.test_accuracy_random import ARGUMENTS, judge, points
from tests.kernels.conftest import NEEDS_COMPILER

pytestmark = [
    NEEDS_COMPILER,
    pytest.mark.filterwarnings("ignore::actsearch.kernels.KernelWarning"),
]
BATCH = 32


def survey(n: int, seed: int, form: Format) -> tuple[Counter[str], int]:
    """Return the verdicts and how many formulas have no native kernel."""
    expressions = [Expression(tree) for tree in random_trees(n, seed=seed)]
    source, verdicts, n_unusable = random.Random(seed), Counter[str](), 0
    for start in range(0, len(expressions), BATCH):
        native.prepare(expressions[start : start + BATCH], form.dtype)
        for expression in expressions[start : start + BATCH]:
            if isinstance(native.kernel(expression, form.dtype), native.Unusable):
                n_unusable += 1
                continue
            at = points(4, 3, source, form)
            engine = NativeEngine(expression)

            def value(*columns: torch.Tensor, engine: NativeEngine = engine) -> torch.Tensor:
                return engine.value(*own(engine, columns))

            def slope(*columns: torch.Tensor, engine: NativeEngine = engine) -> torch.Tensor:
                ones = torch.ones_like(columns[0])
                return engine.gradients(ones, 1, *own(engine, columns))[0]

            verdicts += judge(expression.root, expression, None, at, form, value)
            verdicts += judge(expression.root, expression.derivative(), "x", at, form, slope)
    return verdicts, n_unusable


def own(engine: NativeEngine, columns: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """Pick the columns that an engine takes; its parameters vary from element to element here."""
    by_name = dict(zip(ARGUMENTS, columns, strict=True))
    names = (*engine.expression.inputs, *engine.expression.parameters)
    return [by_name[name] for name in names]


def check(verdicts: Counter[str], n_unusable: int, n: int, unusable_share: float) -> None:
    judged = verdicts["strict"] + verdicts["conditioned"]
    assert judged > 8 * n, verdicts
    assert verdicts["strict"] > 0.95 * judged, verdicts
    assert n_unusable <= unusable_share * n


@pytest.mark.slow
def test_random_formulas() -> None:
    check(*survey(128, 30, FLOAT32), 128, 0.03)


@pytest.mark.nightly
def test_a_thousand_random_formulas() -> None:
    check(*survey(1000, 31, FLOAT32), 1000, 0.02)


@pytest.mark.nightly
def test_random_formulas_in_double() -> None:
    check(*survey(200, 32, FLOAT64), 200, 0.05)


def test_every_primitive_and_known_function_has_a_kernel() -> None:
    rows = [row for row in PRIMITIVES.values() if not row.internal]
    expressions = [Expression(node_of(row)) for row in rows] + [parse(f) for f in KNOWN.values()]
    native.prepare(expressions)
    found = {str(one): native.kernel(one) for one in expressions}
    assert {text: k for text, k in found.items() if isinstance(k, native.Unusable)} == {}
