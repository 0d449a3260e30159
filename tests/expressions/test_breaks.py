"""Kinks, steps and narrow slopes, whatever their size, place and surroundings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.expressions import Expression, Node, parse
from actsearch.expressions.analysis import Analysis
from actsearch.expressions.node import const

INF = math.inf
Slopes = tuple[float, float, float]


def found(text: str) -> Analysis:
    return parse(text).analyze()


def kinks(text: str) -> list[Slopes]:
    return [(kink.x, kink.left_slope, kink.right_slope) for kink in found(text).kinks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0005*relu(x)", [(0, 0, 0.0005)]),
        ("p0*relu(x); p0=0.0005", [(0, 0, 0.0005)]),
        ("max(x, 0.9995*x)", [(0, 0.9995, 1)]),
        ("1e-4*max(x, 0.01*x)", [(0, 1e-6, 1e-4)]),
        ("1e-12*relu(x)", [(0, 0, 1e-12)]),
        ("x**4 - relu(x)", [(0, 0, -1)]),
        ("cosh(x)**2 - 3*abs(x)", [(0, 3, -3)]),
        ("sinh(2*x) - relu(x)", [(0, 2, 1)]),
        ("x**3 + 0.1*relu(x)", [(0, 0, 0.1)]),
        ("silu(x) + 0.0005*abs(x)", [(0, 0.4995, 0.5005)]),
        ("abs(x - 0.0005) + abs(x + 0.0005)", [(-0.0005, -2, 0), (0.0005, 0, 2)]),
        ("relu(x - 1) + relu(x - 1.001)", [(1, 0, 1), (1.001, 1, 2)]),
        ("relu(x - 11)", [(11, 0, 1)]),
        ("max(x, 11)", [(11, 0, 1)]),
        ("clip(x, -15, 15)", [(-15, 0, 1), (15, 1, 0)]),
        ("relu(x - 1e7)", [(1e7, 0, 1)]),
        ("abs(x**2 - 2)", [(-(2**0.5), -(8**0.5), 8**0.5), (2**0.5, -(8**0.5), 8**0.5)]),
        ("sqrt((x - 0.12345)**2)", [(0.12345, -1, 1)]),  # its argument does but touch 0
        ("abs(x)**0.5", [(0, -INF, INF)]),
        ("sqrt_abs(x)", [(0, -INF, INF)]),
        ("abs(x)**0.3*sign(x)", [(0, INF, INF)]),
        ("sign(x)*sqrt_abs(x)", [(0, INF, INF)]),
        ("gpow(x, 0.5)", [(-1e-6, -500, 0), (1e-6, 0, 500)]),
        ("relu(sin(x))", [(k * math.pi, *(-(k % 2), 1 - k % 2)) for k in range(-3, 4)]),
        ("elu(x)", []),
        ("x*abs(x)", []),
        ("abs(x)**1.5", []),
        ("relu(x)**2", []),
        ("sin(x)/x", []),
        ("tanh(5000*x)", []),
    ],
)  # fmt: skip
def test_kinks_are_read_off_the_formula(text: str, expected: list[Slopes]) -> None:
    assert kinks(text) == [pytest.approx(kink, rel=1e-12, abs=1e-15) for kink in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0005*sign(x)", (0.0,)),
        ("step(x - 10.5)", (10.5,)),
        ("x/abs(x)", (0.0,)),
        ("sign(sign(x - 0.3))", (0.3,)),
        ("1/(x**2 - 2)", (-(2**0.5), 2**0.5)),
        ("1/(x - 0.12345)**2", (0.12345,)),
        ("log(abs(x))", (0.0,)),
        ("sqrt(x)", ()),
        ("sin(x)/x", ()),
    ],
)
def test_steps_and_poles_are_read_off_the_formula(text: str, expected: tuple[float, ...]) -> None:
    assert found(text).steps == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "convexity", "symmetry"),
    [
        ("relu(x - 11)", "convex", "none"),
        ("max(x, 11)", "convex", "none"),
        ("tanh(x - 30)", "quasilinear", "none"),
        ("clip(x, -15, 15)", "quasilinear", "odd"),
        ("max(x, 0.9995*x)", "convex", "none"),
        ("x**4 - relu(x)", "quasiconvex", "none"),
        ("cosh(x)**2 - 3*abs(x)", "neither", "even"),
        ("abs(x)**0.5", "quasiconvex", "even"),
        ("erf(1e5*x)", "quasilinear", "odd"),
        ("1e-10*(relu(x) + 1)", "convex", "none"),
        ("sigmoid(x)*1e-10", "quasilinear", "none"),
        ("x/abs(x)", "undefined", "odd"),
        ("1e-9*x", "affine", "odd"),
    ],
)
def test_words_for_the_whole(text: str, convexity: str, symmetry: str) -> None:
    assert (found(text).convexity, found(text).symmetry) == (convexity, symmetry)


def test_what_follows_from_a_break() -> None:
    assert found("0.0005*relu(x)").mean_field.critical_weight_variance == pytest.approx(8e6)
    assert found("abs(x)**0.3*sign(x)").mean_squared_slope == INF
    assert found("abs(x)**0.5").mean_field.chi_1 == INF
    assert found("sign(x)*sqrt_abs(x)").lipschitz == INF
    assert found("step(x - 10.5)").lipschitz == INF
    assert found("tanh(x - 30)").lipschitz == pytest.approx(1, rel=1e-12)
    assert found("x*cos(x)").lipschitz == INF
    assert found("sin(x)/x").lipschitz == pytest.approx(0.43618181727145825, rel=1e-9)
    (bottom,) = found("abs(x)**0.5").extrema
    assert (bottom.kind, bottom.x, bottom.value) == ("minimum", 0, 0)
    assert [str(piece) for piece in found("relu(x - 11)").pieces] == [
        "constant to 11", "increasing from 11",
    ]  # fmt: skip
    assert found("clip(x, -15, 15)").saturation.intervals == ((-INF, -15.0), (15.0, INF))


@pytest.mark.parametrize("text", ["1e-12*relu(x)", "1e-10*(relu(x) + 1)", "sigmoid(x)*1e-10"])
def test_small_functions_are_not_centred(text: str) -> None:
    assert found(text).centred == "no"


@pytest.mark.parametrize(
    ("text", "zero"),
    [
        ("1e7*x + 5", -5e-7),
        ("2e6*(x - 0.12345)", 0.12345),
        ("exp(3*x) - 1e12", math.log(1e12) / 3),
        ("1e-200*(x - 0.12345)", 0.12345),
    ],
)
def test_zeros_of_steep_and_of_flat_functions(text: str, zero: float) -> None:
    assert [one.x for one in found(text).zeros] == pytest.approx([zero], rel=1e-14)
    assert found("1/(x - 0.12345)").zeros == ()


def test_slopes_between_points_of_the_grid() -> None:
    """E f' of erf(a*x) is 2a/sqrt(pi) E exp(-a^2 x^2) = 2a/sqrt(pi)/sqrt(1 + 2a^2)."""
    for a in (1e3, 1e5, 1e7):
        one = found(f"erf({a:g}*x)")
        steepest = 2 * a / math.sqrt(math.pi)
        assert one.mean_slope == pytest.approx(steepest / math.sqrt(1 + 2 * a * a), rel=1e-9)
        square = steepest**2 / math.sqrt(1 + 4 * a * a)
        assert one.mean_squared_slope == pytest.approx(square, rel=1e-9)
        assert one.lipschitz == pytest.approx(steepest, rel=1e-9)
        assert [piece.direction for piece in one.curvature] == ["convex", "concave"]


