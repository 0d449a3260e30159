"""The words and the digits of a verdict in rare cases: one known activation, lost ones, ties,
differences of nothing.

Mutation testing found them unsaid.
"""

from __future__ import annotations

import inspect

import pytest

from actsearch.results.looks import BETTER, NO_TRAINING, UNDECIDED
from actsearch.results.units import Unit, unit_of
from actsearch.results.verdict import (
    FINALIST,
    KNOWN,
    Row,
    _all,
    _Amounts,
    _leader,
    _names,
    _place,
    judge,
)
from tests.results.test_verdict import NAMES, SEEDS, by_name, judged, means, scores_of


def row(
    difference: float | None, low: float | None = None, high: float | None = None, **more: object
) -> Row:
    values = {"name": "A", "formula": "a", "kind": KNOWN, "mean": 0.5, "decided": UNDECIDED}
    values |= {"standard_error": 0.1, "n": 6, "n_failed": 0, "n_pairs": 6}
    values |= {"difference": difference, "low": low, "high": high, **more}
    return Row(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "low", "high", "said"),
    [
        (0.007, -0.02, 0.034, "+0.7 points"),
        (0.0, -0.02, 0.02, "0.0 points"),
        (-0.0, -0.02, 0.02, "0.0 points"),
        (0.0, 0.0, 0.0, "0.0000 points"),  # no width that could say how many digits count
        (0.25, 0.25, 0.25, "+25.0000 points"),
        (-0.0004, -0.02, 0.02, "-0.04 points"),  # with one decimal it would be nothing
        (0.000004, -0.02, 0.02, "+0.0 points"),  # more than two decimals beyond say too much
        (0.7e-11, 0.6e-11, 0.8e-11, "+0.000000001 points"),
    ],
)
def test_a_difference_has_the_digits_of_its_interval(
    difference: float, low: float, high: float, said: str
) -> None:
    amounts = _Amounts(unit_of("accuracy"))
    assert amounts.difference(row(difference, low, high)) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        ([*"abcdefgh"], "a, b, c and 5 more"),
    ],
)
def test_three_names_are_said_and_others_counted(names: list[str], said: str) -> None:
    assert _names(names) == said


@pytest.mark.parametrize(
    ("n", "n_lost", "said"),
    [
        (1, 0, "the known activation A"),
        (1, 1, "the known activation A"),
        (3, 0, "all 3 known activations"),
        (3, 1, "all 3 known activations (1 of them does not train)"),
        (3, 2, "all 3 known activations (2 of them do not train)"),
    ],
)
def test_known_activations_are_counted(n: int, n_lost: int, said: str) -> None:
    rows = [row(None, decided=NO_TRAINING if k < n_lost else BETTER) for k in range(n)]
    assert _all(rows) == said


def test_rows_without_a_difference_stand_last_the_leader_first() -> None:
    rows = [
        row(0.2, formula="second"),
        row(None, formula="leader", mean=0.1, kind=FINALIST),
        row(None, formula="untrained", mean=None),
        row(-5.0, formula="first"),
        row(None, formula="worse", mean=-3.0),
        row(None, formula="better", mean=7.0),
    ]
    order = [one.formula for one in sorted(rows, key=lambda one: _place(one, "leader"))]
    assert order == ["leader", "first", "second", "better", "worse", "untrained"]


def test_a_finalist_without_scores_does_not_lead_for_that() -> None:
    standing = {"none": UNDECIDED, "below": UNDECIDED, "far below": UNDECIDED}
    had: dict[str, dict[int, float]] = {"none": {}, "far below": {0: -9.0}, "below": {0: -0.5}}
    assert _leader(list(had), standing, had) == "below"
    assert _leader([], {}, {}) is None
    found = judged({"f": {}, "g": {}, **{name: {} for name in NAMES}})
    assert found.leader == "f"
    assert not found.is_clear


def test_one_known_activation_that_is_not_beaten_is_named() -> None:
    scores = scores_of({"f": 0.6, "relu(x)": 0.7}, noise=5)
    said = judged(scores, {"relu(x)": "ReLU"}).sentence
    assert said.startswith(
        "Nothing was shown to beat the known activation ReLU; f leads the finalists and is worse "
        "than ReLU: -9"
    )


def test_a_finalist_that_is_worse_than_all_is_said_to_be() -> None:
    scores = scores_of({"f": 0.4, "relu(x)": 0.6, "gelu(x)": 0.7})
    said = judged(scores, {"relu(x)": "ReLU", "gelu(x)": "GELU"}).sentence
    assert "f leads the finalists and is worse than GELU and ReLU: -30" in said
    assert "not shown" not in said


@pytest.mark.parametrize("shift", [-4.0, 0.0, 9.0])
def test_units_that_are_no_shares_stay_whatever_the_scores_are(shift: float) -> None:
    scores = {
        formula: {seed: score + shift for seed, score in by_seed.items()}
        for formula, by_seed in scores_of(means(foo=0.7)).items()
    }
    said = judged(scores, score_name="mean standardised gain over ReLU").sentence
    assert "+0.0508 standard deviations over the best" in said
    points = judged(scores, score_name="accuracy").sentence
    assert ("+5.08 points" if shift == 0 else "+0.0508 over") in points
    assert unit_of("score") == Unit()


def test_the_error_rate_is_what_was_asked_for() -> None:
    scores = scores_of(means(foo=0.655), n=6, noise=6)
    strict, loose = judged(scores, alpha=1e-9), judged(scores, alpha=0.5)
    assert (strict.alpha, loose.alpha) == (1e-9, 0.5)

    def n_beaten(found: object) -> int:
        return sum(one.decided == BETTER for one in by_name(found).values())  # type: ignore[arg-type]

    assert n_beaten(strict) < n_beaten(loose)
    assert inspect.signature(judge).parameters["alpha"].default == 0.05
    assert judge(scores, ["x*foo(x)"], NAMES, seeds=SEEDS).alpha == 0.05
