"""Statistics against other ways to the same numbers: closed tests, SciPy, simulations.

Mutation testing found what the tests beside these left open.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from actsearch.results.statistics import (
    MIN_RESAMPLED,
    N_RESAMPLES,
    differences,
    holm,
    interval,
    paired,
    paired_t,
    signed_rank,
    spearman,
)

EIGHTHS = st.integers(-50, 50).map(lambda k: k / 8)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
@example([0.01, 0.04, 0.03, 0.005])
@example([0.2, 0.2, 1.0])
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    # A hypothesis is rejected where every intersection that it is part of is, by the smallest of
    # their p-values times their number: Marcus, Peritz and Gabriel 1976.
    n = len(p_values)
    for index, adjusted in enumerate(holm(p_values)):
        families = (
            [p_values[one] for one in range(n) if one == index or among >> one & 1]
            for among in range(2**n)
        )
        expected = max(min(1.0, len(family) * min(family)) for family in families)
        assert adjusted == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.floats(0, 1), max_size=12), st.randoms(use_true_random=False))
def test_holm_is_monotone_and_knows_no_order(p_values: list[float], source: object) -> None:
    adjusted = holm(p_values)
    for (p, a), (q, b) in itertools.combinations(zip(p_values, adjusted, strict=True), 2):
        assert (a <= b) if p <= q else (a >= b)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = list(range(len(p_values)))
    source.shuffle(order)  # type: ignore[attr-defined]
    assert holm([p_values[k] for k in order]) == [adjusted[k] for k in order]
    smaller = holm([p / 2 for p in p_values])
    assert all(one <= other for one, other in zip(smaller, adjusted, strict=True))


@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_tests_of_few_values_are_those_of_scipy(n: int) -> None:
    gains = [0.5, 1.75, -0.25, 0.125, 2.5, -0.75, 1.0, 0.0625, 0.375][:n]
    ours = {seed: 1.0 + gain for seed, gain in enumerate(gains)}
    found = paired(ours, dict.fromkeys(range(n), 1.0))
    assert found is not None
    assert found.n == n
    assert found.t_p == paired_t(gains) == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)
    assert found.wilcoxon_p == pytest.approx(stats.wilcoxon(gains, method="exact").pvalue)
    rank = [1.0, 3.0, 0.5, 2.0, 7.0, 6.0, 9.0, 8.0, 4.0][:n]
    expected = stats.spearmanr(gains, rank).statistic
    assert spearman(gains, rank) == pytest.approx(expected)


@given(st.floats(1e-9, 1e9), st.integers(2, 40), st.booleans())
@example(0.1, 3, False)
@example(0.1, 10, True)
def test_equal_gains_say_what_their_signs_say(gain: float, n: int, negative: bool) -> None:
    gains = [-gain if negative else gain] * n
    # The mean of equal numbers misses them by a bit: no spread may be made of that.
    assert paired_t(gains) == signed_rank(gains) == pytest.approx(2 / 2**n)
    assert interval(gains) == (gains[0], gains[0])


def test_a_spread_too_small_to_be_measured_says_what_the_signs_say() -> None:
    tiny = [1e-200, 2e-200, 3e-200]  # whose squares are 0
    assert paired_t(tiny) == signed_rank(tiny) == 0.25


@given(
    st.lists(st.integers(-99, 99), min_size=2, max_size=8),
    st.integers(-6, 6),
    st.integers(1, 10**6),
)
def test_equal_differences_come_out_equal_at_any_magnitude(
    steps: list[int], exponent: int, base: int
) -> None:
    # Scores as decimals of any unit: 0.7 - 0.6 in units of a million, or of a millionth.
    unit = Fraction(10) ** exponent / 10
    others = {k: float((base + k) * unit) for k in range(len(steps))}
    ours = {k: float((base + k + step) * unit) for k, step in enumerate(steps)}
    found = differences(ours, others)
    for step, gain in zip(steps, found, strict=True):
        assert gain == pytest.approx(float(step * unit), rel=1e-9, abs=1e-300)
    for (a, x), (b, y) in itertools.combinations(zip(steps, found, strict=True), 2):
        assert (a == b) == (x == y)
        assert (a == -b) == (x == -y)


def test_a_difference_of_nothing_is_a_plain_zero() -> None:
    found = differences({0: 1.0, 1: 0.0}, {0: 1.0, 1: 1e-20})
    assert [math.copysign(1, gain) for gain in found] == [1, 1]
    assert differences({0: 1.0}, {1: 1.0}) == differences({}, {}) == []
    assert differences({0: 0.0}, {0: 0.0}) == [0.0]


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ValueError, match="0 < level < 1"):
        interval([1.0, 2.0, 3.0], level)


@pytest.mark.parametrize("n", [5, MIN_RESAMPLED])
def test_the_level_is_that_of_the_interval(n: int) -> None:
    gains = [((7 * k) % n) / 8 for k in range(n)]
    ours = dict(enumerate(gains))
    found = paired(ours, dict.fromkeys(range(n), 0.0), 0.5)
    assert found is not None
    assert (found.low, found.high) == interval(gains, 0.5) != interval(gains)


def test_the_bootstrap_is_scipys() -> None:
    gains = [float(v) for v in np.random.default_rng(3).exponential(1, MIN_RESAMPLED)]
    expected = stats.bootstrap(
        (gains,),
        np.mean,
        confidence_level=0.9,
        n_resamples=N_RESAMPLES,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    assert interval(gains, 0.9) == (expected.low, expected.high)


def test_where_the_correction_is_undefined_there_are_plain_percentiles() -> None:
    tiny = [1e-120 * k for k in range(MIN_RESAMPLED)]  # whose cubes, of the skewness, are 0
    low, high = interval(tiny)
    same = interval([float(k) for k in range(MIN_RESAMPLED)])
    assert (low, high) == pytest.approx((1e-120 * same[0], 1e-120 * same[1]), rel=0.05)


@given(st.lists(EIGHTHS, min_size=2, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_ranks_agree_with_scipy_and_stay_within_one(a: list[float], source: object) -> None:
    b = list(a)
    source.shuffle(b)  # type: ignore[attr-defined]
    found = spearman(a, b)
    if found is None:
        assert len(set(a)) == 1
        return
    assert found == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)
    assert -1 <= found <= 1
    assert spearman(a, a) == pytest.approx(1)
    assert spearman(a, [-value for value in a]) == pytest.approx(-1)


def _shares(source: np.random.Generator, n: int) -> Sequence[float]:
    """Differences of two accuracies on 50 samples: few values, many ties; their mean is 0.04."""
    return list((source.binomial(50, 0.64, n) - source.binomial(50, 0.6, n)) / 50)


_DRAWS: dict[str, tuple[float, Callable[[np.random.Generator, int], Sequence[float]]]] = {
    "normal": (0.3, lambda source, n: list(source.normal(0.3, 1, n))),
    "shares": (0.04, _shares),
    "skewed": (1.0, lambda source, n: list(source.exponential(1.0, n))),
}
#: Fewest and most of 1,000 intervals of 95 % that hold the mean: those of few values, and of skewed
#: ones, hold it less often.
_FEWEST, _MOST = {6: 850, 20: 870, 40: 905}, 970


@pytest.mark.nightly
@pytest.mark.parametrize("n", _FEWEST)
@pytest.mark.parametrize("kind", _DRAWS)
def test_intervals_hold_the_mean_as_often_as_they_say(kind: str, n: int) -> None:
    mean, draw = _DRAWS[kind]
    source = np.random.default_rng(n)
    held = 0
    for _ in range(1000):
        low, high = interval([float(value) for value in draw(source, n)])
        held += low <= mean <= high
    assert _FEWEST[n] <= held <= _MOST


@pytest.mark.nightly
@pytest.mark.parametrize("n", [6, 10, 20])
def test_tests_of_nothing_reject_as_often_as_they_say(n: int) -> None:
    source = np.random.default_rng(n)
    samples = [[float(value) for value in source.normal(0, 1, n)] for _ in range(4000)]
    for test in (paired_t, signed_rank):
        p_values = np.array([test(gains) for gains in samples])
        for level in (0.05, 0.2):
            # Within four standard errors; the signed ranks are few and may stay below.
            room = 4 * math.sqrt(level * (1 - level) / len(samples))
            assert np.mean(p_values <= level) <= level + room
    assert np.mean(np.array([paired_t(gains) for gains in samples]) <= 0.05) >= 0.05 - 0.014
