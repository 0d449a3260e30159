"""Guesses before training: symmetries, nearness, translation between rungs, and litters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.expressions import parse
from actsearch.runs import Birth
from actsearch.search.litter import Litter
from actsearch.search.surrogate import MIN_KNOWN, Guess, Surrogate

LADDER = ("short", "full")


def taught(scores: dict[str, float | None], rung: str = "short") -> Surrogate:
    """Return a surrogate that knows these formulas and enough that are far from all of them."""
    surrogate = Surrogate(LADDER)
    for number in range(MIN_KNOWN):
        surrogate.learn(1000 + number, parse(f"sin({20 + number}*x)"), rung, 0.1)
    for number, (formula, score) in enumerate(scores.items()):
        surrogate.learn(number, parse(formula), rung, score)
    return surrogate


def score(surrogate: Surrogate, formula: str) -> float:
    guess = surrogate.guess(parse(formula))
    assert guess is not None
    return guess.score


def test_nothing_is_guessed_from_few() -> None:
    surrogate = Surrogate(LADDER)
    for number in range(MIN_KNOWN - 1):
        surrogate.learn(number, parse(f"sin({number + 1}*x)"), "short", 0.5)
    assert not surrogate.knows
    assert surrogate.guess(parse("relu(x)")) is None
    surrogate.learn(MIN_KNOWN, parse("tanh(x)"), "short", 0.5)
    assert surrogate.guess(parse("relu(x)")) is not None


def test_the_nearest_function_decides() -> None:
    surrogate = taught({"relu(x)": 0.9, "x*sin(3*x)": 0.3})
    assert score(surrogate, "softplus(9*x)/9") > score(surrogate, "x*sin(3.01*x)")


def test_a_guess_says_which_function_is_nearest() -> None:
    guess = taught({"relu(x)": 0.9, "x*sin(3*x)": 0.3}).guess(parse("x*sin(3.001*x)"))
    assert guess is not None
    assert guess.nearest == 1
    assert 0 < guess.distance < 0.02


@pytest.mark.parametrize("twin", ["gelu(-x)", "-gelu(x)", "-gelu(-x)"])
def test_mirrored_functions_train_alike(twin: str) -> None:
    surrogate = taught({"gelu(x)": 0.9})
    assert score(surrogate, twin) == pytest.approx(score(surrogate, "gelu(x)"), abs=1e-3)


def test_what_learns_is_no_twin() -> None:
    surrogate = taught({"silu(x)": 0.9, "x*sigmoid(p0*x)": 0.95})
    guess = surrogate.guess(parse("silu(p0*x)"))
    assert guess is not None
    assert (guess.nearest, guess.distance) == (-1, math.inf)
    assert guess.score == pytest.approx(0.925, abs=0.02)  # but they tell what to expect
    plain = surrogate.guess(parse("silu(1.001*x)"))
    assert plain is not None
    assert plain.nearest == 0
    assert surrogate.near(0, [1, 1000, 1001], 0.1) == []
    assert surrogate.near(1, [0], 0.1) == []


def test_near_are_those_within_the_radius() -> None:
    surrogate = taught({"silu(x)": 0.9, "-silu(x)": 0.9, "silu(1.05*x)": 0.9, "tanh(x)": 0.7})
    assert surrogate.near(0, [1, 2, 3, 1000], 0.1) == [1, 2]
    assert surrogate.near(0, [3, 1000], 0.1) == []
    assert surrogate.near(0, [], 0.1) == []


def test_one_without_a_score_counts_as_the_worst() -> None:
    surrogate = taught({"relu(x)": None, "gelu(x)": 0.9})
    assert score(surrogate, "relu(x)") < score(surrogate, "gelu(x)")


def test_scores_of_a_short_rung_are_translated_to_the_last() -> None:
    surrogate = Surrogate(LADDER)
    for number in range(60):
        score = number / 100
        surrogate.learn(number, parse(f"sin({number + 1}*x)"), "short", score)
        if number % 3 == 0:
            surrogate.learn(number, parse(f"sin({number + 1}*x)"), "full", 0.9 + score / 10)
    values = surrogate._up_to_date()
    assert values == pytest.approx([0.9 + number / 1000 for number in range(60)])


def test_among_the_best_a_short_score_counts_for_what_it_tells() -> None:
    """Full scores of the better half are unrelated to their short ones."""
    surrogate = Surrogate(LADDER)
    for number in range(60):
        formula = parse(f"sin({number + 1}*x)")
        surrogate.learn(number, formula, "short", number / 100)
        if number >= 20:
            surrogate.learn(number, formula, "full", 0.9 if number % 2 else 0.8)
    for number in range(60, 70):
        surrogate.learn(number, parse(f"sin({number + 1}*x)"), "short", number / 100)
    values = surrogate._up_to_date()
    assert values[69] == pytest.approx(0.85, abs=0.01)
    assert values[0] < 0.7


@given(st.permutations(range(MIN_KNOWN + 5)))
def test_the_order_of_learning_matters_to_ties_alone(order: list[int]) -> None:
    surrogates = []
    for numbers in (range(MIN_KNOWN + 5), order):
        surrogate = Surrogate(LADDER)
        for number in numbers:
            surrogate.learn(number, parse(f"x*tanh({number + 1}*x)"), "short", number / 50)
        surrogates.append(surrogate)
    one, other = (score(surrogate, "x*tanh(7.3*x)") for surrogate in surrogates)
    assert one == pytest.approx(other)


def guessed(score: float) -> Guess:
    """Return a guess at a function that is far from all."""
    return Guess(score, 0.05, 0, 1.0)


def sound(_birth: Birth) -> None:
    """Find no fault."""


def birth(id_: int, fingerprint: str, status: str = "accepted") -> Birth:
    same_as = 0 if status == "duplicate" else None
    return Birth(id_, "insert", (), "x", fingerprint, status, same_as=same_as)


def test_the_most_promising_of_a_litter_is_trained() -> None:
    litter = Litter(7, twin=0.02)
    litter.add(birth(7, "a"), guessed(0.5))
    litter.add(birth(8, "z", "duplicate"), None)
    litter.add(birth(9, "b"), guessed(0.7))
    litter.add(birth(10, "b"), guessed(0.7))
    litter.add(birth(11, "c"), guessed(-0.1))
    litter.add(birth(12, "d"), Guess(0.8, 0.0, 4, 0.0123))
    assert litter.n_promising == 3
    births, chosen = litter.decided(sound)
    assert chosen is not None
    assert chosen.id == 9
    assert [b.status for b in births] == [
        "screened", "duplicate", "accepted", "screened", "screened", "screened"
    ]  # fmt: skip
    assert births[0].reason == "promised 0.5000, its sibling 9 0.7000"
    assert births[3].reason == "the same function as its sibling 9"
    assert births[5].reason == "trains as birth 4 did: their distance is 0.012"


def test_a_litter_without_promise_trains_nothing() -> None:
    litter = Litter(3)
    litter.add(birth(3, "a", "duplicate"), None)
    assert litter.decided(sound) == ([birth(3, "a", "duplicate")], None)


def test_what_is_far_from_all_may_promise_more() -> None:
    for exploration, expected in ((0.0, 0), (2.0, 1)):
        litter = Litter(0, exploration=exploration)
        litter.add(birth(0, "a"), Guess(0.8, 0.01, 4, 0.1))
        litter.add(birth(1, "b"), Guess(0.7, 0.10, 4, 1.0))
        chosen = litter.decided(sound)[1]
        assert chosen is not None
        assert chosen.id == expected


def test_the_reach_of_a_guess_grows_with_the_distance() -> None:
    surrogate = Surrogate(LADDER)
    for k in range(MIN_KNOWN):
        surrogate.learn(k, parse(f"sin({k + 1}*x)"), "short", k % 7 / 10)
    near, far = (surrogate.guess(parse(f)) for f in ("sin(3.01*x)", "x*sin(x)*x"))
    assert near is not None
    assert far is not None
    assert 0 < near.reach < far.reach


def test_the_outlook_of_a_mean_is_its_translation_and_grows_with_the_distance() -> None:
    surrogate = Surrogate(LADDER)
    for k in range(MIN_KNOWN):
        assert surrogate.outlook("short", 0.3, 5.0) == (0.3, 0.0)  # nothing is known yet
        formula = parse(f"sin({k + 1}*x)")
        surrogate.learn(k, formula, "short", k % 7 / 10)
        surrogate.learn(k, formula, "full", k % 7 / 20 + 0.5)
    value, reach = surrogate.outlook("short", 0.3, 0.5)
    assert value == pytest.approx(0.65)
    assert surrogate.outlook("full", 0.3, 0.5) == (0.3, reach)
    assert surrogate.outlook("short", 0.3, 1.0)[1] == pytest.approx(2 * reach)
    assert surrogate.outlook("short", 0.3, math.inf) == (value, 0.0)
    assert reach > 0


def test_negative_scores_are_compared_as_they_are() -> None:
    litter = Litter(0)
    litter.add(birth(0, "a"), guessed(-0.9))
    litter.add(birth(1, "b"), guessed(-0.2))
    assert litter.decided(sound)[1] == birth(1, "b")


def test_what_turns_out_faulty_gives_way_to_the_next() -> None:
    asked = []

    def fault(one: Birth) -> str | None:
        asked.append(one.id)
        return "gradient zero" if one.id == 1 else None

    litter = Litter(0)
    for id_, guess in enumerate([0.5, 0.9, 0.7, 0.1]):
        litter.add(birth(id_, str(id_)), guessed(guess))
    births, chosen = litter.decided(fault)
    assert chosen is not None
    assert chosen.id == 2
    assert [b.status for b in births] == ["screened", "rejected", "accepted", "screened"]
    assert births[1].reason == "gradient zero"
    assert births[0].reason == "promised 0.5000, its sibling 2 0.7000"
    assert asked == [1, 2]  # the rest is never looked at


def test_a_litter_of_faulty_ones_trains_nothing() -> None:
    litter = Litter(0)
    litter.add(birth(0, "a"), None)
    births, chosen = litter.decided(lambda _one: "gradient zero")
    assert chosen is None
    assert [b.status for b in births] == ["rejected"]
