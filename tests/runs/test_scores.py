"""Who has a score, and who leads."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.runs import hall_of_fame, scores
from actsearch.runs.scores import mean_and_error


def test_one_training_has_no_standard_error(birth: Any, training: Any) -> None:
    (one,) = scores([birth(0)], [training(0, score=0.5)])
    assert (one.mean, one.standard_error, one.n, one.status) == (0.5, None, 1, "ok")


def test_fields_come_from_the_birth_and_its_trainings(birth: Any, training: Any) -> None:
    parent, child = birth(0), birth(1, parents=(0,), operator="insert", size=9)
    rows = [training(1, 0, 0.2, time_s=1.5), training(1, 1, 0.4, time_s=2.0)]
    one = scores([parent, child], rows)[1]
    assert one.mean == pytest.approx(0.3)
    assert one.standard_error == pytest.approx(0.1)
    assert (one.id, one.formula, one.size, one.n) == (1, "x + 1", 9, 2)
    assert (one.operator, one.parents, one.fingerprint) == ("insert", (0,), child.fingerprint)
    assert one.time_s == 3.5


@pytest.mark.parametrize("status", ["diverged", "failed", "crashed"])
def test_one_bad_training_takes_the_score(birth: Any, training: Any, status: str) -> None:
    rows = [training(0, 0, 0.9), training(0, 1, None, status=status), training(0, 2, 0.9)]
    (one,) = scores([birth(0)], rows)
    assert (one.mean, one.standard_error, one.status, one.n) == (None, None, status, 3)
    assert hall_of_fame([birth(0)], rows) == []


def test_a_second_seed_comes_before_a_higher_mean(birth: Any, training: Any) -> None:
    births = [birth(0), birth(1), birth(2)]
    rows = [training(0, 0, 0.9), training(1, 0, 0.5), training(1, 1, 0.5)]
    assert [one.status for one in scores(births, rows)] == ["ok", "ok", "incomplete"]
    assert [one.id for one in hall_of_fame(births, rows)] == [1, 0]


LADDER = ("short", "long")


def test_the_longest_rung_alone_is_the_score(birth: Any, training: Any) -> None:
    rows = [training(0, 0, 0.75, rung="long"), training(0, 0, 0.25, rung="short", time_s=9.0)]
    (one,) = scores([birth(0)], rows, ladder=LADDER)
    assert (one.mean, one.n, one.rung, one.time_s) == (0.75, 1, "long", 9.5)
    assert scores([birth(0)], rows, ladder=LADDER[::-1])[0].rung == "short"


def test_a_longer_rung_comes_before_a_higher_mean(birth: Any, training: Any) -> None:
    births = [birth(0), birth(1)]
    rows = [
        training(0, 0, 0.9, rung="short"),
        training(1, 0, 0.8, rung="short"),
        training(1, 0, 0.7, rung="long"),
    ]
    assert [one.id for one in hall_of_fame(births, rows, ladder=LADDER)] == [1, 0]
    # Where no ladder is given, the rung with fewer births is the longer one.
    assert [one.id for one in hall_of_fame(births, rows)] == [1, 0]


def test_the_ladder_that_is_given_tells_the_longer_rung(birth: Any, training: Any) -> None:
    """Where as many were trained at each, their number would not."""
    births = [birth(0), birth(1)]
    values = {(0, "short"): 0.9, (1, "short"): 0.5, (0, "long"): 0.6, (1, "long"): 0.7}
    rows = [training(id_, 0, score, rung=rung) for (id_, rung), score in values.items()]
    for ladder, ids in ((LADDER, [1, 0]), (LADDER[::-1], [0, 1])):
        found = hall_of_fame(births, rows, ladder=ladder)
        assert [(one.id, one.rung) for one in found] == [(id_, ladder[-1]) for id_ in ids]


def test_many_seeds_come_before_a_few_lucky_ones(birth: Any, training: Any) -> None:
    few = [training(0, seed, score) for seed, score in enumerate((0.7, 0.9))]
    many = [training(1, seed, 0.79 + 0.1 * (-1) ** seed) for seed in range(8)]
    assert [one.id for one in hall_of_fame([birth(0), birth(1)], few + many)] == [1, 0]


def test_a_penalty_comes_off_the_score_where_it_is_ranked(birth: Any, training: Any) -> None:
    births = [birth(0, penalty=0.25), birth(1)]
    first, second = hall_of_fame(births, [training(0, 0, 0.75), training(1, 0, 0.625)])
    assert (first.id, first.mean, first.ranked_by) == (1, 0.625, 0.625)
    assert (second.id, second.mean, second.ranked_by) == (0, 0.75, 0.5)


def test_one_without_a_training_has_no_rung(birth: Any) -> None:
    (one,) = scores([birth(0)], [], ladder=LADDER)
    assert (one.rung, one.n, one.status) == ("", 0, "incomplete")


def test_one_that_fails_at_a_longer_rung_has_no_score(birth: Any, training: Any) -> None:
    rows = [training(0, rung="short"), training(0, 0, None, rung="long", status="pruned")]
    (one,) = scores([birth(0)], rows, ladder=LADDER)
    assert (one.mean, one.status, one.rung) == (None, "pruned", "long")


def test_rejected_and_duplicates_are_passed_over(birth: Any, training: Any) -> None:
    births = [birth(0), birth(1, status="rejected"), birth(2, status="duplicate", same_as=0)]
    assert [one.id for one in scores(births, [training(0)])] == [0]


def test_order_is_score_then_size_then_age(birth: Any, training: Any) -> None:
    births = [birth(0, size=5), birth(1, size=3), birth(2, size=3), birth(3, size=9)]
    rows = [training(0), training(1), training(2), training(3, score=0.6)]
    assert [one.id for one in hall_of_fame(births, rows)] == [3, 1, 2, 0]
    assert [one.id for one in hall_of_fame(births, rows, 2)] == [3, 1]


values = st.floats(0, 1)


@given(st.lists(st.tuples(values, values, st.integers(1, 5)), max_size=8), st.randoms())
def test_the_order_of_the_records_does_not_matter(
    data: list[tuple[float, float, int]], random: Any
) -> None:
    from actsearch.runs import Birth, TrainingRow

    births = [
        Birth(k, "seed", (), "x", None, "accepted", size=size)
        for k, (_, _, size) in enumerate(data, start=1)
    ]
    rows = [
        TrainingRow(k, "full", seed, "ok", pair[seed], {}, (), 0.1, "cpu")
        for k, pair in enumerate(data, start=1)
        for seed in (0, 1)
    ]
    hall = hall_of_fame(births, rows)
    assert sorted(one.id for one in hall) == list(range(1, len(data) + 1))
    assert [one.mean for one in hall] == sorted((one.mean for one in hall), reverse=True)  # type: ignore[type-var]
    shuffled = births[:], rows[:]
    for part in shuffled:
        random.shuffle(part)
    assert hall_of_fame(*shuffled) == hall


@given(st.lists(values, min_size=2, max_size=20))
def test_mean_and_error_are_those_of_the_textbook(sample: list[float]) -> None:
    mean, error = mean_and_error(sample)
    assert mean == pytest.approx(statistics.fmean(sample))
    assert error == pytest.approx(statistics.stdev(sample) / math.sqrt(len(sample)), abs=1e-12)
