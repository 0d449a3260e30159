"""The verdict: its sentence word by word, its rows, and that they agree with each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pytest

from actsearch.results.looks import BETTER, NO_TRAINING, OUT, UNDECIDED, WINS, WORSE
from actsearch.results.statistics import mean_and_error, paired
from actsearch.results.units import unit_of
from actsearch.results.verdict import FINALIST, KNOWN, Judgement, Row, _Amounts, judge

SEEDS = range(1000, 1060)
LOOKS = (6, 10, 20, 40, 60)
NAMES = {"relu(x)**2": "squared ReLU", "gelu(x)": "GELU", "silu(x)": "SiLU", "relu(x)": "ReLU"}
NAMES |= {f"tanh({k}*x)": f"tanh {k}" for k in range(2, 29)}  # 31 in all
# What a seed does to every formula, and what it does to one; both repeat and have the mean 0.
SHARED = (0.01, -0.02, 0.015, -0.005, 0.0)
OWN = (0.002, -0.001, 0.003, -0.004, -0.002, 0.0015, 0.0005, -0.0015, 0.001, 0.0005)
TRACE = 1e-5  # a bit more, by which no two formulas differ by the same at every seed


def scores_of(
    means: Mapping[str, float], n: int = 6, noise: float = 1.0, scale: float = 1.0
) -> dict[str, dict[int, float]]:
    """Return scores at the first ``n`` seeds; formulas differ in the order of their noise."""
    return {
        formula: {
            SEEDS[i]: scale
            * (
                mean
                + SHARED[i % 5]
                + noise * OWN[(i * (k + 1) + k) % 10]
                + TRACE * ((i * i + 3 * k * i) % 7 - 3)
            )
            for i in range(n)
        }
        for k, (formula, mean) in enumerate(means.items())
    }


def means(**finalists: float) -> dict[str, float]:
    """Return the means of some finalists (``x_sin`` for x*sin(x)) and of all known."""
    known = {formula: 0.65 - 0.01 * k for k, formula in enumerate(NAMES)}
    return {**{f"x*{name}(x)": mean for name, mean in finalists.items()}, **known}


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.0001, 0.0149, "-0.01 to 1.49"),  # with one decimal it would begin at 0
        (0.0001, 0.0149, "0.01 to 1.49"),
        (0.0, 0.0149, "0.0 to 1.5"),
        (-0.0149, -0.0001, "-1.49 to -0.01"),
        (-1e-9, 0.0149, "-0.0 to 1.5"),
        (-0.02, 0.0149, "-2.0 to 1.5"),
    ],
)
def test_an_end_next_to_zero_shows_its_side(low: float, high: float, said: str) -> None:
    row = Row("GELU", "gelu(x)", KNOWN, 0.6, 0.01, 6, 0, UNDECIDED, 6, 0.007, low, high)
    assert _Amounts(unit_of("accuracy")).interval(row) == f"95 % interval {said}"


def judged(
    scores: dict[str, dict[int, float]],
    known: Mapping[str, str] = NAMES,
    failed: Mapping[str, Collection[int]] | None = None,
    **more: Any,
) -> Judgement:
    finalists = [formula for formula in scores if formula not in NAMES]
    more = {"seeds": SEEDS, "score_name": "test accuracy", "looks": LOOKS, **more}
    return judge(scores, finalists, known, failed=failed, **more)


def by_name(judgement: Judgement) -> dict[str, Row]:
    return {row.name: row for row in judgement.rows}


def test_a_win() -> None:
    found = judged(scores_of(means(foo=0.671, bar=0.60), n=10, noise=6))
    assert found.sentence == (
        "x*foo(x) beats all 31 known activations: +2.1 points over the best of them, "
        "squared ReLU; 95 % interval 1.2 to 3.0; 10 seeds"
    )
    assert (found.winner, found.leader) == ("x*foo(x)", "x*foo(x)")
    assert (found.is_clear, found.needed, found.n_looks) == (True, {}, 2)


def test_differences_have_the_unit_of_the_scores() -> None:
    scores = scores_of(means(foo=0.671, bar=0.60), n=10, noise=6)
    said = judged(scores, score_name="mean standardised gain over ReLU").sentence
    assert "activations: +0.021 standard deviations over the best of them" in said
    assert "activations: +0.021 over the best of them" in judged(scores, score_name="loss").sentence


def test_no_win_when_the_seeds_are_used_up() -> None:
    scores = scores_of(means(foo=0.6503, bar=0.5), n=10)
    found = judged(scores, seeds=SEEDS[:10])
    assert found.sentence == (
        "Nothing was shown to beat all 31 known activations; x*foo(x) leads the finalists and is "
        "not shown to beat squared ReLU: +0.03 points against the best of the known, squared ReLU; "
        "95 % interval -0.12 to 0.18; 10 seeds"
    )
    assert (found.winner, found.leader, found.is_clear) == (None, "x*foo(x)", True)


def test_a_finalist_that_is_worse() -> None:
    found = judged(scores_of(means(foo=0.625), n=10))
    assert found.sentence == (
        "Nothing was shown to beat all 31 known activations; x*foo(x) leads the finalists and is "
        "worse than squared ReLU and GELU and is not shown to beat SiLU and ReLU: -2.42 points "
        "against the best of the known, squared ReLU; 95 % interval -2.69 to -2.14; 6 seeds"
    )
    assert found.is_clear
    found = judged(scores_of(means(foo=0.625), n=10, noise=6), seeds=SEEDS[:10])
    assert "is not shown to beat squared ReLU, GELU, SiLU and 1 more: -2.0 points" in found.sentence


def test_between_two_looks() -> None:
    found = judged(scores_of(means(foo=0.66), n=6, noise=3))
    assert found.sentence == (
        "Nothing is shown yet to beat all 31 known activations; x*foo(x) leads the finalists and "
        "is not shown to beat squared ReLU: +1.2 points against the best of the known, squared "
        "ReLU; 95 % interval 0.4 to 2.1; 6 seeds; 8 trainings are missing to the next look"
    )
    assert found.needed == dict.fromkeys(["x*foo(x)", "relu(x)**2"], tuple(SEEDS[6:10]))


def test_before_the_first_look() -> None:
    scores = scores_of(means(foo=0.66), n=6)
    del scores["x*foo(x)"][SEEDS[5]]
    found = judged(scores)
    assert found.sentence == (
        "Nothing can be said yet: 1 training is missing to the first look, which takes 6 seeds"
    )
    assert found.needed == {"x*foo(x)": (SEEDS[5],)}
    assert by_name(found)["ReLU"].n == 6


def test_what_was_not_trained_stands_below_what_scored_less_than_nothing() -> None:
    scores = {formula: {SEEDS[0]: -3.0} for formula in means(foo=0.66)}
    unscored = list(NAMES)[:4]
    for formula in unscored:
        del scores[formula][SEEDS[0]]
    rows = judged(scores, score_name="mean standardised gain over ReLU").rows
    assert [row.mean is None for row in rows] == [False] * (len(rows) - 4) + [True] * 4


def test_no_finalists() -> None:
    found = judged(scores_of(means(), n=6))
    assert found.sentence == (
        "Nothing new was found: no formula was bred that could be held against all 31 known "
        "activations"
    )
    assert (found.winner, found.leader, found.is_clear) == (None, None, True)
    assert found.rows[0].name == "squared ReLU", "the best first"


def test_finalists_that_fail() -> None:
    scores = scores_of(means(foo=0.7))
    del scores["x*foo(x)"][SEEDS[1]]
    found = judged(scores, failed={"x*foo(x)": [SEEDS[1]]})
    assert found.sentence == (
        "Nothing was shown to beat all 31 known activations: every finalist failed in a training"
    )
    assert (found.is_clear, found.winner) == (True, None)
    assert by_name(found)["x*foo(x)"].n_failed == 1


def test_known_activations_that_do_not_train() -> None:
    scores = scores_of(means(foo=0.7))
    failed = {"relu(x)": SEEDS[:6], "tanh(9*x)": SEEDS[:5]}
    for formula, seeds in failed.items():
        scores[formula] = {s: v for s, v in scores[formula].items() if s not in seeds}
    found = judged(scores, failed=failed)
    assert found.sentence.startswith(
        "x*foo(x) beats all 31 known activations (2 of them do not train): +5.08 points"
    )
    row = by_name(found)["ReLU"]
    assert (row.decided, row.n, row.n_failed, row.mean) == (NO_TRAINING, 0, 6, None)
    assert (row.n_pairs, row.difference, row.holm_p) == (0, None, None)
    assert by_name(found)["tanh 9"].n == 1
    nothing = judged(
        {"f": scores["x*foo(x)"]}, {"relu(x)": "ReLU", "x": "identity"}, failed={
            "relu(x)": SEEDS[:6], "x": SEEDS[:6]
        }
    )  # fmt: skip
    assert nothing.sentence == ("f beats all 2 known activations (2 of them do not train); 6 seeds")


def test_plain_numbers_where_the_score_is_no_accuracy() -> None:
    scores = scores_of(means(foo=0.7), n=6)
    assert "+5.08 points" in judged(scores).sentence
    assert "+0.0508 over the best of them" in judged(scores, score_name="score").sentence
    larger = scores_of(means(foo=0.7), n=6, scale=100)  # not within 0 and 1
    assert "+5.08 over the best of them" in judged(larger).sentence


def test_one_known_activation() -> None:
    scores = scores_of({"f": 0.7, "relu(x)": 0.6}, noise=5)
    found = judged(scores, {"relu(x)": "ReLU"})
    assert found.sentence == (
        "f beats ReLU: +10.4 points on average; 95 % interval 9.0 to 11.8; 6 seeds"
    )


def test_rows_hold_the_statistics_of_the_pairs() -> None:
    scores = scores_of(means(foo=0.655, bar=0.654, baz=0.4), n=6)
    found = judged(scores)
    rows = by_name(found)
    assert found.rows[0].formula == found.leader == "x*foo(x)"
    assert {row.kind for row in found.rows[1:]} == {FINALIST, KNOWN}
    gaps = [row.difference for row in found.rows[1:]]
    assert gaps == sorted(gap for gap in gaps if gap is not None)
    row, expected = rows["GELU"], paired(scores["x*foo(x)"], scores["gelu(x)"])
    assert expected is not None
    assert (row.mean, row.standard_error) == mean_and_error(list(scores["gelu(x)"].values()))
    assert (row.difference, row.low, row.high) == (expected.mean, expected.low, expected.high)
    assert (row.t_p, row.wilcoxon_p) == (expected.t_p, expected.wilcoxon_p)
    assert (row.effect_size, row.n_pairs, row.n) == (expected.effect_size, 6, 6)
    assert (rows["x*baz(x)"].decided, rows["x*bar(x)"].decided) == (OUT, UNDECIDED)
    assert rows["x*baz(x)"].holm_p is None


@pytest.mark.parametrize("lead", [-0.02, 0.0, 0.004, 0.02])
def test_rows_agree_with_the_decisions(lead: float) -> None:
    found = judged(scores_of(means(foo=0.65 + lead), n=60))
    for row in found.rows:
        if row.kind == KNOWN:
            assert row.holm_p is not None
            assert (row.holm_p <= found.alpha) == (row.decided in {BETTER, WORSE})
            assert row.difference is not None
            if row.decided == BETTER:
                assert row.difference > 0
    assert (found.winner is not None) == (found.rows[0].decided == WINS)


@pytest.mark.parametrize("noise", [1.0, 3.0, 6.0])
def test_what_is_decided_at_6_seeds_has_an_interval_on_that_side_of_0(noise: float) -> None:
    found = judged(scores_of(means(foo=0.55), noise=noise))
    decided = [row for row in found.rows if row.decided in {BETTER, WORSE}]
    assert {row.decided for row in decided} == {BETTER, WORSE}
    for row in decided:
        assert row.n_pairs == 6
        assert row.low is not None
        assert row.high is not None
        assert row.low > 0 if row.decided == BETTER else row.high < 0


def test_the_best_of_two_winners_wins() -> None:
    found = judged(scores_of(means(foo=0.70, bar=0.75), n=6))
    assert {row.name for row in found.rows if row.decided == WINS} == {"x*foo(x)", "x*bar(x)"}
    assert found.winner == "x*bar(x)"
    even = judged({"b": dict.fromkeys(SEEDS, 0.9), "a": dict.fromkeys(SEEDS, 0.9),
                   "relu(x)": dict.fromkeys(SEEDS, 0.5)}, {"relu(x)": "ReLU"})  # fmt: skip
    assert even.winner == "b", "the earlier of equals"


def test_a_finalist_that_is_out_does_not_lead_for_its_mean() -> None:
    rng = np.random.default_rng(0)
    seeds = SEEDS[:10]
    base = {s: 0.5 + 0.1 * (i >= 6) for i, s in enumerate(seeds)}  # later seeds are easier
    scores = {
        "out": {s: 0.9 + 1e-4 * float(rng.normal()) for s in seeds[:6]},
        "open": {s: base[s] + 0.01 * float(rng.normal()) for s in seeds},
        "relu(x)": {s: base[s] for s in seeds},
        "gelu(x)": {s: 0.95 + 1e-4 * float(rng.normal()) for s in seeds[:6]},
    }
    known = {"relu(x)": "ReLU"}
    assert judge(scores, ["out", "open"], known, seeds=seeds).winner == "out"
    both = {"relu(x)": "ReLU", "gelu(x)": "GELU"}
    failed = {"gelu(x)": seeds[6:]}
    scores["open"] = {s: 0.95 + 0.2 * float(rng.normal()) for s in seeds}
    found = judge(scores, ["out", "open"], both, seeds=seeds, failed=failed)
    assert by_name(found)["out"].decided == OUT
    assert found.leader == "open"


def test_judging_twice_is_judging_once() -> None:
    scores = scores_of(means(foo=0.655, bar=0.654), n=20)
    assert judged(scores) == judged({f: dict(reversed(row.items())) for f, row in scores.items()})


def test_a_row_is_of_the_look_that_decided_it() -> None:
    """Another finalist keeps a known activation in training, where later seeds say otherwise."""
    rng = np.random.default_rng(2)
    seeds, known = SEEDS[:10], {"relu(x)": "ReLU", "gelu(x)": "GELU"}
    noise = {f: rng.normal(0, 0.004, 10).tolist() for f in ("f", "g", "relu(x)", "gelu(x)")}
    base = {"f": 0.7, "g": 0.62, "relu(x)": 0.6, "gelu(x)": 0.69}
    scores = {f: {s: base[f] + noise[f][i] for i, s in enumerate(seeds)} for f in base}
    for seed in seeds[6:]:
        scores["relu(x)"][seed] += 0.3
    finalists = ["f", "g"]
    found = judge(scores, finalists, known, seeds=seeds, looks=(6, 10), score_name="accuracy")
    rows = by_name(found)
    assert found.leader == "f"
    assert (rows["ReLU"].decided, rows["ReLU"].n_pairs, rows["ReLU"].n) == (BETTER, 6, 10)
    first = {f: {s: scores[f][s] for s in seeds[:6]} for f in base}
    expected = paired(first["f"], first["relu(x)"])
    later = paired(scores["f"], scores["relu(x)"])
    assert expected is not None
    assert later is not None
    assert rows["ReLU"].low == expected.low > 0 > later.low
    assert rows["ReLU"].t_p == expected.t_p
    assert rows["GELU"].n_pairs == 10


@pytest.mark.parametrize("seed", range(6))
def test_with_two_finalists_every_row_agrees_with_its_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = means(foo=0.67, bar=0.60)
    scores = {f: {s: mean + 0.02 * float(rng.normal()) for s in SEEDS} for f, mean in base.items()}
    found = judged(scores)
    decided = [row for row in found.rows if row.kind == KNOWN and row.decided != UNDECIDED]
    assert decided
    for row in decided:
        assert row.holm_p is not None
        assert row.t_p is not None
        assert row.t_p < row.holm_p <= found.alpha
        assert row.low is not None
        assert row.high is not None
        assert row.low > 0 if row.decided == BETTER else row.high < 0


def test_every_failed_training_of_a_finalist_is_counted() -> None:
    scores = scores_of(means(foo=0.7, bar=0.7))
    late = {"x*bar(x)": [SEEDS[0], SEEDS[20]], "relu(x)": [SEEDS[0], SEEDS[20]]}
    for formula in late:
        del scores[formula][SEEDS[0]]
    rows = by_name(judged(scores, failed=late))
    assert (rows["x*bar(x)"].n_failed, rows["ReLU"].n_failed) == (2, 1)


def test_earlier_finalists_count_in_the_correction() -> None:
    scores = scores_of(means(foo=0.655), n=6)
    alone, found = by_name(judged(scores)), by_name(judged(scores, earlier=["x*old(x)"]))
    assert "x*old(x)" not in found
    best = min(alone, key=lambda name: alone[name].t_p or 1.0)
    n_pairs = len(NAMES)
    t_p, holm_p = alone[best].t_p, alone[best].holm_p
    assert t_p
    assert holm_p
    # Such numbers are far below what approx takes for 0.
    assert (found[best].holm_p or 0.0) / holm_p == pytest.approx(2)
    assert holm_p / t_p == pytest.approx(len(LOOKS) * n_pairs)
