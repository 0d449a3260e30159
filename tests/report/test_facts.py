"""What a report says: the verdict first, plain about what was not shown, right in its numbers."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.report import again, best, method
from actsearch.report.facts import facts_of
from actsearch.report.finalists import finalists
from actsearch.report.page import write_report
from actsearch.report.properties import properties
from actsearch.report.values import (
    Cell,
    Measure,
    clean,
    count,
    probability,
)
from actsearch.report.verdict import measure_of_trials, verdict_of
from actsearch.results.tables import printable
from actsearch.trials.account import Account, read_account
from tests.report.runs import (
    BIRTHS,
    NEW,
    SCORES,
    WINS,
    birth,
    column,
    facts,
    make_run,
    texts,
)
from tests.runs.by_hand import as_format

OLD = "softmax2(x)"  # a function that this version does not know


@pytest.mark.parametrize(
    ("kind", "tone", "headline", "command"),
    [
        ("won", "shown", "A new activation function beats every known one", "export won 3"),
        ("lost", "none", "Nothing was found that is shown to beat", "resume lost"),
        ("open", "open", "So far no function is shown to beat", "confirm open"),
        ("unconfirmed", "unconfirmed", "whether it is better is not confirmed", "confirm"),
        ("empty", "unconfirmed", "This run has no result yet", "resume empty"),
    ],
)
def test_the_verdict_says_what_was_shown_and_what_to_do(
    runs: dict[str, Path], kind: str, tone: str, headline: str, command: str
) -> None:
    verdict = facts(runs, kind).verdict
    assert verdict.tone == tone
    assert headline in verdict.headline
    assert verdict.commands[0].line.startswith(f"actsearch {command}")


def test_a_win_has_its_difference_interval_and_pairs(runs: dict[str, Path]) -> None:
    verdict = facts(runs, "won").verdict
    account = read_account(runs["won"])
    assert account.trials is not None
    best = account.trials.verdict.rows[1]
    assert best.difference == pytest.approx(0.05)
    assert best.low is not None
    assert best.high is not None
    said = {fact.name: fact.value for fact in verdict.amounts}
    assert said["difference to GELU"] == "+5.00 points"
    assert (
        said[f"95 % interval, {best.n_pairs} pairs"]
        == f"+{100 * best.low:.2f} to +{100 * best.high:.2f} points"
    )
    assert "held-out test data" in " ".join(verdict.explained)
    assert "<mi>sin</mi>" in verdict.mathml


def test_a_loss_writes_no_win(runs: dict[str, Path]) -> None:
    verdict = facts(runs, "lost").verdict
    said = {fact.name: fact.value for fact in verdict.amounts}
    assert said["difference to GELU"] == "−10.00 points"
    assert "beats" not in verdict.headline


def test_only_known_functions_trained(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", births=BIRTHS[:3], scores={0: (0.6,), 1: (0.7,), 2: (0.65,)})
    verdict = verdict_of(read_account(run))
    assert verdict.headline == "No new function has a score yet"
    assert verdict.mathml == ""


def test_known_functions_that_lead_are_said_to_lead(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", scores={**SCORES, 3: (0.5, 0.5)})
    verdict = verdict_of(read_account(run))
    assert verdict.headline == "The search found no function that leads the known ones"
    assert verdict.sentence.startswith("GELU leads")


def test_the_comparison_has_each_rival_once_and_marks_the_finalists(runs: dict[str, Path]) -> None:
    table = facts(runs, "won").comparison
    assert table is not None
    assert texts(table, "activation") == [NEW, "GELU", "SiLU", "ReLU"]
    assert texts(table, "decided") == ["wins", "beaten", "beaten", "beaten"]
    assert texts(table, "difference") == ["", "+5.00", "+6.00", "+10.00"]
    assert table.marked == (0,)
    assert all(len(row) == len(table.heads) for row in table.rows)


def test_the_hall_has_the_scores_in_percent_and_gains_in_points(runs: dict[str, Path]) -> None:
    table = facts(runs, "unconfirmed").hall
    assert texts(table, "formula") == [NEW, "gelu(x)", "silu(x)", "relu(x)"]
    assert texts(table, "validation accuracy")[0] == "67.70 ± 0.60 %"
    assert texts(table, "gain over ReLU") == ["+7.20 ± 0.10", "+4.75 ± 0.25", "+3.90 ± 0.10",
                                              "(baseline)"]  # fmt: skip


def test_without_relu_there_is_no_gain_over_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", config={"known": {"SiLU": "silu(x)"}})
    table = best.hall(read_account(run))
    assert table is not None
    assert not any(head.title.startswith("gain over ReLU") for head in table.heads)
    assert all(len(row) == len(table.heads) for row in table.rows)


def test_what_was_turned_away_is_counted_by_reason(runs: dict[str, Path]) -> None:
    table = facts(runs, "won").rejected
    assert table is not None
    found = dict(zip(texts(table, "reason"), texts(table, "births"), strict=True))
    assert sorted(found.values()) == ["1", "2"]
    assert found["constant: it does not depend on its input"] == "2"
    assert found["a sibling promised a higher score"] == "1"
    assert "1\n2" in texts(table, "for example")


def test_time_is_that_of_search_and_confirmation(runs: dict[str, Path]) -> None:
    table = facts(runs, "won").time
    assert texts(table, "stage") == ["search, rung full", "confirmation"]
    assert texts(table, "trainings") == ["10", "32"]
    assert texts(table, "without a score") == ["2", "0"]
    assert [cell.value for cell in column(table, "training time")] == [12.5, 80.0]
    shares = [cell.value for cell in column(table, "share")]
    assert sum(value or 0 for value in shares) == pytest.approx(100)


def test_data_say_what_was_seen_and_what_was_judged_on(runs: dict[str, Path]) -> None:
    said = {fact.name: fact.value for fact in facts(runs, "won").data}
    assert said == {
        "data set": "mnist1d",
        "trained on": "4,000 samples (training split)",
        "chosen by": "1,000 samples (validation split)",
        "digest of these": "d1g35t",
        "verdict measured on": "the test split, which no search can reach",
    }
    assert "verdict measured on" not in {fact.name for fact in facts(runs, "unconfirmed").data}


def test_caveats_are_those_of_the_run(runs: dict[str, Path]) -> None:
    won, unconfirmed = facts(runs, "won").caveats, facts(runs, "unconfirmed").caveats
    assert any("one search, from the seed 7" in text for text in won)
    assert any("learning rate 0.01" in text for text in won)
    assert any("30 steps" in text for text in won)
    assert not any("Nothing is confirmed" in text for text in won)
    assert any("Nothing is confirmed" in text for text in unconfirmed)


def test_commands_reproduce_the_run(runs: dict[str, Path]) -> None:
    lines = {one.does: one.line for one in facts(runs, "won").commands}
    assert lines["as it was typed"] == "actsearch search --seed 7"
    again = lines["the same search again, to the same births"]
    assert again.startswith(
        "actsearch search default --task mnist1d-cnn --births 9 --seed 7 --run won-again"
    )


def test_a_run_from_python_has_no_command_that_would_not_work(tmp_path: Path) -> None:
    environment = {"command": ["/tmp/mine.py"]}
    run = make_run(tmp_path / "run", config={"task_from": "object"}, environment=environment)
    does = [one.does for one in again.commands(read_account(run))]
    assert "as it was typed" not in does
    assert not any("same search" in text for text in does)


def test_a_finalist_that_no_longer_parses_is_shown_as_text(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, OLD)]
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.7, 0.7)},
                   finalists=(OLD, NEW), trials={**WINS, OLD: 0.8})  # fmt: skip
    first, second = finalists(read_account(run))
    assert (first.formula, first.is_readable, first.mathml, first.portraits) == (
        OLD,
        False,
        "",
        (),
    )
    assert (second.formula, second.is_readable) == (NEW, True)
    assert facts_of(read_account(run)).verdict.formula == OLD


def test_finalists_say_where_they_come_from(runs: dict[str, Path]) -> None:
    (only,) = facts(runs, "won").finalists
    assert only.title == "The leader: birth 3"
    assert [step.who for step in only.origin] == ["birth 3", "birth 0", "birth 1"]
    assert "crossover: part of one parent" in only.origin[0].how
    assert only.export.startswith("actsearch export won 3")
    said = {fact.name: fact.value for fact in only.facts}
    assert said["rank in the search"] == "1 of 4"


@pytest.mark.parametrize(
    ("formula", "name", "said"),
    [
        ("relu(x)", "far to the right it", "rises to +∞, as the line x does"),
        ("relu(x)", "no learning", "50 % of usual inputs meet a slope of exactly 0 (x <= 0)"),
        ("relu(x)", "smooth", "no: a kink at 0"),
        (
            "relu(x)",
            "in a deep network",
            "gradients keep their size: by a factor of 1 a layer, at the start",
        ),
        ("sigmoid(x)", "its values", "0 to 1"),
        ("sigmoid(x)", "from left to right it", "rises everywhere"),
        ("tanh(x)", "mean output", "0 (centred at 0)"),
        ("tanh(x)", "symmetry", "odd: f(−x) = −f(x)"),
        ("silu(x)", "turning points", "minimum −0.2785 at −1.278"),
        ("silu(x)", "from left to right it", "falls up to −1.278, then rises"),
        ("x*cos(x)", "steepest slope", "grows without end"),
        (
            "exp(x)",
            "half precision",
            "overflows in float16 from 11.09 on, in bfloat16 from 89 on",
        ),
        ("x**3", "half precision", "overflows in float16 from 40.34 on and below −40.34"),
        ("silu(x**2)", "half precision", "overflows in float16 from 256 on and below −256"),
        (
            "x - sin(x)",
            "half precision",
            "loses digits where each step is rounded to float16 or bfloat16",
        ),
        (
            "relu(x)",
            "half precision",
            "safe in float16 and bfloat16, up to inputs of ±1,000",
        ),
    ],
)
def test_properties_are_told_in_plain_words(formula: str, name: str, said: str) -> None:
    found = {fact.name: fact.value for fact in properties(parse(formula).analyze())}
    assert found[name] == said


def test_learned_parameters_have_a_table(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, "max(x, p0*x); p0=0.25")]
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)})
    (first, *_) = finalists(read_account(run))
    assert first.formula.startswith("max(x, p0*x)")
    assert first.mathml.count("<mi>θ</mi>") == 1


def test_formulas_by_layers_are_finalists_too(tmp_path: Path) -> None:
    births = [*BIRTHS, birth(9, "input: relu(x) | last: tanh(x)")]
    run = make_run(tmp_path / "run", births=births, scores={**SCORES, 9: (0.9, 0.9)})
    first = finalists(read_account(run))[0]
    assert first.is_readable
    assert first.mathml.count("<math") == 2
    assert [where for where, _ in first.portraits] == ["group input", "group last"]
    assert dict(first.portraits)["group last"][0].value == "comes near −1"
    assert any(title == "last: shape" for title, _ in first.sections)


@pytest.mark.parametrize(
    "odd",
    [
        {"task_settings": {"recipe": 3, "data": "none"}},
        {"budget": {"nested": [1]}, "births": "many"},
        {"task_settings": {"tasks": [{"task": "a", "data": {"n_train": 5}}, 7]}},
    ],
)
def test_a_configuration_of_another_shape_is_no_fault(tmp_path: Path, odd: dict[str, Any]) -> None:
    assert facts_of(read_account(make_run(tmp_path / "run", config=odd))).configuration


@pytest.mark.parametrize("odd", [{"task_settings": ["a list"]}, {"seed_formulas": None}])
def test_a_configuration_of_other_kinds_is_refused(tmp_path: Path, odd: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"'{next(iter(odd))}' of its configuration"):
        read_account(make_run(tmp_path / "run", config=odd))


def test_other_tasks_that_were_tried_are_named(runs: dict[str, Path]) -> None:
    account = read_account(runs["won"])
    info: dict[str, object] = {"kind": "confirm", "tasks": ["mnist1d-cnn", "a,<b>", "mdn"]}
    sessions = [dataclasses.replace(account.run.sessions[-1], info=info)]
    there = Account(dataclasses.replace(account.run, sessions=sessions), account.trials)
    assert any("tried on a,<b>, mdn, too" in text for text in method.caveats(there))
    assert not any("tried on" in text for text in method.caveats(account))
    assert any("--transfer 'a,<b>,mdn'" in one.line for one in again.commands(there))


@pytest.mark.parametrize("version", [2, 3])
def test_a_run_of_an_older_format_is_told_of(tmp_path: Path, version: int) -> None:
    run = make_run(tmp_path / "run", finalists=(NEW,), trials=WINS)
    as_format(run, version)
    found = facts_of(read_account(run))
    assert found.verdict.tone == "shown"
    assert texts(found.hall, "formula")[0] == NEW


def test_a_run_of_a_later_format_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with sqlite3.connect(run / "run.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BadInput, match=r"newer|later|99"):
        write_report(run)
    assert not (run / "report.html").exists()


def test_a_session_without_an_end_goes_on_or_was_killed(runs: dict[str, Path]) -> None:
    account = read_account(runs["unconfirmed"])
    session = dataclasses.replace(account.run.sessions[0], outcome="", end_s=None)
    killed = dataclasses.replace(account.run, sessions=[session], ended="")
    running = dataclasses.replace(killed, writer="process 7")
    for run, said, ended in ((killed, "killed", "killed"), (running, "going on", "not yet")):
        assert texts(again.sessions(Account(run, None)), "ended") == [said]
        settings = {fact.name: fact.value for fact in method.settings(Account(run, None))}
        assert settings["ended"] == ended


def test_scores_that_are_no_shares_have_no_percent(tmp_path: Path) -> None:
    config = {"score_name": "validation accuracy"}
    run = make_run(tmp_path / "run", config=config, finalists=(NEW,),
                   trials={formula: 100 * mean for formula, mean in WINS.items()})  # fmt: skip
    account = read_account(run)
    assert account.trials is not None
    assert measure_of_trials(account.trials).score(64.0).text == "64.0000"


@given(st.text(max_size=300))
def test_text_from_outside_is_one_line_of_print(text: str) -> None:
    found = clean(text)
    assert found == printable(found)
    assert "\n" not in found


@given(st.floats(0, 1))
def test_a_p_value_is_never_written_as_below_what_it_is(p: float) -> None:
    text = probability(p).text
    if text.startswith("<"):
        assert p < float(text.removeprefix("< ").replace("−", "-")) * 1.0001
    else:
        assert float(text) == pytest.approx(p, abs=0.006)


def test_numbers_carry_what_they_are_sorted_by() -> None:
    assert count(12345) == Cell("12,345", 12345.0, "", "number")
    assert Measure.of("loss", shares=True).difference(-0.5).text == "−0.5000"
