"""The race: stages, the quota, the test and its error rate, the pace, and who leads."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.search.racing import (
    MIN_CONTRASTS,
    MIN_CURVES,
    Race,
    Racing,
    stages_of,
)
from actsearch.tasks.protocol import Rung

LADDER = (Rung("short", 10, (0,)), Rung("medium", 30, (0, 1)), Rung("full", 90, tuple(range(8))))
TWO = (Rung("short", 10, (0, 1)), Rung("full", 90, (0, 1)))


def test_stages_are_the_rungs_with_seeds_in_doubling_parts() -> None:
    stages = stages_of(LADDER)
    assert [(stage.rung, stage.seeds) for stage in stages] == [
        ("short", (0,)),
        ("medium", (0,)),
        ("medium", (1,)),
        ("full", (0,)),
        ("full", (1,)),
        ("full", (2, 3)),
        ("full", (4, 5, 6, 7)),
    ]
    assert stages[-2].so_far == (0, 1, 2, 3)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_stages_lose_no_seed_and_double_none(lengths: list[int]) -> None:
    rungs = [Rung(f"r{i}", i + 1, tuple(range(n))) for i, n in enumerate(lengths)]
    stages = stages_of(rungs)
    for rung in rungs:
        ours = [stage for stage in stages if stage.rung == rung.name]
        assert tuple(seed for stage in ours for seed in stage.seeds) == rung.seeds
        assert ours[-1].so_far == rung.seeds


class Strangers:
    """Candidates of which nothing is known but their scores."""

    def near(self, _birth_id: int, _others: Sequence[int]) -> Sequence[int]:
        return ()

    def distances(self, _birth_id: int, others: Sequence[int]) -> Sequence[float]:
        return [0.0] * len(others)

    def promise(self, _rung: str, mean: float, _distance: float) -> float:
        return mean


class Runner:
    """Runs candidates of known quality through a race, one at a time."""

    def __init__(self, rungs: tuple[Rung, ...], noise: float, seed: int = 0, **rates: Any) -> None:
        self.race = Race(rungs, Racing(**rates), Strangers())
        self._steps = {rung.name: rung.steps for rung in rungs}
        self._noise = noise
        self._random = random.Random(seed)
        self._quality: dict[int, float] = {}
        self._scores: dict[int, dict[str, dict[int, float]]] = {}
        self.level: dict[int, int] = {}

    def start(self, birth_id: int, quality: float) -> None:
        self._quality[birth_id] = quality
        self._scores[birth_id] = {}
        self._run(birth_id, 0)

    def climb(self) -> None:
        """Promote until nobody goes on."""
        while (promotion := self.race.next_promotion()) is not None:
            level = self.level[promotion.birth_id] + 1
            assert promotion.stage == self.race.stages[level]
            self.race.promote(promotion.birth_id, level)
            self._run(promotion.birth_id, level)

    def _run(self, birth_id: int, level: int) -> None:
        stage = self.race.stages[level]
        scores = self._scores[birth_id].setdefault(stage.rung, {})
        for seed in stage.seeds:
            scores[seed] = self._random.gauss(self._quality[birth_id], self._noise)
        self.level[birth_id] = level
        half = scores[stage.so_far[0]] / 2
        end = self._steps[stage.rung]
        curve = ((end // 5, 1.0, 0.0), (end // 2, 1.0, half), (end, 1.0, 2 * half))
        self.race.finish(birth_id, 5, level, scores, curve)


def test_the_best_climb_and_the_quota_bounds_how_many() -> None:
    runner = Runner(LADDER, noise=0.001, reduction=4, repeat_reduction=2)
    for birth_id in range(200):
        runner.start(birth_id, quality=random.Random(birth_id).random())
        runner.climb()
    quality = {birth_id: random.Random(birth_id).random() for birth_id in range(200)}
    levels = list(runner.level.values())
    for level, share in enumerate((4, 2, 4, 2, 2, 2)):
        n_ran = sum(reached >= level for reached in levels)
        n_went_on = sum(reached > level for reached in levels)
        assert n_went_on <= n_ran / share + 8  # the first birth, and records: about ln(200)
    assert quality[runner.race.ranking(1)[0].birth_id] > 0.95
    best = sorted(quality, key=lambda birth_id: -quality[birth_id])[:3]
    assert all(runner.level[birth_id] >= 3 for birth_id in best)  # in full


def test_the_first_birth_runs_the_whole_ladder_whatever_it_scores() -> None:
    runner = Runner(LADDER, noise=0.01, reduction=2, repeat_reduction=2)
    for birth_id in range(30):
        runner.start(birth_id, quality=0.0 if birth_id == 0 else 0.9)
        runner.climb()
    assert runner.level[0] == len(runner.race.stages) - 1
    assert runner.race.ranking(1)[0].birth_id != 0


def test_a_lucky_score_does_not_lead() -> None:
    runner = Runner(LADDER, noise=0.001)
    for birth_id in range(12):
        runner.start(birth_id, quality=0.5)
        runner.climb()
    leader = runner.race.ranking(1)[0]
    runner.race.finish(99, 5, 0, {0: 0.99})
    ranked = runner.race.ranking(100)
    assert ranked[0] == leader
    place = [standing.birth_id for standing in ranked].index(99)
    assert all(standing.level > 0 for standing in ranked[:place])
    assert all(standing.level == 0 for standing in ranked[place:])


def test_a_high_mean_of_two_seeds_leads_a_lower_one_of_eight() -> None:
    runner = Runner(LADDER, noise=0.001)
    for birth_id, quality, seeds in ((0, 0.50, 8), (1, 0.51, 8), (2, 0.53, 2), (3, 0.6, 1)):
        runner.start(birth_id, quality)
        for level, stage in enumerate(runner.race.stages):
            if level and (stage.rung != "full" or len(stage.so_far) <= seeds):
                runner.race.promote(birth_id, level)
                runner._run(birth_id, level)
    assert [one.birth_id for one in runner.race.ranking(4)] == [2, 1, 0, 3]


def test_one_without_a_score_is_out_at_once() -> None:
    runner = Runner(TWO, noise=0.01)
    for birth_id in range(4):
        runner.start(birth_id, quality=0.5)
    runner.race.finish(4, 5, 0, None)
    assert {standing.birth_id for standing in runner.race.ranking(100)} == {0, 1, 2, 3}
    promotion = runner.race.next_promotion()
    assert promotion is not None
    runner.race.promote(promotion.birth_id, 1)
    runner.race.finish(promotion.birth_id, 5, 1, None)  # diverges with another seed
    assert {one.birth_id for one in runner.race.ranking(100)} == {0, 1, 2, 3} - {promotion.birth_id}


def test_the_test_needs_to_know_the_noise_first() -> None:
    runner = Runner(TWO, noise=0.01, reduction=1, repeat_reduction=1)
    runner.start(0, 0.9)
    runner.climb()
    for birth_id in range(1, MIN_CONTRASTS - 1):
        runner.start(birth_id, 0.1)
        assert not runner.race.is_clearly_worse(birth_id, 0)
        runner.climb()
    runner.start(50, 0.9)
    runner.climb()
    runner.start(51, 0.1)
    assert runner.race.is_clearly_worse(51, 0)


def test_the_error_rate_of_a_whole_race_is_as_stated() -> None:
    """Formulas exactly as good as the leaders are dropped at most as often as the setting says."""
    rungs = (Rung("short", 1, tuple(range(4))), Rung("full", 2, tuple(range(4))))
    rate, n_dropped, n_raced = 0.2, 0, 0
    for repeat in range(60):
        runner = Runner(
            rungs, 1.0, seed=repeat, error_rate=rate, reduction=1, repeat_reduction=1, leaders=3
        )
        # Leaders and noise are known before: they are formulas of the same quality, not chosen.
        for birth_id in range(40):
            runner.start(birth_id, 0.0)
            for level in range(1, len(runner.race.stages)):
                runner.race.promote(birth_id, level)
                runner._run(birth_id, level)
        # Against leaders that are not the luckiest of forty: the test's own premise.
        for birth_id in range(3, 40):
            runner.race._ranking.drop(birth_id)
        for birth_id in range(100, 115):
            runner.start(birth_id, 0.0)
            dropped = runner.race.is_clearly_worse(birth_id, 0)
            for level in range(1, len(runner.race.stages)):
                runner.race.promote(birth_id, level)
                runner._run(birth_id, level)
                dropped |= runner.race.is_clearly_worse(birth_id, level)
            runner.race._ranking.drop(birth_id)
            n_raced += 1
            n_dropped += dropped
    assert n_raced == 900
    assert 0.02 < n_dropped / n_raced <= rate


def test_clearly_worse_formulas_are_dropped_although_the_quota_has_room() -> None:
    runner = Runner(LADDER, noise=0.01, reduction=1, repeat_reduction=1)
    for birth_id in range(20):
        runner.start(birth_id, 0.9)
        runner.climb()
    for birth_id in range(20, 40):
        runner.start(birth_id, 0.6)
        runner.climb()
    dropped_at = {runner.level[birth_id] for birth_id in range(20, 40)}
    # One seed at the short rung says nothing of its noise; at the next rung they stop at once.
    assert dropped_at == {1}
    assert max(runner.level[birth_id] for birth_id in range(1, 20)) == 6


def test_the_pace_lies_far_below_all_of_the_best() -> None:
    runner = Runner(LADDER, noise=0.02, reduction=1, repeat_reduction=1)
    runner.start(0, 0.1)  # the first birth goes on whatever it scores, and sets no pace
    runner.climb()
    for birth_id in range(1, MIN_CURVES + 1):
        assert runner.race.pace("short") == ()
        runner.start(birth_id, 0.8 + 0.01 * birth_id)
        runner.climb()
    ((step, least),) = runner.race.pace("short")
    halves = [runner._scores[birth_id]["short"][0] / 2 for birth_id in range(1, MIN_CURVES + 1)]
    assert step == 5  # not the first, where all lag; not the last: there is nothing left to save
    assert least == pytest.approx(3 * min(halves) - 2 * statistics.median(halves))
    assert least < min(halves)


@pytest.mark.parametrize(
    "rates", [{"error_rate": 0}, {"reduction": 0.5}, {"leaders": 0}, {"eta": 3}]
)
def test_rates_are_checked(rates: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(rates))):
        Racing(**rates)


class Tens(Strangers):
    """Births of the same ten are nearly one function; others are as far as their numbers."""

    def near(self, birth_id: int, others: Sequence[int]) -> Sequence[int]:
        return [other for other in others if other // 10 == birth_id // 10]

    def distances(self, birth_id: int, others: Sequence[int]) -> Sequence[float]:
        return [abs(other - birth_id) for other in others]


class Explorers(Tens):
    """A unit of distance is worth a hundredth of the score."""

    def promise(self, _rung: str, mean: float, distance: float) -> float:
        return mean + 0.01 * min(distance, 100)


def all_promoted(race: Race) -> list[int]:
    """Send on whoever may go to the second stage; return them in that order."""
    gone = []
    while (promotion := race.next_promotion()) is not None:
        race.promote(promotion.birth_id, 1)
        gone.append(promotion.birth_id)
    return gone


def test_of_nearly_the_same_functions_the_best_goes_on() -> None:
    race = Race((Rung("short", 1, (0,)), Rung("full", 9, (0,))), Racing(reduction=2), Tens())
    race.finish(0, 5, 0, {0: 0.1})
    for birth_id, score in ((11, 0.7), (12, 0.8), (13, 0.6), (21, 0.5), (31, 0.4), (32, 0.3)):
        race.finish(birth_id, 5, 0, {0: score})
    gone = all_promoted(race)
    assert gone == [0, 12, 21]  # two of the five that are not passed over
    race.finish(14, 5, 0, {0: 0.75})  # not as good as 12: passed over
    assert race.next_promotion() is None
    race.finish(15, 5, 0, {0: 0.9})  # a better one may go on, too
    promotion = race.next_promotion()
    assert promotion is not None
    assert promotion.birth_id == 15


def test_what_is_unlike_all_that_went_on_goes_to_longer_rungs_before_better_scores() -> None:
    race = Race((Rung("short", 1, (0,)), Rung("full", 9, (0, 1))), Racing(reduction=2), Explorers())
    race.finish(0, 5, 0, {0: 0.1})
    for birth_id, score in ((10, 0.9), (20, 0.8), (31, 0.5), (60, 0.6), (70, 0.1)):
        race.finish(birth_id, 5, 0, {0: score})
    gone = all_promoted(race)
    # 10 is the record. Then 60 (0.6 and 50 from 10) is more than 20 (0.8 and 10 from it), and
    # 31 (0.5 + 0.21), 20 (0.8 + 0.1) and 70 (0.1 + 0.1) make it 20.
    assert gone == [0, 10, 60, 20]
    for birth_id, score in ((10, 0.6), (60, 0.5), (20, 0.7)):
        race.finish(birth_id, 5, 1, {0: score})
    promotion = race.next_promotion()
    assert promotion is not None
    assert promotion.birth_id == 20  # more seeds are for the best score, wherever it is


def test_the_best_of_nearly_the_same_takes_the_place_that_a_worse_one_won() -> None:
    race = Race((Rung("short", 1, (0,)), Rung("full", 9, (0,))), Racing(reduction=1), Explorers())
    for birth_id, score in ((0, 0.1), (10, 0.9), (31, 0.5), (32, 0.495), (33, 0.49)):
        race.finish(birth_id, 5, 0, {0: score})
    gone = all_promoted(race)
    assert gone == [0, 10, 31]  # 33 is farther from 10 by more than it is worse than 31


def test_what_is_like_the_first_birth_is_nothing_new() -> None:
    race = Race((Rung("short", 1, (0,)), Rung("full", 9, (0,))), Racing(reduction=3), Explorers())
    for birth_id, score in ((0, 0.1), (100, 0.7), (11, 0.6), (60, 0.5), (70, 0.1)):
        race.finish(birth_id, 5, 0, {0: score})
    gone: list[int] = []
    for birth_id in (80, 90):
        gone += all_promoted(race)
        race.finish(birth_id, 5, 0, {0: 0.0})
    assert gone == [0, 100, 60]  # 0.5 + 0.4 (from 100) against 0.6 + 0.11 (from 0)


def test_the_pace_is_read_at_common_steps_where_curves_end_early() -> None:
    race = Race((Rung("short", 100, (0,)), Rung("full", 900, (0,))), Racing(), Strangers())
    for birth_id in range(MIN_CURVES + 1):
        end = 80 if birth_id == 1 else 100
        curve = [(step, 1.0, step / 1000) for step in range(20, end + 1, 20)]
        race.finish(birth_id, 5, 0, {0: 0.5}, curve)
    assert race.pace("short") == ((60, 0.06),)  # 80 is the end of one, 40 before the middle


def test_who_is_passed_over_does_not_depend_on_when_it_is_asked() -> None:
    """A resumed race is told of all that finished and went on, and asked nothing meanwhile."""
    rungs = (Rung("short", 1, (0,)), Rung("full", 9, (0,)))
    asked, told = (Race(rungs, Racing(reduction=2), Explorers()) for _ in range(2))
    for birth_id in range(60):
        score = random.Random(birth_id).random()
        for race in (asked, told):
            race.finish(birth_id, 5, 0, {0: score})
        if (promotion := asked.next_promotion()) is not None:
            for race in (asked, told):
                race.promote(promotion.birth_id, 1)
    assert told.next_promotion() == asked.next_promotion()
    assert told._waiting == asked._waiting
    assert told._apart == asked._apart
    assert told._n_passed_over == asked._n_passed_over
    assert told._n_passed_over[0] > 20


def test_only_the_first_seed_of_a_rung_has_a_pace_and_the_first_birth_none() -> None:
    runner = Runner(TWO, noise=0.001, reduction=1, repeat_reduction=1)
    paces = []
    for birth_id in range(MIN_CURVES + 12):
        runner.start(birth_id, 1.0)
        while (promotion := runner.race.next_promotion()) is not None:
            paces.append((promotion.birth_id, promotion.stage.seeds, promotion.pace))
            level = runner.level[promotion.birth_id] + 1
            runner.race.promote(promotion.birth_id, level)
            runner._run(promotion.birth_id, level)
    assert any(pace for _, seeds, pace in paces if seeds == (0,))
    assert not any(pace for birth, seeds, pace in paces if seeds != (0,) or birth == 0)
