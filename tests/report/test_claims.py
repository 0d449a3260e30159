"""A report claims no more than was measured: who leads, what is new, what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.plots.cast import finalists as pictured
from actsearch.report import again, method
from actsearch.report.facts import facts_of
from actsearch.report.finalists import finalists
from actsearch.report.page import render
from actsearch.report.reasons import plainly
from actsearch.report.values import (
    trainings,
)
from actsearch.report.verdict import verdict_of
from actsearch.trials.account import read_account
from actsearch.trials.forward import put_forward
from tests.report.runs import (
    BIRTHS,
    KNOWN,
    NEW,
    SCORES,
    WINS,
    birth,
    column,
    facts,
    make_run,
    texts,
)


def test_nobody_leads_before_a_look(runs: dict[str, Path], tmp_path: Path) -> None:
    (open_,) = facts(runs, "open").finalists  # three seeds of the five of the first look
    assert open_.title == "Finalist, rank 1: birth 3"
    assert "test accuracy, fresh seeds" in {fact.name for fact in open_.facts}
    behind = make_run(tmp_path / "run", scores={**SCORES, 3: (0.5, 0.5)})
    (first,) = finalists(read_account(behind))
    assert first.title == "Best new function, rank 4: birth 3"
    for page in (open_, first, *facts(runs, "won").finalists):
        assert not any("confirmed" in fact.name for fact in page.facts)


def test_statistics_before_a_look_say_that_nothing_is_decided(runs: dict[str, Path]) -> None:
    notes = {kind: facts(runs, kind).comparison for kind in ("open", "won")}
    said = {kind: " ".join(table.notes) for kind, table in notes.items() if table is not None}
    assert "Nothing is decided before the first look, which takes 5 seeds" in said["open"]
    assert "first look" not in said["won"]


def test_a_known_function_with_a_factor_is_no_news(tmp_path: Path) -> None:
    same = "1.375*gelu(x)"
    births = [*BIRTHS, birth(9, same)]
    trials = {**{k: v for k, v in WINS.items() if k != NEW}, same: 0.7}
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)},
                   finalists=(same,), trials=trials)  # fmt: skip
    account = read_account(run)
    verdict = verdict_of(account)
    assert verdict.tone == "open"
    assert verdict.headline.startswith("A known activation function with a factor, or nearly")
    assert "factor" not in verdict.sentence
    assert verdict.explained[0].startswith("1.375*gelu(x) is GELU but for a factor")
    assert account.trials is not None
    assert account.trials.verdict.sentence.endswith(account.trials.verdict.caveat)


def test_inputs_besides_x_are_said_to_stand_at_1(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, "u*x - elu(u)")]
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)})
    first, second = finalists(read_account(run))
    assert first.inputs == "u"
    ((where, said),) = first.portraits
    assert where == "with u = 1"
    hidden = {"mean output", "in a deep network", "nearest known function"}
    assert not hidden & {fact.name for fact in said}
    all_said = dict(first.sections)
    assert "trainability" not in all_said
    assert "nearest known" not in {fact.name for fact in all_said["identity"]}
    ((where, said),) = second.portraits
    assert (second.inputs, where) == ("", "")
    assert hidden <= {fact.name for fact in said}
    all_said = dict(second.sections)
    assert "trainability" in all_said
    assert "nearest known" in {fact.name for fact in all_said["identity"]}
    assert "The derivative is that by x alone" in render(facts_of(read_account(run)))


def test_what_is_claimed_is_what_was_measured(runs: dict[str, Path]) -> None:
    won, unconfirmed = facts(runs, "won"), facts(runs, "unconfirmed")
    said = " ".join([*won.verdict.explained, *won.steps, *unconfirmed.verdict.explained])
    assert "in at most 5 of 100 cases" in said
    assert "After 5, 8, 14, 24, 40 and 60 seeds" in said
    assert "At the end one of the best was trained anew" in said
    assert "scored on test data where the task has any" in said
    for false in ("only the activation", "chance of such a claim", "did not see", "other words,"):
        assert false not in said


def test_several_finalists_are_not_called_the_best(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, "x*tanh(x)")]
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)},
                   finalists=("x*tanh(x)", NEW), trials={**WINS, "x*tanh(x)": 0.6})  # fmt: skip
    account = read_account(run)
    assert any(
        "2 of the best, none nearly the shape of another, were trained" in text
        for text in method.steps(account)
    )
    assert put_forward(account) == (NEW, "x*tanh(x)")
    assert [one.formula for one in finalists(account)] == [NEW, "x*tanh(x)"]
    assert [player.formula for player in pictured(account)] == [NEW, "x*tanh(x)"]


def test_trainings_of_dropped_finalists_count_neither_in_number_nor_in_time(
    tmp_path: Path,
) -> None:
    trials = {**WINS, "x*tanh(x)": 0.6, "x*cos(x)": None}
    account = read_account(make_run(tmp_path / "run", finalists=(NEW,), trials=trials))
    table = facts_of(account).time
    assert texts(table, "trainings")[-1] == "32"
    assert texts(table, "without a score")[-1] == "0"
    assert column(table, "training time")[-1].value == 80.0
    assert not any("gave no score" in text for text in method.caveats(account))
    failed = {**WINS, "tanh(x)": None}
    config = {"known": {**KNOWN, "tanh": "tanh(x)"}}
    account = read_account(
        make_run(tmp_path / "failed", config=config, finalists=(NEW,), trials=failed)
    )
    assert any(
        "8 trainings of the confirmation gave no score" in t for t in method.caveats(account)
    )
    assert texts(facts_of(account).time, "without a score")[-1] == "8"


def test_formulas_added_later_end_what_can_be_bred_again(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, "x*tanh(x)", "added seed")]
    run = make_run(tmp_path / "run", births=births)
    (line,) = [one for one in again.commands(read_account(run)) if "same search" in one.does]
    assert "--births 9 " in line.line
    assert "to its first 9 births" in line.does


@pytest.mark.parametrize("word", ["x" * 5000, "a\x1b[31m"])
def test_a_command_that_can_not_be_shown_whole_is_left_out(tmp_path: Path, word: str) -> None:
    command = ["actsearch", "search", "--seed-formula", word]
    run = make_run(tmp_path / "run", environment={"command": command},
                   config={"seed_formulas": [word]})  # fmt: skip
    does = [one.does for one in again.commands(read_account(run))]
    assert "as it was typed" not in does
    assert not any("same search" in text for text in does)
    long = "x + " * 200 + "x"
    run = make_run(tmp_path / "long", config={"seed_formulas": [long]})
    assert any(long in one.line for one in again.commands(read_account(run)))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("promised 0.8081, its sibling 136 0.9988", "a sibling promised a higher score"),
        (
            "trains as birth 21 did: their distance is 0.000",
            "nearly the same function as one that was trained before",
        ),
        ("affine: 2*x + 0 (in the group last)",
         "a straight line: it adds nothing to a layer, in the group last"),
        ("not bounded below by 0: -1 at x = -20",
         "the space asks for what it is not: not bounded below by 0"),
        ("non-finite: nan at x = -10 in float32",
         "its values are not finite, or beyond all use in float32"),
        ("", "no reason was kept"),
        ("something new", "something new"),
    ],
)  # fmt: skip
def test_reasons_are_told_plainly(reason: str, said: str) -> None:
    assert plainly(reason) == said


@given(st.text(max_size=80))
def test_any_text_may_be_a_reason(reason: str) -> None:
    assert plainly(reason)


def test_counts_of_one_are_singular() -> None:
    assert (trainings(1), trainings(1200)) == ("1 training", "1,200 trainings")


def test_commands_are_about_the_function_that_the_page_begins_with(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    def lines(run: Path) -> dict[str, str]:
        return {one.does: one.line for one in again.commands(read_account(run))}

    births = [*BIRTHS, birth(9, "x*tanh(x)")]  # first in the search, and beaten at fresh seeds
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)},
                   finalists=("x*tanh(x)", NEW), trials={**WINS, "x*tanh(x)": 0.6})  # fmt: skip
    assert "inspect run 3" in lines(run)["all that is known of the leader"]
    assert not any("fresh seeds" in does for does in lines(run))  # its verdict is clear
    known = make_run(tmp_path / "known", scores={**SCORES, 3: (0.5, 0.5)})
    assert "inspect known 3" in lines(known)["all that is known of the best new function"]
    assert any("fresh seeds" in does for does in lines(known))
    old = make_run(tmp_path / "old", births=BIRTHS[:3], scores={0: (0.6,), 1: (0.7,), 2: (0.65,)})
    assert "inspect old 1" in lines(old)["all that is known of the first of the hall of fame"]
