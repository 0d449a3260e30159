"""Stand-ins keep the error that they state, end as the function ends, and refuse what has none."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.export.approximate import KINDS, StandIn, approximate
from actsearch.export.approximate.rational import MAX_DENOMINATOR, MAX_NUMERATOR, rational
from actsearch.export.approximate.subject import subject
from actsearch.expressions import KNOWN, parse

#: These leave every line, and beyond the window nothing is promised: x*cos(x), relu(x)**2.
GROWING = {"GCU", "squared ReLU"}
#: Of each sort one; the others are looked at every night.
QUICK = {
    "ReLU",
    "ELU",
    "SiLU",
    "squared ReLU",
    "Softsign",
    "tanh",
    "hard sigmoid",
    "AQuaSurF",
    "min(x, sin)",
    "max(x, sigmoid)",
}
ZOO = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.nightly, id=name)
    for name in KNOWN
]


@functools.cache
def made(formula: str, kind: str, pieces: int | None = None) -> StandIn:
    return approximate(parse(formula), kind, pieces=pieces)


def independent(low: float, high: float, n: int = 31_013) -> np.ndarray:
    """Return points that share no grid with what was measured, and some beside 0."""
    even = np.linspace(low, high, n)
    beside = np.array([sign * 10.0**-k for k in range(1, 15) for sign in (-1, 1)])
    return np.concatenate([even, beside[(beside >= low) & (beside <= high)]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ZOO)
def test_the_stated_error_holds(name: str, kind: str) -> None:
    stand_in = made(KNOWN[name], kind)
    exact = stand_in.exact
    x = independent(-8, 8)
    off = np.abs(stand_in.value(x) - exact.evaluate(x))
    assert off.max() <= stand_in.errors.window[0] + 1e-14
    # It is no bound alone: somewhere the function is that far away.
    at = np.array([stand_in.errors.window[1]])
    there = float(np.abs(stand_in.value(at) - exact.evaluate(at))[0])
    assert there >= 0.95 * stand_in.errors.window[0] - 1e-14
    steps = np.geomspace(1e-6, 1e4, 4_999)
    far = np.concatenate([-8 - steps, 8 + steps])
    beyond = np.abs(stand_in.value(far) - exact.evaluate(far)).max()
    # A wave's crest lies where it lies, and the crests that were looked at are not all.
    assert beyond <= stand_in.errors.beyond[0] * (1 + 1e-2) + 1e-14
    assert np.isinf(stand_in.errors.beyond[0]) == (name in GROWING)
    slopes = exact.derivative().evaluate(x)
    clear = np.abs(x) < 8 - 1e-6  # where a clipped part ends, both slopes are added
    for bend in stand_in.subject.bends:
        clear &= np.abs(x - bend) > 1e-6
    assert (
        np.abs(stand_in.slope(x) - slopes)[clear] <= 1.01 * stand_in.errors.slope[0] + 1e-9
    ).all()


@pytest.mark.parametrize("name", ZOO)
def test_a_rational_reaches_the_error_wanted(name: str) -> None:
    assert made(KNOWN[name], "rational").reaches


@pytest.mark.parametrize("formula", ["silu(x)", "gelu(x)", "elu(x)", "gauss(x)", "tanh(x)"])
def test_an_asymptote_of_straight_pieces_is_exact(formula: str) -> None:
    stand_in, (left, right) = made(formula, "hard"), made(formula, "hard").subject.ends
    for sign, end in ((-1, left), (1, right)):
        x = sign * np.array([30.0, 1e4, 1e30])
        np.testing.assert_allclose(
            stand_in.value(x), end.slope * x + end.offset, rtol=1e-15, atol=1e-15
        )
    assert left.slope != 0 or (stand_in.value(np.array([-1e4, -np.inf])) == left.offset).all()


def test_a_hard_function_is_found_again() -> None:
    assert str(made("relu(x)", "hard").formula) == "max(x, 0)"
    assert str(made("hardsigmoid(x)", "hard").formula) == "clip(0.1666667*x + 0.5, 0, 1)"
    assert str(made("hardswish(x)", "hard").formula) == "x*clip(0.1666667*x + 0.5, 0, 1)"
    assert str(made("max(x, p0*x); p0=0.25", "hard").formula) == "0.25*x + max(0.75*x, 0)"
    assert str(made("3 + 0*x", "hard").formula) == "3"


@pytest.mark.parametrize("formula", ["silu(x)", "tanh(x)", "sin(x)", "gauss(x)", "softplus(x)"])
def test_more_pieces_are_never_worse(formula: str) -> None:
    largest = [
        max(made(formula, "hard", pieces).errors.window[0], 1e-9) for pieces in (3, 4, 5, 6, 9, 14)
    ]
    assert all(more <= 1.01 * fewer for fewer, more in itertools.pairwise(largest))
    assert largest[-1] < largest[0] / 2


def test_straight_pieces_are_the_best_there_are() -> None:
    # Of all even functions of 7 or 8 straight pieces the best is 0.022992 away from silu(x) - x/2,
    # as a global search over knots and heights finds.
    assert made("silu(x)", "hard").errors.window[0] == pytest.approx(0.022992, rel=0.012)


def test_fewer_pieces_are_taken_where_they_reach_the_error() -> None:
    loose = approximate(parse("tanh(x)"), "hard", error=0.12)
    assert loose.note == "3 straight pieces"
    assert loose.reaches
    assert not approximate(parse("tanh(x)"), "hard", error=1e-3).reaches


def test_a_clipped_factor_is_kept_where_it_is_closer_for_its_cost() -> None:
    three = made("silu(x)", "hard", 3)
    assert "hardswish" in three.note
    assert str(three.formula).startswith("x*clip(")
    assert "straight" in made("softplus(x)", "hard", 3).note


SMOOTH = ["tanh(x)", "gelu(x)", "silu(x)", "sigmoid(x)", "sin(x)", "mish(x)", "softplus(x)"]


@pytest.mark.parametrize("formula", SMOOTH)
def test_errors_of_quotients_are_level(formula: str) -> None:
    """The mark of the best approximation: n + m + 2 extremes of one size, in turns of sign."""
    about = subject(parse(formula), (-8, 8))
    for part in rational(about, 1e-4).parts:
        assert part.fit is not None
        assert part.fit.levelled
        n, m = part.degrees
        assert n <= MAX_NUMERATOR
        assert m <= MAX_DENOMINATOR
        x = part.x[part.fit.extremes]
        assert len(x) == n + m + 2
        # By the formula itself: a part adds what the function rises from a bend.
        whole = rational(about, 1e-4)
        if len(whole.parts) == 1:
            stand_in = made(formula, "rational")
            off = stand_in.value(x) - about.value(x)
            np.testing.assert_allclose(np.abs(off), part.error, rtol=0.03)
            assert (np.sign(off[1:]) == -np.sign(off[:-1])).all()


@pytest.mark.parametrize("name", ZOO)
def test_quotients_have_no_poles(name: str) -> None:
    about = subject(parse(KNOWN[name]), (-8, 8))
    for part in rational(about, 1e-4).parts:
        if part.fit is None:
            continue
        origin = 0.0
        if not part.symmetry:
            outer = (part.low in about.bends, part.high in about.bends)
            origin = part.low if outer[0] else part.high if outer[1] else 0.0
        t = np.linspace(part.low, part.high, 100_003) - origin
        values = np.polynomial.Polynomial(part.fit.denominator)(t * t if part.symmetry else t)
        if part.symmetry or part.low in about.bends or part.high in about.bends:
            assert (values > 0).all()
    stand_in = made(KNOWN[name], "rational")
    low, high = -60.0, 60.0
    x = np.linspace(low, high, 100_003)
    slopes = stand_in.slope(x)
    assert np.isfinite(slopes).all()
    assert np.abs(slopes).max() < 60


def test_symmetry_halves_the_coefficients() -> None:
    value = made("tanh(x)", "rational").value
    x = np.linspace(0, 20, 999)
    np.testing.assert_array_equal(value(-x), -value(x))
    assert "x^2" in made("silu(x)", "rational").note
    assert "x^2" not in made("mish(x)", "rational").note


@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity_go_through(kind: str) -> None:
    for formula in ("silu(x)", "tanh(x)"):
        value = made(formula, kind).value(np.array([np.nan, -np.inf, np.inf]))
        assert np.isnan(value[0])
        expected = [0, np.inf] if formula == "silu(x)" else [-1, 1]
        np.testing.assert_allclose(value[1:], expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_continuous(kind: str) -> None:
    for formula in ("elu(x)*sigmoid(x)", "min(x, sin(x))", "-x*sigmoid(x)*clip(0.2*x + 0.5, 0, 1)"):
        stand_in = made(formula, kind)
        x = np.linspace(-30, 30, 600_001)
        steepest = np.abs(stand_in.slope(x)).max()
        assert np.abs(np.diff(stand_in.value(x))).max() <= 1.1e-4 * max(1, steepest)


def test_entries_of_a_table_are_values_and_bends_lie_on_them() -> None:
    relu = made("relu(x)", "table")
    assert relu.errors.window[0] < 1e-12
    table = made("silu(x)", "table").table
    assert table is not None
    assert len(table.values) == 256
    inner = np.array(table.knots[1:-1])
    np.testing.assert_allclose(table.value(inner), parse("silu(x)").evaluate(inner), atol=1e-13)
    finer = approximate(parse("silu(x)"), "table", error=1e-5)
    assert finer.reaches
    assert finer.table is not None
    assert len(finer.table.values) > 256


def test_what_grows_goes_on_straight_and_says_so() -> None:
    for kind in KINDS:
        stand_in = made("exp(x)", kind)
        assert np.isinf(stand_in.errors.beyond[0])
        assert "unbounded" in stand_in.beyond
        slope = np.diff(stand_in.value(np.array([1e3, 1e3 + 1, 1e3 + 2])))
        assert slope[0] == pytest.approx(slope[1])
        assert stand_in.errors.window[0] < 0.05 * np.exp(8)


@pytest.mark.parametrize("formula", ["elu(x)", "mish(x)", "elu(x)*sigmoid(x)"])
def test_where_two_quotients_meet_the_slope_is_their_mean(formula: str) -> None:
    slope = float(made(formula, "rational").slope(np.array([0.0]))[0])
    assert slope == pytest.approx(float(parse(formula).derivative().evaluate(0.0)), abs=2e-3)


def test_parameters_stand_where_they_start() -> None:
    stand_in = made("p0*x*sigmoid(p1*x); p1=1.5", "rational")
    assert stand_in.subject.starts == {"p0": 1.0, "p1": 1.5}
    assert stand_in.formula is not None
    assert stand_in.formula.parameters == ()
    assert stand_in.facts["parameters fixed at"] == {"p0": 1.0, "p1": 1.5}
    x = np.linspace(-8, 8, 999)
    np.testing.assert_allclose(stand_in.value(x), x / (1 + np.exp(-1.5 * x)), atol=1e-4)


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("x*u", {"kind": "hard"}, "reads u"),
        ("x*sigmoid(o)", {"kind": "table"}, "reads o"),
        ("sign(x)", {"kind": "hard"}, "jumps at x = 0"),
        ("x*heaviside(x - 1.25)", {"kind": "rational"}, "jumps at x = 1.25"),
        ("1/(x - 0.333)", {"kind": "rational"}, "pole at x = 0.333"),
        ("log(x)", {"kind": "table"}, "not finite at x = -8"),
        ("tanh(x)", {"kind": "smooth"}, "unknown kind of --approximate 'smooth'"),
        ("tanh(x)", {"kind": "ration"}, "did you mean 'rational'"),
        ("tanh(x)", {"kind": "rational", "pieces": 4}, "goes with hard or table"),
        ("tanh(x)", {"kind": "hard", "pieces": 0}, "pieces of hard are 1 to 64, got 0"),
        ("relu(x)", {"kind": "hard", "pieces": 1}, "takes at least 2 pieces, got 1"),
        ("sin(x)", {"kind": "hard", "pieces": 2}, "takes at least 3 pieces, got 2"),
        ("tanh(x)", {"kind": "table", "pieces": 1}, "pieces of table are 2 to 8192, got 1"),
        ("tanh(x)", {"kind": "hard", "error": 0.0}, "a maximum error is 1e-09 to 10"),
        ("tanh(x)", {"kind": "hard", "error": float("nan")}, "a maximum error is"),
        ("tanh(x)", {"kind": "hard", "window": (3, -3)}, "a window is two numbers"),
        ("tanh(x)", {"kind": "hard", "window": (0,)}, "a window is two numbers"),
        ("tanh(x)", {"kind": "hard", "window": (0, float("inf"))}, "a window is two numbers"),
        ("tanh(x)", {"kind": "hard", "window": (0, 101)}, "between -100 and 100"),
    ],
)
def test_what_is_refused(formula: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        approximate(parse(formula), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("x + heaviside(x - 20)", "jumps at x = 20:"),
        ("x + heaviside(x + 30)", "jumps at x = -30:"),
        ("x*heaviside(10 - x)", "jumps at x = 10:"),
        ("1/(x - 33.3333)", "pole at x = 33.3333:"),
        ("1/((x + 9.1234567)*(x - 33.3333))", "pole at x = 33.3333:"),
    ],
)
def test_a_wide_window_is_looked_at_whole(formula: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        subject(parse(formula), (-9 if "9.1" in formula else -50, 50))


@pytest.mark.parametrize("bend", [-50, -30, -10.5, 10, 30, 40])
@pytest.mark.parametrize("shape", ["relu", "elu"])
def test_bends_of_a_wide_window_are_found(shape: str, bend: float) -> None:
    found = subject(parse(f"{shape}(x - {bend})"), (-51, 51)).bends
    assert found == pytest.approx((bend,), abs=1e-5)


def test_what_it_is_made_of_is_said() -> None:
    stand_in = made("silu(x)", "rational")
    facts = stand_in.activation("fast_silu", {"run": "r"}).metadata["provenance"]
    assert facts["run"] == "r"
    assert facts["stands in for"] == "silu(x)"
    assert facts["maximum error"].startswith(f"{stand_in.errors.window[0]:.3g} on the window")
    assert "2 div, 1 exp" in facts["operations"]
    assert stand_in.sentence.startswith("stands in for silu(x): 1 quotient of degrees 3/3 in x^2")


@settings(max_examples=4)
@given(
    steep=st.floats(0.2, 3),
    shift=st.floats(-2, 2),
    bend=st.floats(-3, 3),
    kind=st.sampled_from(["hard", "table", "rational"]),
)
def test_any_mixture_keeps_its_error(steep: float, shift: float, bend: float, kind: str) -> None:
    formula = f"max(tanh({steep!r}*x + {shift!r}), 0.3*x - {bend!r})"
    stand_in = approximate(parse(formula), kind)
    x = independent(-8, 8, 9_973)
    assert np.abs(stand_in.value(x) - parse(formula).evaluate(x)).max() <= (
        stand_in.errors.window[0] + 1e-12
    )
    assert stand_in.errors.window[0] < {"hard": 0.2, "table": 0.03, "rational": 0.01}[kind]
