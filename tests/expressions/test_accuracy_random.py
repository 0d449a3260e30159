"""The figure for formulas: 1,000 random ones, value and derivative, in float32 and float64.

Each is computed by the eager kernel's function and judged as ``accuracy.py`` states: within 1e-5
(float32) or 1e-12 (float64) of the truth, relative, plus what the conditioning of its own nodes
allows. The nodes of a derivative are those of the derivative's formula; its truth comes from
differences of the original formula in high precision and knows nothing of the rules.

The exception is not the rule: most points are held to the tolerance alone, which is asserted.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch

from actsearch.expressions import Expression, Node, reference
from actsearch.kernels import eager
from tests.expressions import accuracy
from tests.expressions.accuracy import FLOAT32, FLOAT64, Format
from tests.expressions.strategies import random_trees

ARGUMENTS = ("x", "u", "p0", "p1")
FORMATS = pytest.mark.parametrize("form", [FLOAT32, FLOAT64], ids=["float32", "float64"])


def points(n_wide: int, n_near: int, source: random.Random, form: Format) -> list[dict[str, float]]:
    """Draw points: x over 1e-30 to 1e30 and over 1e-2 to 1e2, both signs; the rest near 1."""

    def signed(low: float, high: float) -> float:
        return source.choice((-1, 1)) * 10 ** source.uniform(low, high)

    spans = [(-30, 30)] * n_wide + [(-2, 2)] * n_near
    drawn = [
        [signed(*span), signed(-1, 1), source.uniform(0.1, 2), source.uniform(0.1, 2)]
        for span in spans
    ]
    return [dict(zip(ARGUMENTS, form.round(values), strict=True)) for values in drawn]


def truth(tree: Node, wrt: str | None, values: dict[str, float], digits: int) -> object:
    if wrt is None:
        return reference.value(tree, values, digits=digits)
    return reference.slope(tree, values, wrt, digits=digits)


def judge(
    tree: Node,
    computing: Expression,
    wrt: str | None,
    at: list[dict[str, float]],
    form: Format,
    compute: eager.Function | None = None,
) -> Counter[str]:
    """Judge one formula at some points; a failure is an assertion that shows the point.

    ``compute`` is what is judged; by default the eager function of ``computing``.
    """
    compute = compute or eager.function(computing, ARGUMENTS)
    columns = [torch.tensor([v[name] for v in at], dtype=form.dtype) for name in ARGUMENTS]
    computed = compute(*columns).double().expand(len(at)).tolist()
    verdicts: Counter[str] = Counter()
    for values, got in zip(at, computed, strict=True):
        for digits in (accuracy.FAST_DIGITS, form.digits, reference.DIGITS):
            true = truth(tree, wrt, values, digits)
            strict = form.normal(true) and accuracy.passes(got, true, form)
            if strict or (digits >= form.digits and not form.normal(true)):
                break
        if strict:
            verdicts["strict"] += 1
        elif not form.normal(true):
            verdicts["not representable"] += 1
        elif wrt is not None and accuracy.on_a_kink(tree, values, wrt):
            verdicts["kink"] += 1
        else:
            verdicts[_with_bound(computing, values, got, true, form)] += 1
    return verdicts


def _with_bound(
    computing: Expression, values: dict[str, float], got: float, true: object, form: Format
) -> str:
    try:
        bound = accuracy.error_bound(computing.root, values, form)
    except accuracy.LeftOut:
        return "left out"
    assert accuracy.passes(got, true, form, bound), (
        f"{computing} at {values}: {got!r}, true {float(true)!r}, bound {float(bound)!r}"  # type: ignore[arg-type]
    )
    return "conditioned"


def survey(trees: list[Node], seed: int, n_wide: int, n_near: int, form: Format) -> Counter[str]:
    source = random.Random(seed)
    verdicts: Counter[str] = Counter()
    for tree in trees:
        at = points(n_wide, n_near, source, form)
        expression = Expression(tree)
        verdicts += judge(tree, expression, None, at, form)
        verdicts += judge(tree, expression.derivative(), "x", at, form)
    return verdicts


@pytest.mark.slow
@FORMATS
def test_a_thousand_random_formulas(form: Format) -> None:
    verdicts = survey(random_trees(1000, seed=20), seed=21, n_wide=4, n_near=3, form=form)
    judged = verdicts["strict"] + verdicts["conditioned"]
    assert judged > 8_000, verdicts
    assert verdicts["strict"] > 0.95 * judged, verdicts
    assert verdicts["left out"] + verdicts["kink"] < 0.05 * judged, verdicts


@pytest.mark.slow
@FORMATS
def test_the_exception_is_not_the_rule(form: Format) -> None:
    """Where the conditioning of a formula allows little, the tolerance alone decides."""
    source = random.Random(31)
    tight = total = 0
    for tree in random_trees(60, seed=30):
        for values in points(2, 2, source, form):
            for root in (tree, Expression(tree).derivative().root):
                try:
                    bound = accuracy.error_bound(root, values, form)
                except accuracy.LeftOut:
                    continue
                true = reference.value(root, values)
                if form.normal(true):
                    total += 1
                    tight += bound < form.tolerance * abs(true)
    assert total > 250
    assert tight > 0.75 * total, f"{tight} of {total}"


@pytest.mark.nightly
@FORMATS
@pytest.mark.parametrize("seed", range(5))
def test_more_random_formulas_at_more_points(form: Format, seed: int) -> None:
    trees = random_trees(1000, seed=100 + seed, sizes=(3, 25))
    verdicts = survey(trees, seed=200 + seed, n_wide=12, n_near=12, form=form)
    assert verdicts["strict"] > 0.9 * (verdicts["strict"] + verdicts["conditioned"]), verdicts
