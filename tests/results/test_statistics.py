"""Paired statistics: numbers worked out by hand, SciPy where it agrees, and the algebra of both."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from actsearch.results import statistics
from actsearch.results.statistics import (
    differences,
    holm,
    interval,
    mean_and_error,
    paired,
    paired_t,
    signed_rank,
    spearman,
)

P_VALUES = st.lists(st.floats(0, 1), max_size=12)
EIGHTHS = st.integers(-50, 50).map(lambda k: k / 8)
# Few common seeds, or 24: enough for an interval of the bootstrap.
SCORES = st.one_of(
    st.dictionaries(st.integers(0, 9), EIGHTHS, min_size=2, max_size=8),
    st.fixed_dictionaries(dict.fromkeys(range(24), EIGHTHS)),
)
GAINS = st.lists(st.integers(-6, 6).map(float), max_size=9)


def normal(n: int, mean: float = 0.3, seed: int = 0) -> list[float]:
    """Return some numbers without ties."""
    return [float(v) for v in np.random.default_rng(seed).normal(mean, 1, n)]


def test_a_worked_example() -> None:
    # Differences 1, 2, 3, 4 at the seeds 1 to 4: mean 2.5, deviation sqrt(5/3), t = 3.873 at 3 df.
    ours = {1: 2.0, 2: 4.0, 3: 6.0, 4: 8.0, 9: 100.0}
    others = {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, 8: -100.0}
    found = paired(ours, others)
    assert found is not None
    assert (found.n, found.mean) == (4, 2.5)
    assert found.effect_size == pytest.approx(2.5 / math.sqrt(5 / 3))
    # The t distribution with 3 degrees of freedom has a closed form.
    t = math.sqrt(15)
    theta = math.atan(t / math.sqrt(3))
    assert found.t_p == pytest.approx(1 - 2 / math.pi * (theta + math.sin(theta) * math.cos(theta)))
    assert found.wilcoxon_p == 2 / 2**4  # all of one sign: the rarest two of 16 patterns
    # The standard error is sqrt(5 / 12), and tables give 3.182 for 95 % at 3 degrees of freedom.
    reach = 3.182446 * math.sqrt(5 / 12)
    assert (found.low, found.high) == pytest.approx((2.5 - reach, 2.5 + reach))


@pytest.mark.parametrize("common", [0, 1])
def test_below_two_common_seeds_there_is_nothing_to_say(common: int) -> None:
    assert paired({0: 1.0, 1: 2.0}, dict.fromkeys(range(2 - common, 4), 1.0)) is None


@pytest.mark.parametrize(("gain", "p"), [(0.1, 2 / 2**6), (-0.1, 2 / 2**6), (0.0, 1.0)])
def test_equal_differences(gain: float, p: float) -> None:
    # Without a spread no t can be had: what their signs say is all that is known of them.
    others = {seed: 0.1 * seed for seed in range(6)}
    found = paired({seed: score + gain for seed, score in others.items()}, others)
    assert found is not None
    assert found.low == found.high == pytest.approx(found.mean) == pytest.approx(gain)
    assert (found.t_p, found.effect_size) == (p, None)
    assert found.wilcoxon_p == p


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        paired({0: math.nan, 1: 1.0}, {0: 1.0, 1: 1.0})


@given(SCORES, SCORES)
def test_the_other_way_round_only_signs_change(a: dict[int, float], b: dict[int, float]) -> None:
    there, back = paired(a, b), paired(b, a)
    if there is None or back is None:
        assert there is back is None
        return
    assert (there.mean, there.t_p, there.wilcoxon_p) == (-back.mean, back.t_p, back.wilcoxon_p)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert (there.effect_size is None) == (back.effect_size is None)
    if there.effect_size is not None and back.effect_size is not None:
        assert there.effect_size == -back.effect_size


@given(SCORES, SCORES, st.floats(-3, 3))
def test_a_seed_that_shifts_all_scores_changes_nothing(
    a: dict[int, float], b: dict[int, float], shift: float
) -> None:
    def shifted(scores: dict[int, float]) -> dict[int, float]:
        return {seed: score + shift * seed for seed, score in scores.items()}

    before, after = paired(a, b), paired(shifted(a), shifted(b))
    if before is None or after is None:
        assert before is after is None
        return
    assert after.wilcoxon_p == before.wilcoxon_p  # ties stay ties
    for name in ("mean", "low", "high", "t_p", "effect_size"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-6)


def test_differences_that_floats_alone_tell_apart_are_one() -> None:
    ours, others = {0: 0.7, 1: 0.8, 2: 0.2, 3: 0.1}, {0: 0.6, 1: 0.7, 2: 0.3, 3: 0.1 + 2e-17}
    assert 0.7 - 0.6 != 0.8 - 0.7
    gains = differences(ours, others)
    assert gains[0] == gains[1] == -gains[2]
    assert gains[3] == 0


@pytest.mark.parametrize("n", [5, 12, 30])
def test_tests_agree_with_scipy_where_there_are_no_ties(n: int) -> None:
    gains = normal(n)
    assert paired_t(gains) == pytest.approx(stats.ttest_1samp(gains, 0).pvalue, rel=1e-9)
    exact = stats.wilcoxon(gains, method="exact").pvalue
    assert signed_rank(gains) == pytest.approx(exact, rel=1e-9)


@given(GAINS)
def test_signed_ranks_count_every_pattern_of_signs(gains: list[float]) -> None:
    sizes = [abs(gain) for gain in gains if gain]
    ranks = [
        sum(other < size for other in sizes) + (sum(other == size for other in sizes) + 1) / 2
        for size in sizes
    ]
    total = sum(ranks)
    positive = sum(r for r, gain in zip(ranks, (g for g in gains if g), strict=True) if gain > 0)
    sums = [
        sum(r for r, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product([False, True], repeat=len(ranks))
    ]
    extreme = abs(positive - total / 2)
    as_extreme = sum(abs(one - total / 2) >= extreme for one in sums)
    assert signed_rank(gains) == pytest.approx(as_extreme / len(sums))


def test_the_interval_is_the_same_at_every_call_and_near_the_textbook() -> None:
    gains = normal(40)
    low, high = interval(gains)
    assert (low, high) == interval(gains)
    mean, error = mean_and_error(gains)
    assert error is not None
    assert (low, high) == pytest.approx(
        (mean - 1.96 * error, mean + 1.96 * error), abs=0.25 * error
    )
    narrow = interval(gains, 0.5)
    assert low < narrow[0] < narrow[1] < high


def test_the_interval_leans_to_the_long_tail() -> None:
    gains = [0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 5.0] * 2
    low, high = interval(gains)
    mean = sum(gains) / len(gains)
    assert high - mean > 1.2 * (mean - low)


def test_two_or_three_values_have_the_interval_of_student() -> None:
    # The quantiles have closed forms: Cauchy's with 1 degree of freedom, an algebraic with 2.
    reach = math.tan(math.pi * 0.475)  # 12.7 standard errors, here of 1
    assert interval([3.0, 1.0]) == pytest.approx((2 - reach, 2 + reach))
    reach = 0.95 * math.sqrt(2 / (4 * 0.975 * 0.025)) * math.sqrt(3)  # 4.3 of sqrt(3)
    assert interval([0.0, 6.0, 3.0]) == pytest.approx((3 - reach, 3 + reach))
    half = interval([3.0, 1.0], 0.5)
    assert half == pytest.approx((1, 3)), "a Cauchy variable is within 1 in half of the cases"


def test_one_training_that_collapsed_gives_no_impossible_interval() -> None:
    gains = [0.009, 0.01, 0.011, 0.01] * 5
    low, high = interval([*gains[:-1], -0.8])
    assert -0.8 <= low < 0 < high <= 0.011


@settings(max_examples=40)
@given(
    st.one_of(
        st.lists(EIGHTHS, min_size=2, max_size=9), st.lists(EIGHTHS, min_size=20, max_size=24)
    ),
    st.sampled_from([-8.0, -1.0, 0.25, 3.0]),
    st.integers(-9, 9),
)
def test_the_interval_holds_the_mean_and_goes_with_the_unit(
    gains: list[float], scale: float, shift: int
) -> None:
    low, high = interval(gains)
    mean, _ = mean_and_error(gains)
    assert low - 1e-9 <= mean <= high + 1e-9
    assert (low < high) == (len(set(gains)) > 1)
    ends = interval([scale * gain + shift for gain in gains])
    assert ends == pytest.approx(sorted([scale * low + shift, scale * high + shift]), abs=1e-6)
    narrow = interval(gains, 0.5)
    assert low <= narrow[0] <= narrow[1] <= high


@given(st.lists(EIGHTHS, min_size=6, max_size=6))
def test_with_6_values_the_interval_leaves_out_0_exactly_where_the_t_test_decides(
    gains: list[float],
) -> None:
    low, high = interval(gains, 0.95)
    assert (paired_t(gains) <= 0.05) == (not low <= 0 <= high)


@pytest.mark.parametrize("n", [19, 20])
def test_the_bootstrap_begins_with_20_values(n: int) -> None:
    gains = normal(n)
    student = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    is_student = interval(gains) == pytest.approx((student.low, student.high))
    assert is_student == (n < 20)


@pytest.mark.parametrize("n", [6, 19, 24])  # Student's t, then the bootstrap
def test_the_interval_holds_the_true_mean_as_often_as_it_says(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "N_RESAMPLES", 999)
    rng = np.random.default_rng(5)
    intervals = [interval(rng.normal(0.3, 1, n).tolist()) for _ in range(1000)]
    n_held = sum(low <= 0.3 <= high for low, high in intervals)
    assert 0.90 * 1000 <= n_held <= 0.97 * 1000


@pytest.mark.parametrize(("gains", "level"), [([1.0], 0.95), ([1.0, 2.0], 1.0), ([], 0.95)])
def test_an_interval_of_nothing_is_refused(gains: list[float], level: float) -> None:
    with pytest.raises(ValueError, match="2 values"):
        interval(gains, level)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1.0, 1.0]


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_what_its_steps_reject(p_values: list[float], alpha: float) -> None:
    left, rejected = list(range(len(p_values))), set()
    while left:
        least = min(left, key=p_values.__getitem__)
        if len(left) * p_values[least] > alpha:
            break
        rejected.add(least)
        left.remove(least)
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@given(P_VALUES)
def test_holm_keeps_the_order_and_never_lowers(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    by_p = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert by_p == sorted(by_p)
    ties = {p: {q for r, q in zip(p_values, adjusted, strict=True) if r == p} for p in p_values}
    assert all(len(values) == 1 for values in ties.values())


@given(st.data(), P_VALUES)
def test_holm_does_not_mind_the_order(data: st.DataObject, p_values: list[float]) -> None:
    order = data.draw(st.permutations(range(len(p_values))))
    adjusted = holm(p_values)
    assert holm([p_values[i] for i in order]) == [adjusted[i] for i in order]


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, p])


def test_spearman() -> None:
    assert spearman([1, 2, 3], [10, 100, 1000]) == 1
    assert spearman([1, 2, 3], [5, 4, -100]) == -1
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 * 4 / (4 * 15)
    assert spearman([1, 2, 3, 4], [2, 1, 4, 3]) == pytest.approx(0.6)
    a, b = [1.0, 2.0, 2.0, 3.0, 9.0], [2.0, 1.0, 5.0, 5.0, 4.0]
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0])])
def test_spearman_of_nothing_is_none(a: list[float], b: list[float]) -> None:
    assert spearman(a, b) is None
    assert spearman(b, a) is None


@pytest.mark.parametrize("b", [[1.0], [1.0, math.nan]])
def test_spearman_refuses_what_does_not_pair(b: list[float]) -> None:
    with pytest.raises(ValueError, match="one length"):
        spearman([1.0, 2.0], b)
