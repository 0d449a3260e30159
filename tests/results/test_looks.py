"""The looks: what they decide, that later data change no early decision, how often they err."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.results.looks import (
    BETTER,
    FAILED,
    LOOKS,
    NO_TRAINING,
    OUT,
    UNDECIDED,
    WINS,
    WORSE,
    Replay,
    replay,
)
from actsearch.results.statistics import differences, holm, paired_t

SEEDS = range(1000, 1060)
ZOO = [f"known {k}" for k in range(31)]
Rows = dict[str, dict[int, float]]


def drawn(rng: np.random.Generator, means: Mapping[str, float], n: int = 60) -> Rows:
    """Return normal scores; what a seed does to all of them alike is a third of their spread."""
    shared = rng.normal(0, 0.5, n)
    return {
        formula: dict(zip(SEEDS, (mean + shared + rng.normal(size=n)).tolist(), strict=False))
        for formula, mean in means.items()
    }


def cut(scores: Rows, n: int) -> Rows:
    """Return the scores of the first ``n`` seeds."""
    return {
        formula: {seed: by_seed[seed] for seed in SEEDS[:n] if seed in by_seed}
        for formula, by_seed in scores.items()
    }


def confirm(
    scores: Rows, finalists: Sequence[str], known: Sequence[str], **more: Any
) -> tuple[Replay, Rows]:
    """Train, as ``needed`` asks, until all is clear; return the end and what was trained."""
    had: Rows = {formula: {} for formula in (*finalists, *known)}
    while True:
        found = replay(had, finalists, known, seeds=SEEDS, **more)
        if found.is_clear:
            return found, had
        for formula, seeds in found.needed.items():
            assert not had[formula].keys() & set(seeds), "asked for twice"
            had[formula] |= {seed: scores[formula][seed] for seed in seeds}


def test_a_first_look_is_asked_for_in_full() -> None:
    found = replay({}, ["f"], ["k"], seeds=SEEDS)
    first = tuple(SEEDS[: LOOKS[0]])
    assert found.needed == {"f": first, "k": first}
    assert (found.n_looks, found.is_clear, found.standing) == (0, False, {"f": UNDECIDED})


def test_only_what_is_open_trains_on() -> None:
    rng = np.random.default_rng(0)
    means = {"good": 0.0, "bad": -9.0, "far": -9.0, "near": 0.0}
    found, _ = confirm(drawn(rng, means), ["good", "bad"], ["far", "near"], looks=(6, 10))
    scores = cut(drawn(np.random.default_rng(0), means), 6)
    second = replay(scores, ["good", "bad"], ["far", "near"], seeds=SEEDS, looks=(6, 10))
    assert second.standing == {"good": UNDECIDED, "bad": OUT}
    assert second.decided == {("good", "far"): BETTER, ("bad", "near"): WORSE}
    assert second.needed == {"good": tuple(SEEDS[6:10]), "near": tuple(SEEDS[6:10])}
    assert found.is_clear
    assert WINS not in found.standing.values()


@pytest.mark.parametrize("looks", [(6,), (6, 10), LOOKS])
def test_adjusted_p_values_are_holm_over_the_share_of_the_look(looks: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    scores = drawn(rng, {"f": 0.0, "a": -9.0, "b": -0.5, "c": 0.0}, looks[0])
    found = replay(scores, ["f"], ["a", "b", "c"], seeds=SEEDS[: looks[0]], looks=looks)
    p_values = holm([paired_t(differences(scores["f"], scores[k])) for k in "abc"])
    assert [found.adjusted["f", k] for k in "abc"] == pytest.approx(
        [min(1.0, len(looks) * p) for p in p_values]
    )
    assert found.decided == {("f", "a"): BETTER}


def test_earlier_finalists_stay_in_the_family() -> None:
    scores = drawn(np.random.default_rng(3), {"f": 0.0, "a": -0.9, "b": -0.5}, 6)
    at: dict[str, Any] = {"seeds": SEEDS[:6], "looks": (6,)}
    p_values = [paired_t(differences(scores["f"], scores[k])) for k in "ab"]
    alone = replay(scores, ["f"], ["a", "b"], **at)
    found = replay(scores, ["f"], ["a", "b"], earlier=["g", "h"], **at)
    assert [alone.adjusted["f", k] for k in "ab"] == pytest.approx(holm(p_values))
    with_four = holm([*p_values, 1.0, 1.0, 1.0, 1.0])[:2]
    assert [found.adjusted["f", k] for k in "ab"] == pytest.approx(with_four)
    assert min(found.adjusted.values()) == pytest.approx(6 * min(p_values)) != min(p_values) * 2
    assert set(found.standing) == {"f"}
    assert not found.needed.keys() & {"g", "h"}
    with pytest.raises(ValueError, match="differ"):
        replay(scores, ["f"], ["a", "b"], earlier=["f"], **at)


def test_a_pair_knows_the_look_that_it_was_tested_at() -> None:
    means = {"f": 0.0, "g": -1.0, "far": -9.0, "near": -1.0}
    scores = drawn(np.random.default_rng(0), means)
    found = replay(cut(scores, 14), ["f", "g"], ["far", "near"], seeds=SEEDS, looks=(6, 10, 14, 20))
    assert found.n_looks == 3
    assert found.tested_at["f", "far"] == found.tested_at["g", "far"] == tuple(SEEDS[:6])
    assert ("g", "near") not in found.decided
    assert found.tested_at["g", "near"] == found.looked_at == tuple(SEEDS[:14])
    assert found.tested_at.keys() == found.adjusted.keys()


@pytest.mark.parametrize("n_seeds", [6, 10, 20])
def test_every_look_spends_an_equal_part_of_the_error_rate(n_seeds: int) -> None:
    # One pair alone, so that nothing is to correct but the number of looks: 3, whichever it is.
    scores = drawn(np.random.default_rng(28), {"f": 0.0, "k": 0.0})
    p = {n: paired_t(differences(cut(scores, n)["f"], cut(scores, n)["k"])) for n in (6, 10, 20)}
    assert p[20] < p[10] < p[6], "no look decides before the one that is asked for"
    at: dict[str, Any] = {"seeds": SEEDS[:n_seeds], "looks": (6, 10, 20)}
    assert replay(scores, ["f"], ["k"], alpha=2.99 * p[n_seeds], **at).decided == {}
    found = replay(scores, ["f"], ["k"], alpha=3.01 * p[n_seeds], **at)
    assert list(found.decided) == [("f", "k")]
    assert found.adjusted["f", "k"] == pytest.approx(3 * p[n_seeds])


@pytest.mark.parametrize("seed", range(8))
def test_a_pair_is_decided_exactly_where_its_adjusted_p_is_low(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means = {"f": 1.5, "g": 1.0, **{k: -float(i) / 5 for i, k in enumerate(ZOO)}}
    found, _ = confirm(drawn(rng, means), ["f", "g"], ZOO)
    assert found.decided
    for pair, p in found.adjusted.items():
        assert (p <= 0.05) == (pair in found.decided)


def test_what_fails_is_no_winner_and_what_does_not_train_is_beaten() -> None:
    scores = drawn(np.random.default_rng(1), {"f": 9.0, "g": 8.0, "k": 0.0, "nan": 0.0}, 6)
    del scores["f"][SEEDS[2]]
    scores["nan"] = {SEEDS[4]: 99.0}
    failed = {"f": {SEEDS[2]}, "nan": set(SEEDS[:6]) - {SEEDS[4]}}
    found = replay(scores, ["f", "g"], ["k", "nan"], seeds=SEEDS, failed=failed)
    assert found.standing == {"f": FAILED, "g": WINS}
    assert found.decided["g", "nan"] == NO_TRAINING
    assert found.is_clear
    # One failure leaves the others of a known activation to be compared.
    failed["nan"].remove(SEEDS[0])
    scores["nan"] = {
        SEEDS[0]: scores["g"][SEEDS[0]] + 1,
        SEEDS[4]: scores["g"][SEEDS[4]] - 1,
    }
    found = replay(scores, ["f", "g"], ["k", "nan"], seeds=SEEDS, failed=failed)
    assert found.standing["g"] == UNDECIDED
    assert set(found.needed) == {"g", "nan"}


def test_a_finalist_that_failed_trains_no_more() -> None:
    found = replay({}, ["f", "g"], ["k"], seeds=SEEDS, failed={"f": [SEEDS[0]]})
    assert set(found.needed) == {"g", "k"}
    found = replay({}, ["f"], ["k"], seeds=SEEDS, failed={"f": [SEEDS[0]]})
    assert (found.is_clear, found.standing) == (True, {"f": FAILED})


def test_without_finalists_all_is_clear() -> None:
    assert replay({}, [], ["k"], seeds=SEEDS).is_clear


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(0, 60), st.integers(0, 60))
def test_rows_that_grow_change_no_early_decision(seed: int, n: int, when: int) -> None:
    rng = np.random.default_rng(seed)
    finalists, known = ["f", "g", "h"], ["a", "b", "c", "d"]
    scores = drawn(rng, {**dict(zip("fgh", rng.normal(1, 1, 3), strict=True)), "a": 0, "b": 0.5,
                         "c": -1, "d": -3})  # fmt: skip
    failed = {"h": [SEEDS[when]]} if when < 60 else {}
    early = replay(cut(scores, n), finalists, known, seeds=SEEDS, failed=failed)
    late = replay(scores, finalists, known, seeds=SEEDS, failed=failed)
    assert late.is_clear
    assert early.n_looks == min(late.n_looks, sum(look <= n for look in LOOKS))
    assert early.decided.items() <= late.decided.items()
    for finalist in finalists:
        assert early.standing[finalist] in {UNDECIDED, late.standing[finalist]}
    # What a stage trained that asked for no more than it needed comes to the same.
    if not failed:
        assert confirm(scores, finalists, known)[0] == late


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"known": []}, "differ"),
        ({"known": ["f"]}, "differ"),
        ({"finalists": ["f", "f"]}, "differ"),
        ({"seeds": [1, 1, 2, 3, 4, 5]}, "seeds"),
        ({"seeds": [1, 2, 3]}, "looks"),
        ({"looks": (6, 6)}, "looks"),
        ({"looks": ()}, "looks"),
        ({"looks": (1, 6)}, "looks"),
        ({"alpha": 0.0}, "alpha"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(wrong: dict[str, Any], message: str) -> None:
    arguments = {"finalists": ["f"], "known": ["k"], "seeds": SEEDS, **wrong}
    with pytest.raises(ValueError, match=message):
        replay({}, **arguments)


# How often a win is claimed. Every stage below is drawn from a fixed generator.


def n_wins(n_stages: int, means: Mapping[str, float], finalists: Sequence[str], seed: int) -> int:
    known = [formula for formula in means if formula not in finalists]
    rng = np.random.default_rng(seed)
    stages = (replay(drawn(rng, means), finalists, known, seeds=SEEDS) for _ in range(n_stages))
    return sum(WINS in stage.standing.values() for stage in stages)


@pytest.mark.slow
def test_the_luckiest_of_300_noise_candidates_are_seldom_confirmed() -> None:
    rng = np.random.default_rng(7)
    n_claims = 0
    for _ in range(200):
        search = rng.normal(size=300)  # one noisy score each, none truly better than another
        best = [f"candidate {i}" for i in np.argsort(search)[-3:]]
        assert search.max() > 2, "the search believes in them"
        scores = drawn(rng, dict.fromkeys([*best, *ZOO], 0.0))
        n_claims += WINS in replay(scores, best, ZOO, seeds=SEEDS).standing.values()
    assert n_claims <= 0.05 * 200


@pytest.mark.slow
def test_a_finalist_that_equals_the_best_known_is_seldom_claimed_to_beat_it() -> None:
    # Nothing but the one equal pair stands in the way, so every look is a chance to err.
    means = {"f": 0.0, "best": 0.0, **{f"far {k}": -20.0 for k in range(5)}}
    assert 0 < n_wins(400, means, ["f"], seed=11) <= 0.05 * 400


@pytest.mark.slow
def test_no_more_often_where_the_other_finalists_drop_out() -> None:
    means = {"f": 0.0, "g": -1.5, "h": -3.0, "best": 0.0, "far": -20.0, "further": -30.0}
    assert n_wins(400, means, ["f", "g", "h"], seed=12) <= 0.05 * 400


@pytest.mark.slow
def test_a_finalist_three_deviations_ahead_nearly_always_wins() -> None:
    means = {"f": 3.0, "g": 0.0, "h": -1.0, **{k: -i / 10 for i, k in enumerate(ZOO)}}
    assert n_wins(100, means, ["f", "g", "h"], seed=13) >= 99


@pytest.mark.parametrize("p_even", [0.0, 0.15, 0.5])
def test_scores_of_50_samples_are_seldom_claimed_to_differ(p_even: float) -> None:
    """Differences of no sample or one: that all are equal is no rare thing, and no proof.

    The shares are 3.0, 4.3 and 3.3 % (of 200,000 draws each); were equal differences proof enough,
    the first look alone would claim 6 % of the first.
    """
    rng = np.random.default_rng(1)
    n_claims = 0
    for _ in range(2000):
        gains = rng.choice([-1, 0, 1], size=60, p=[(1 - p_even) / 2, p_even, (1 - p_even) / 2])
        scores = {
            "f": {seed: (30 + int(gain)) / 50 for seed, gain in zip(SEEDS, gains, strict=True)},
            "k": dict.fromkeys(SEEDS, 30 / 50),
        }
        n_claims += bool(replay(scores, ["f"], ["k"], seeds=SEEDS).decided)
    assert 0 < n_claims <= 0.05 * 2000


@pytest.mark.slow
def test_dropping_finalists_after_a_look_makes_no_claim_likelier() -> None:
    """Three that equal the best known, then each of them alone: all chances to err together."""
    finalists, known = ["f", "g", "h"], ["best", "far"]
    means = {**dict.fromkeys([*finalists, "best"], 0.0), "far": -20.0}
    rng = np.random.default_rng(15)
    n_claims = {True: 0, False: 0}
    for _ in range(400):
        scores = drawn(rng, means)
        for counts in n_claims:  # whether those that were dropped count
            stages = [replay(scores, finalists, known, seeds=SEEDS)]
            for one in finalists:
                dropped = [other for other in finalists if other != one] if counts else []
                stages.append(replay(scores, [one], known, seeds=SEEDS, earlier=dropped))
            n_claims[counts] += any(WINS in stage.standing.values() for stage in stages)
    assert 0 < n_claims[True] <= 0.05 * 400 < n_claims[False]
