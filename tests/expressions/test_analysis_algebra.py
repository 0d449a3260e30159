"""What holds of the analysis of any formula: it ends, agrees with values, and mirrors."""

from __future__ import annotations

import dataclasses
import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from actsearch.expressions import Expression, Node, parse
from actsearch.expressions.analysis import Analysis
from actsearch.expressions.analysis.moments import points
from actsearch.expressions.reference import value
from actsearch.expressions.rounding import rounding
from tests.expressions.strategies import expressions, random_trees

INF = math.inf
#: A draw costs a fraction of a second; nothing else here is slow.
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=400)

#: None of these is a point that the analysis looks at.
X = np.concatenate([10 * np.sin(np.arange(1.0, 2000.0)), 1e3 * np.sin(np.arange(1.0, 20.0))])
X = np.sort(X)


def check(expression: Expression) -> None:
    """Hold what is said of a formula against its values."""
    found = expression.analyze()
    others = dict.fromkeys(expression.inputs[1:], 1.0)
    others |= {name: expression.start_of(name) for name in expression.parameters}
    values = expression.evaluate(X, others)
    defined = values[~np.isnan(values)]
    low, high = found.range
    noise = rounding(expression, X, others, values)
    if defined.size:
        known = np.isfinite(values)
        slack = 1e-5 * np.abs(values[known]) + noise[known] + 1e-9
        assert (values[known] >= low - slack).all()
        assert (values[known] <= high + slack).all()
    inner = np.isfinite(values[:-1]) & np.isfinite(values[1:]) & (np.abs(X[:-1]) < 10)
    inner &= np.abs(X[1:]) < 10
    finite = np.where(np.isfinite(values), values, 0.0)
    rise, gap = np.diff(finite), np.diff(X)
    slack = noise[1:] + noise[:-1] + 1e-9 * np.abs(finite[1:])
    if math.isfinite(found.lipschitz):
        assert (np.abs(rise) <= found.lipschitz * gap * (1 + 1e-6) + slack)[inner].all()
    for piece in found.pieces:
        mine = inner & (X[:-1] > piece.low) & (X[1:] < piece.high)
        if piece.direction != "decreasing":
            assert (rise >= -slack)[mine].all(), piece
        if piece.direction != "increasing":
            assert (rise <= slack)[mine].all(), piece
    if found.monotone != "no":
        assert (rise >= -slack)[inner].all() or (rise <= slack)[inner].all()
    shares = found.odd_share, found.even_share
    assert sum(shares) == pytest.approx(1) or all(math.isnan(share) for share in shares)
    for pieces in (found.pieces, found.curvature):
        edges = [edge for piece in pieces for edge in (piece.low, piece.high)]
        assert edges == sorted(edges)
    for intervals in (found.dead, found.saturation.intervals):
        assert list(intervals) == sorted(intervals)
        assert all(a <= b for a, b in intervals)
    for share in (found.dead_share, found.saturated_share, found.sparsity):
        assert 0 <= share <= 1 + 1e-12
    assert found.variance >= 0 or math.isnan(found.variance)
    for end, text in zip(found.ends, found.limits, strict=True):
        if math.isfinite(end.value):
            assert float(text) == pytest.approx(end.value, rel=1e-4, abs=1e-4)


@FEW
@given(expressions())
def test_any_formula_can_be_analysed(expression: Expression) -> None:
    check(expression)


@pytest.mark.nightly
@MANY
@given(expressions())
def test_any_of_many_formulas_can_be_analysed(expression: Expression) -> None:
    check(expression)


def with_places(n: int) -> list[Node]:
    """Return random trees that have a zero or an extremum known to many digits."""

    def is_known(tree: Node) -> bool:
        found = Expression(tree).analyze()
        hows = [zero.how for zero in found.zeros] + [one.how for one in found.extrema]
        return "high precision" in hows

    return list(itertools.islice(filter(is_known, random_trees(60, seed=4)), n))


def test_places_are_those_of_the_true_function() -> None:
    """Computed from the definition by mpmath, which the analysis doesn't do for the grid."""
    trees = with_places(6)
    assert len(trees) == 6
    for tree in trees:
        check_places(tree)


