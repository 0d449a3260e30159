"""What the literature says of twenty known functions, beside what the analysis finds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from actsearch.expressions import KNOWN, parse
from actsearch.expressions.analysis import Analysis

INF = math.inf
SELU_LOW = -1.0507009873554805 * 1.6732632423543772


def zoo(name: str) -> Analysis:
    return parse(KNOWN[name]).analyze()


@dataclass(frozen=True)
class Said:
    """What is known of a function.

    ``range`` has the brackets of its ends; ``lines`` are slope and offset of the asymptotes on the
    left and right; ``bottom`` is its one minimum, place and value; ``kinks`` are place and slopes.
    """

    range: tuple[str, float, float, str]
    limits: tuple[str, str]
    lines: tuple[tuple[float, float] | None, tuple[float, float] | None]
    lipschitz: float
    saturates: tuple[str, str]
    bottom: tuple[float, float] | None = None
    kinks: tuple[tuple[float, float, float], ...] = ()
    zeros: tuple[float, ...] = (0.0,)
    convexity: str = "neither"
    sparsity: float = 0.0


#: Values with few digits are printed in the papers that ``known.py`` names; those with many follow
#: from the definitions there and were computed with mpmath by hand:
#: - SiLU: 1 + x + exp(x) = 0, so x = -1 - W(1/e) and the value is -W(1/e) = -0.278464542761...
#:   (Elfwing, Uchibe and Doya 2018: "global minimum value of approximately -0.28 for z ~ -1.28"),
#:   its steepest slope 1.0998 at 2.3994 (ibid. "maximum value of approximately 1.1").
#: - GELU: Phi(x) + x*phi(x) = 0; steepest at sqrt(2): Phi(sqrt 2) + sqrt(2)*phi(sqrt 2) = 1.12890.
#: - Mish: "bounded below, ~ -0.31" (Misra 2019).
#: - tanh, sigmoid: LeCun et al. 1998; sigmoid' = s*(1 - s) <= 1/4.
#: - SELU: lambda*alpha = 1.7581 (Klambauer et al. 2017).
SAID: dict[str, Said] = {
    "ReLU": Said(
        ("[", 0, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1, ("hard", "no"),
        kinks=((0, 0, 1),), zeros=(), convexity="convex", sparsity=0.5,
    ),
    "Leaky ReLU": Said(
        ("(", -INF, INF, ")"), ("-inf", "inf"), ((0.01, 0), (1, 0)), 1, ("no", "no"),
        kinks=((0, 0.01, 1),), convexity="convex",
    ),
    "PReLU": Said(
        ("(", -INF, INF, ")"), ("-inf", "inf"), ((0.25, 0), (1, 0)), 1, ("no", "no"),
        kinks=((0, 0.25, 1),), convexity="convex",
    ),
    "ELU": Said(
        ("(", -1, INF, ")"), ("-1", "inf"), ((0, -1), (1, 0)), 1, ("soft", "no"),
        convexity="convex",
    ),
    "SELU": Said(
        ("(", SELU_LOW, INF, ")"), ("-1.7581", "inf"), ((0, SELU_LOW), (1.0507009873554805, 0)),
        -SELU_LOW, ("soft", "no"), kinks=((0, -SELU_LOW, 1.0507009873554805),),
        convexity="quasilinear",
    ),
    "GELU": Said(
        ("[", -0.169971, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1.128904145185, ("soft", "no"),
        bottom=(-0.751791524693564, -0.169971), convexity="quasiconvex",
    ),
    "SiLU": Said(
        ("[", -0.278464543, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1.099839320128867,
        ("soft", "no"),
        bottom=(-1.278464542761074, -0.278464542761074), convexity="quasiconvex",
    ),
    "Mish": Said(
        ("[", -0.308843413017251, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1.088498161251728,
        ("soft", "no"),
        bottom=(-1.192431214515495, -0.308843413017251), convexity="quasiconvex",
    ),
    "Hardswish": Said(
        ("[", -0.375, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1.5, ("hard", "no"),
        bottom=(-1.5, -0.375), kinks=((-3, 0, -0.5), (3, 1.5, 1)), convexity="quasiconvex",
        sparsity=0.0013498980316301,  # Phi(-3)
    ),
    "Softplus": Said(
        ("(", 0, INF, ")"), ("0", "inf"), ((0, 0), (1, 0)), 1, ("soft", "no"),
        zeros=(), convexity="convex",
    ),
    "Softsign": Said(
        ("(", -1, 1, ")"), ("-1", "1"), ((0, -1), (0, 1)), 1, ("soft", "soft"),
        convexity="quasilinear",
    ),
    "tanh": Said(
        ("(", -1, 1, ")"), ("-1", "1"), ((0, -1), (0, 1)), 1, ("soft", "soft"),
        convexity="quasilinear",
    ),
    "penalized tanh": Said(
        ("(", -0.25, 1, ")"), ("-0.25", "1"), ((0, -0.25), (0, 1)), 1, ("soft", "soft"),
        kinks=((0, 0.25, 1),), convexity="quasilinear",
    ),
    "sigmoid": Said(
        ("(", 0, 1, ")"), ("0", "1"), ((0, 0), (0, 1)), 0.25, ("soft", "soft"),
        zeros=(), convexity="quasilinear",
    ),
    "hard sigmoid": Said(
        ("[", 0, 1, "]"), ("0", "1"), ((0, 0), (0, 1)), 1 / 6, ("hard", "hard"),
        kinks=((-3, 0, 1 / 6), (3, 1 / 6, 0)), zeros=(), convexity="quasilinear",
        sparsity=0.0013498980316301,
    ),
    "squared ReLU": Said(
        ("[", 0, INF, ")"), ("0", "inf"), ((0, 0), None), INF, ("hard", "no"),
        zeros=(), convexity="convex", sparsity=0.5,
    ),
    "sin": Said(
        ("[", -1, 1, "]"), ("oscillates", "oscillates"), (None, None), 1, ("no", "no"),
        zeros=tuple(k * math.pi for k in range(-3, 4)),
    ),
    "exp(cos)": Said(
        ("[", math.exp(-1), math.e, "]"), ("oscillates", "oscillates"), (None, None),
        1.4585285371362376, ("no", "no"), zeros=(),
    ),
    "cos - x": Said(
        ("(", -INF, INF, ")"), ("inf", "-inf"), (None, None), 2, ("no", "no"),
        zeros=(0.739085133215161,),  # Dottie's number
        convexity="quasilinear",
    ),
    "atan^2 - x": Said(
        ("(", -INF, INF, ")"), ("inf", "-inf"),
        ((-1, math.pi**2 / 4), (-1, math.pi**2 / 4)), 1.8238985596831418, ("no", "no"),
        convexity="quasilinear",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_the_literature_says(name: str) -> None:
    said, found = SAID[name], zoo(name)
    brackets = "[" if found.range_attained[0] else "(", "]" if found.range_attained[1] else ")"
    assert brackets == (said.range[0], said.range[3])
    assert found.range == pytest.approx(said.range[1:3], rel=2e-5)
    assert found.limits == said.limits
    assert {end.how for end in found.ends} == {"exact"}
    lines = [end.asymptote and (end.asymptote.slope, end.asymptote.offset) for end in found.ends]
    for line, expected in zip(lines, said.lines, strict=True):
        assert line == (None if expected is None else pytest.approx(expected, abs=1e-14))
    assert found.lipschitz == pytest.approx(said.lipschitz, rel=1e-11)
    assert (found.saturation.left, found.saturation.right) == said.saturates
    kinks = [(kink.x, kink.left_slope, kink.right_slope) for kink in found.kinks]
    assert kinks == [pytest.approx(kink, abs=1e-14) for kink in said.kinks]
    assert [zero.x for zero in found.zeros] == pytest.approx(said.zeros, abs=1e-14)
    assert found.convexity == said.convexity
    assert found.sparsity == pytest.approx(said.sparsity, abs=1e-12)
    if said.bottom is not None:
        (bottom,) = found.extrema
        assert (bottom.kind, bottom.how) == ("minimum", "high precision")
        assert bottom.x == pytest.approx(said.bottom[0], abs=1e-14)
        assert bottom.value == pytest.approx(said.bottom[1], abs=1e-6)


def test_places_are_named() -> None:
    sin, cos_x = parse("sin(x)").analyze(), parse("x*cos(x)").analyze()
    assert [one.form for one in sin.extrema][:2] == ["-5*pi/2", "-3*pi/2"]
    assert {one.value for one in sin.extrema} == {-1, 1}
    assert [zero.form for zero in cos_x.zeros][3:5] == ["0", "pi/2"]
    assert [zero.form for zero in parse("exp(x) - 3").analyze().zeros] == ["log(3)"]
    assert [zero.form for zero in parse("0.2*x + 0.5").analyze().zeros] == ["-2.5"]
    assert [zero.form for zero in parse("x**2 - 2").analyze().zeros] == ["-sqrt(2)", "sqrt(2)"]
    assert [zero.x for zero in parse("square(x - 0.3333)").analyze().zeros] == [0.3333]


def test_ends_are_in_closed_form() -> None:
    left, right = parse("atan(x)").analyze().ends
    assert (left.form, right.form, right.limit) == ("-pi/2", "pi/2", "1.5708")
    _, right = parse("atan(x)**2 - x").analyze().ends
    assert right.asymptote is not None
    assert right.asymptote.form == "-x + pi**2/4"
    assert str(right) == "-inf (exact); comes near -x + pi**2/4"


@pytest.mark.parametrize(
    ("formula", "limit", "how"),
    [
        ("i0e(x)", "0", "high precision"),  # SymPy isn't asked about Bessel functions
        ("1/gpow(x, 0.1) + i0e(x)", "0", "high precision"),  # however slowly numbers come near
        ("log_abs(x) + i0e(x)", "inf", "grid"),
        ("x*(1.5 + sin(x))", "inf", "high precision"),
        ("tanh(exp(x)*sin(x))", "oscillates", "grid"),
        ("relu(x - 1e10)", "inf", "high precision"),  # beyond what it is asked with
    ],
)
def test_a_limit_that_sympy_does_not_find_is_numerical(formula: str, limit: str, how: str) -> None:
    right = parse(formula).analyze().ends[1]
    assert (right.limit, right.how) == (limit, how)


def test_moments() -> None:
    relu, selu, gelu, tanh = (zoo(name) for name in ("ReLU", "SELU", "GELU", "tanh"))
    assert relu.mean == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-14)
    assert relu.variance == pytest.approx(0.5 - 1 / (2 * math.pi), abs=1e-14)
    assert relu.gain == pytest.approx(math.sqrt(2), abs=1e-14)  # He et al. 2015
    # The fixed point that SELU was made for: mean 0, variance 1 (Klambauer et al. 2017).
    assert (selu.mean, selu.variance) == pytest.approx((0, 1), abs=1e-6)
    assert gelu.mean == pytest.approx(1 / (2 * math.sqrt(math.pi)), abs=1e-14)
    assert gelu.mean_slope == pytest.approx(0.5, abs=1e-14)  # E[Phi] + E[x*phi]
    assert tanh.mean == 0
    # What torch.nn.init.calculate_gain has rounded to 5/3, measured: 1/0.62793.
    assert tanh.gain == pytest.approx(1.5925, abs=1e-4)


def test_shares_of_odd_and_even_parts() -> None:
    # ReLU is (x + |x|)/2: half of its energy is odd, half even.
    assert (zoo("ReLU").odd_share, zoo("ReLU").even_share) == pytest.approx((0.5, 0.5))
    assert (zoo("tanh").odd_share, zoo("tanh").even_share) == (1, 0)
    assert parse("0.1 + x - x").analyze().odd_share == 0  # what rounding leaves is no part
    # sigmoid is 1/2 + tanh(x/2)/2.
    half = parse("tanh(x/2)/2").analyze().variance
    assert zoo("sigmoid").odd_share == pytest.approx(half / (half + 0.25), abs=1e-12)


def test_zero_centring() -> None:
    assert [zoo(name).centred for name in ("tanh", "sin", "Softsign")] == ["zero-centred"] * 3
    assert [zoo(name).centred for name in ("sigmoid", "ReLU", "Softplus")] == ["no"] * 3
    assert zoo("SELU").centred == "zero-centred"
    assert parse("x + 0.05").analyze().centred == "nearly"


def test_saturation() -> None:
    # |tanh'| = 1 - tanh^2 < 0.01 beyond atanh(sqrt(0.99)).
    edge = math.atanh(math.sqrt(0.99))
    (_, left), (right, _) = zoo("tanh").saturation.intervals
    assert (left, right) == pytest.approx((-edge, edge), abs=1e-11)
    assert zoo("ReLU").dead == ((-INF, 0.0),)
    assert zoo("ReLU").dead_share == 0.5
    for name in ("Leaky ReLU", "ELU", "sigmoid", "SiLU"):
        assert zoo(name).dead == ()
    # What float64 calls 0 there is exp(-1000): saturated, not dead.
    steep = parse("sigmoid(100*x)").analyze()
    assert (steep.dead, steep.sparsity, steep.saturation.right) == ((), 0, "soft")


def test_mean_field() -> None:
    relu, tanh, leaky = (zoo(n).mean_field for n in ("ReLU", "tanh", "Leaky ReLU"))
    # He et al. 2015 and Hayou, Doucet and Rousseau 2019: ReLU's edge of chaos is sigma_w^2 = 2,
    # where every length is kept.
    assert relu.critical_weight_variance == pytest.approx(2)
    assert (relu.chi_1, relu.length_slope) == pytest.approx((1, 1))
    assert relu.phase == "critical"
    assert leaky.critical_weight_variance == pytest.approx(2 / (1 + 0.01**2))  # He et al. 2015
    # Poole et al. 2016, Schoenholz et al. 2017: tanh is critical at sigma_w = 1, sigma_b = 0; with
    # larger weights, as those that keep q = 1, chaotic.
    assert (tanh.critical_weight_variance, tanh.critical_q) == (1, 0)
    assert tanh.phase == "chaotic"
    assert tanh.chi_1 == pytest.approx(1.17781, abs=1e-5)
    assert tanh.length_slope < 1
    # Hayou et al. 2019 for SiLU: sigma_w = 2 with small signals.
    assert zoo("SiLU").mean_field.critical_weight_variance == pytest.approx(4)
    sigmoid = zoo("sigmoid").mean_field
    assert sigmoid.phase == "ordered"  # gradients vanish by chi_1 a layer
    assert sigmoid.chi_1 == pytest.approx(0.15283, abs=1e-5)
    # Of exp E[f'^2] = E[f^2] for every q, so that q = 1 is the one.
    exp = parse("exp(x)").analyze().mean_field
    assert (exp.critical_q, exp.critical_weight_variance) == pytest.approx((1, math.exp(-2)))


def test_curvature() -> None:
    (left, middle, right) = zoo("GELU").curvature
    assert [piece.direction for piece in (left, middle, right)] == ["concave", "convex", "concave"]
    # GELU'' = (2 - x^2)*phi(x)
    assert (middle.low, middle.high) == pytest.approx((-math.sqrt(2), math.sqrt(2)), abs=1e-11)
    assert (left.low, right.high) == (-INF, INF)
    assert [str(piece) for piece in zoo("tanh").curvature] == ["convex to 0", "concave from 0"]


def test_a_function_with_poles() -> None:
    found = parse("1/x").analyze()
    assert (found.steps, found.range, found.lipschitz) == ((0.0,), (-INF, INF), INF)
    assert [str(piece) for piece in found.pieces] == ["decreasing to 0", "decreasing from 0"]
    assert math.isnan(found.mean)  # 1/|x| has no mean under N(0, 1)
    root = parse("sqrt_abs(x)").analyze()
    assert [(k.left_slope, k.right_slope) for k in root.kinks] == [(-INF, INF)]
    assert math.isfinite(root.variance)
    assert root.mean_squared_slope == INF  # that of 1/(2*sqrt(|x|)) is a logarithm
