"""Who leads: rungs, several seeds before one, and score less error among those with several."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.runs.ranking import Leaderboard, Result, merits
from actsearch.runs.scores import mean_and_error


def result(id_: int, *scores: float, rung: int = 1, size: int = 3) -> Result:
    mean, error = mean_and_error(list(scores))
    return Result(id_, size, rung, len(scores), mean, error)


def test_a_high_mean_of_two_seeds_leads_a_lower_one_of_eight() -> None:
    """The noise is 0.001, so half a point more is worth more than six seeds more."""
    eight = result(1, *[0.950, 0.951, 0.952, 0.951] * 2)
    two = result(2, 0.956, 0.957)
    assert list(Leaderboard([eight, two])) == [2, 1]


def test_two_seeds_within_the_error_do_not_lead() -> None:
    eight = result(1, *[0.950, 0.954, 0.946, 0.950] * 2)
    two = result(2, 0.950, 0.9508)  # above, by less than the error of two seeds
    assert two.mean > eight.mean
    assert list(Leaderboard([eight, two])) == [1, 2]


def test_one_seed_leads_nobody_with_two_at_the_same_rung() -> None:
    assert list(Leaderboard([result(1, 0.99), result(2, 0.5, 0.5)])) == [2, 1]


def test_the_longer_rung_comes_first() -> None:
    results = [result(1, 0.6), result(2, 0.4, 0.4), result(3, 0.99, 0.99, rung=0), result(4, 0.3)]
    assert list(Leaderboard(results)) == [2, 1, 4, 3]


def test_the_first_birth_leads_by_its_score_and_not_by_its_seeds() -> None:
    """It runs all seeds whatever it scores."""
    relu = result(0, *[0.50, 0.51] * 4)
    assert list(Leaderboard([relu, result(1, 0.6), result(2, 0.4)])) == [1, 0, 2]
    assert list(Leaderboard([relu, result(1, 0.6, 0.61), result(2, 0.4, 0.41)])) == [1, 0, 2]


def test_one_that_collapses_with_a_seed_does_not_hide_what_is_better() -> None:
    good = [result(1, *[0.950, 0.951, 0.952, 0.951] * 2), result(2, 0.956, 0.957)]
    others = [result(k, 0.94, 0.941) for k in range(3, 6)]
    assert list(Leaderboard([*good, *others, result(9, 0.93, 0.1)]))[:2] == [2, 1]


def test_a_result_takes_the_place_of_the_one_before() -> None:
    ranking = Leaderboard([result(1, 0.5), result(2, 0.6)])
    ranking.put(result(1, 0.5, 0.5))
    assert list(ranking) == [1, 2]
    ranking.drop(1)
    ranking.drop(7)  # never there
    assert list(ranking) == [2]


measured = st.tuples(
    st.integers(0, 2), st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(1, 4)
)


@given(st.lists(measured, max_size=12), st.randoms())
def test_the_order_does_not_depend_on_how_results_came(data: list[Any], random: Any) -> None:
    results = [
        result(id_, *scores, rung=rung, size=size) for id_, (rung, scores, size) in enumerate(data)
    ]
    once = list(Leaderboard(results))
    assert sorted(once) == list(range(len(results)))
    ranking = Leaderboard()
    for id_ in random.sample(range(len(results)), len(results)):
        ranking.put(result(id_, random.random()))  # an earlier one
    for one in random.sample(results, len(results)):
        ranking.put(one)
    assert list(ranking) == once


@given(st.lists(measured, min_size=1, max_size=12))
def test_among_several_seeds_of_a_rung_the_merit_falls(data: list[Any]) -> None:
    results = {k: result(k, *scores, rung=rung) for k, (rung, scores, _) in enumerate(data, 1)}
    order = [results[id_] for id_ in Leaderboard(results.values())]
    for rung in range(3):
        here = [one for one in order if one.rung == rung]
        again = merits([(one.mean, one.n, one.error) for one in here if one.n > 1])
        assert again == sorted(again, reverse=True)
        assert [one.n > 1 for one in here] == sorted((one.n > 1 for one in here), reverse=True)
        once = [one.mean for one in here if one.n == 1]
        assert once == sorted(once, reverse=True)
    assert [one.rung for one in order] == sorted((one.rung for one in order), reverse=True)


def of(samples: list[list[float]]) -> list[tuple[float, int, float | None]]:
    return [(mean, len(s), error) for s in samples for mean, error in [mean_and_error(s)]]


def test_noise_is_pooled_by_degrees_of_freedom() -> None:
    samples = [[0.1, 0.3], [0.5, 0.6, 0.7, 0.4], [0.9]]
    spread = sum((v - statistics.fmean(s)) ** 2 for s in samples for v in s)
    noise = math.sqrt(spread / (1 + 3))
    expected = [statistics.fmean(s) - noise / math.sqrt(len(s)) for s in samples]
    assert merits(of(samples)) == pytest.approx(expected)


def test_noise_is_that_of_the_better_half() -> None:
    better = [[0.8, 0.81], [0.85, 0.87], [0.9, 0.91], [0.8, 0.82]]
    worse = [[0.1, 0.7], [0.2, 0.9], [0.3, 0.5]]
    assert merits(of(better + worse))[:4] == pytest.approx(merits(of([*better, *better]))[:4])


def test_noise_of_single_seeds_is_none() -> None:
    assert merits(of([[0.5], [0.7]])) == [0.5, 0.7]
    assert merits([]) == []
