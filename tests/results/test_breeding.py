"""What formulas are made of and what operators were good for, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from actsearch.plots.progress import became
from actsearch.results.breeding import best_births, mean_scores, successes, usage
from tests.plots.conftest import BRED, SCORES, usual
from tests.plots.made import HOSTILE, births, training, write


def test_operators_are_measured_at_the_length_that_all_have(tmp_path: Path) -> None:
    run = usual(tmp_path / "first").run
    scores, trained = mean_scores(run.trainings, "short"), {row.birth_id for row in run.trainings}
    made = {one.operator: one for one in successes(run.births, scores, trained)}
    assert "seed" not in made
    cross, insert = made["crossover"], made["insert"]
    assert (cross.births, cross.trained, cross.compared, cross.improved) == (2, 1, 1, 1)
    assert cross.gain == pytest.approx(0.55 - 0.52)
    assert (insert.births, insert.trained, insert.compared, insert.improved) == (2, 1, 1, 0)
    assert insert.gain == pytest.approx(0.51 - 0.55)
    assert made["replace"].gain is None


def test_usage_counts_formulas_and_not_places() -> None:
    born = births(
        ("sin(sin(x))", "random", (), "accepted"), ("x + 1", "random", (), "accepted"),
        ("input: sin(x) | last: cos(x)", "random", (), "accepted"),
        (HOSTILE[0], "x", (), "rejected"),
    )  # fmt: skip
    assert usage(born) == {"sin": 0.5, "add": 0.25, "cos": 0.25}


def test_a_mean_is_of_births_whose_trainings_all_have_a_score() -> None:
    rows = [training(0, "short", 0, 0.5), training(0, "short", 1, 0.7), training(0, "full", 0, 0.9)]
    rows += [training(1, "short", 0, 0.5), training(1, "short", 1, None)]
    assert mean_scores(rows, "short") == {0: pytest.approx(0.6)}


def test_the_best_are_a_tenth_and_five_at_least() -> None:
    born = births(*((f"x + {k}", "random", (), "accepted") for k in range(80)))
    ranked = [{"id": id_} for id_ in range(79, -1, -1)]
    assert [birth.id for birth in best_births(ranked, born)] == list(range(72, 80))
    assert len(best_births(ranked[:7], born)) == 5


def test_what_waits_for_its_training_is_not_trained(tmp_path: Path) -> None:
    waiting = births(*BRED, ("x*erf(x)", "crossover", (1, 2), "accepted"))
    account = write(tmp_path / "first", waiting, SCORES)
    trained = {row.birth_id for row in account.run.trainings}
    made = {one.operator: one for one in successes(account.run.births, {}, trained)}
    assert (made["crossover"].births, made["crossover"].trained) == (3, 1)
    shares = {what: list(is_so.nonzero()[0]) for what, is_so in became(account).items()}
    assert shares == {
        "trained": [0, 1, 2, 5, 7],
        "seen before (no training)": [3],
        "rejected": [4],
        "passed over, less promising": [6],
        "not trained yet": [8],
    }
    assert account.run.totals.trained == len(shares["trained"])
    assert "not trained yet" not in became(usual(tmp_path / "second"))