def check_places(tree: Node) -> None:
    """Hold zeros and extrema of a tree against its values beside them."""
    expression = Expression(tree)
    found = expression.analyze()
    given = dict.fromkeys((*expression.inputs[1:], *expression.parameters), 1.0)

    def true(x: float) -> mp.mpf:
        return value(tree, {"x": x} | given, digits=60)

    for zero in found.zeros:
        if zero.how == "high precision":
            beside = max(abs(true(zero.x + 1e-6)), abs(true(zero.x - 1e-6)))
            assert abs(true(zero.x)) <= 1e-6 * beside
    for one in found.extrema:
        sign = 1 if one.kind == "minimum" else -1
        assert one.value == pytest.approx(float(true(one.x)), rel=1e-9, abs=1e-12)
        for step in (-1e-5, 1e-5):
            assert sign * (true(one.x + step) - true(one.x)) >= -1e-15 * abs(true(one.x))


def mirrored(node: Node) -> Node:
    """Put -x for x."""
    if node.op == "x":
        return Node("neg", (node,))
    return dataclasses.replace(node, args=tuple(mirrored(arg) for arg in node.args))


def told(found: Analysis, side: int) -> dict[str, object]:
    """Return what a reflection changes, reflected where ``side`` is -1."""
    ends = found.ends[::side]
    lines = [
        end.asymptote and (side * end.asymptote.slope + 0.0, end.asymptote.offset) for end in ends
    ]

    def turned(places: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        return places[::side]

    return {
        "limits": [end.form for end in ends],
        "lines": lines,
        "range": (found.range, found.range_attained),
        "zeros": turned([(round(side * z.x, 9) + 0.0,) for z in found.zeros]),
        "extrema": turned([(round(side * e.x, 9) + 0.0, round(e.value, 9)) for e in found.extrema]),
        "kinks": turned(
            [
                (round(side * k.x, 12) + 0.0, *(round(side * s, 7) + 0.0 for s in slopes))
                for k in found.kinks
                for slopes in [(k.left_slope, k.right_slope)[::side]]
            ]
        ),
        "saturates": [found.saturation.left, found.saturation.right][::side],
        "dead": turned([tuple(side * edge + 0.0 for edge in one[::side]) for one in found.dead]),
        "convexity": found.convexity,
        "symmetry": found.symmetry,
        "pieces": len(found.pieces),
    }


@pytest.mark.parametrize(
    "formula",
    [
        "silu(x)",
        "relu(x) - 0.2*softplus(-2*x)",
        "hardswish(x)",
        "max(x, sigmoid(x)) + atan(x)",
        "selu(x + 1)",
        "exp(x)*sin(x)",
        "clip(x, -1, 3)",
    ],
)
def test_a_reflection_mirrors_all(formula: str) -> None:
    one = parse(formula)
    other = Expression(mirrored(one.root))
    assert told(one.analyze(), 1) == told(other.analyze(), -1)
    numbers = ["mean", "variance", "odd_share", "lipschitz", "gain", "sparsity", "saturated_share"]
    for name in numbers:
        here, there = (getattr(each.analyze(), name) for each in (one, other))
        assert here == pytest.approx(there, rel=1e-9, abs=1e-9), name
    here, there = one.analyze().mean_field, other.analyze().mean_field
    assert here.chi_1 == pytest.approx(there.chi_1)
    assert here.critical_weight_variance == pytest.approx(there.critical_weight_variance)


def test_quadrature_is_that_of_the_normal_distribution() -> None:
    x, weights = points((0.3, 1.7), 20.0, 2000)
    assert np.array_equal(x, -x[::-1])
    for power, moment in ((0, 1), (1, 0), (2, 1), (4, 3), (6, 15), (8, 105)):
        assert np.sum(weights * x**power) == pytest.approx(moment, abs=1e-11)
    assert np.sum(weights * (x > 0.3)) == pytest.approx(0.5 - math.erf(0.3 / math.sqrt(2)) / 2)


def test_it_works_in_a_thread() -> None:
    from concurrent.futures import ThreadPoolExecutor

    formulas = ["x*tanh(x) + 0.5", "atan(x)*2", "x*sigmoid(3*x)"]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda text: parse(text).analyze(), formulas))
    assert [one.limits for one in found] == [("inf", "inf"), ("-3.14159", "3.14159"), ("0", "inf")]
    assert found[1].ends[1].form == "pi"