SCALED = ["relu(x)", "gelu(x)", "max(x, sigmoid(x)) + atan(x)", "clip(x, -1, 3)", "x/abs(x)",
          "selu(x + 1)", "exp(cos(x))", "abs(x) - 0.3*x**2", "hardswish(x)"]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(SCALED), st.sampled_from([1e-6, 1e6]), st.booleans())
def test_a_factor_scales_all(text: str, size: float, negative: bool) -> None:
    factor = -size if negative else size
    one, other = parse(text), Expression(Node("mul", (const(factor), parse(text).root)))
    here, there = one.analyze(), other.analyze()

    def same(a: object, b: object) -> None:
        assert b == pytest.approx(a, rel=1e-9, abs=1e-13 * size, nan_ok=True)

    same([k.x for k in here.kinks], [k.x for k in there.kinks])
    for name in ("left_slope", "right_slope"):
        same(
            [factor * getattr(k, name) for k in here.kinks], [getattr(k, name) for k in there.kinks]
        )
    same([z.x for z in here.zeros], [z.x for z in there.zeros])
    same([e.x for e in here.extrema], [e.x for e in there.extrema])
    same([factor * e.value for e in here.extrema], [e.value for e in there.extrema])
    same(sorted(factor * v for v in here.range), there.range)
    same(size * here.lipschitz, there.lipschitz)
    same(factor * here.mean, there.mean)
    same(factor**2 * here.variance, there.variance)
    same(here.gain / size, there.gain)
    same(here.mean_field.chi_1, there.mean_field.chi_1)
    critical = here.mean_field.critical_weight_variance / factor**2
    assert there.mean_field.critical_weight_variance == pytest.approx(critical, nan_ok=True)
    assert (here.steps, here.symmetry, here.centred) == (there.steps, there.symmetry, there.centred)
    turned = {"convex": "concave", "quasiconvex": "quasiconcave"}
    turned |= {b: a for a, b in turned.items()}
    expected = turned.get(here.convexity, here.convexity) if negative else here.convexity
    assert there.convexity == expected
    assert [(p.low, p.high) for p in there.pieces] == [
        pytest.approx((p.low, p.high)) for p in here.pieces
    ]
    assert (here.dead, here.sparsity) == (there.dead, there.sparsity)
    assert np.isclose(here.odd_share, there.odd_share, equal_nan=True)
