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
from actsearch.plots.cast import finalists as pictured
from actsearch.report import again, best, method
from actsearch.report.facts import Facts, facts_of
from actsearch.report.finalists import finalists
from actsearch.report.page import render, write_report
from actsearch.report.properties import properties
from actsearch.report.reasons import plainly
from actsearch.report.values import (
    Cell,
    Measure,
    Table,
    clean,
    count,
    probability,
    trainings,
)
from actsearch.report.verdict import measure_of_trials, verdict_of
from actsearch.results.tables import printable
from actsearch.trials.account import Account, read_account
from actsearch.trials.forward import put_forward
from tests.report.runs import BIRTHS, KNOWN, NEW, SCORES, WINS, birth, make_run

OLD = "softmax2(x)"  # a function that this version does not know


def facts(runs: dict[str, Path], kind: str) -> Facts:
    return facts_of(read_account(runs[kind]))


def column(table: Table | None, title: str) -> list[Cell]:
    assert table is not None
    place = next(k for k, head in enumerate(table.heads) if head.title.startswith(title))
    return [row[place] for row in table.rows]


def texts(table: Table | None, title: str) -> list[str]:
    return [cell.text for cell in column(table, title)]


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
        {"task_settings": ["a list"]},
        {"task_settings": {"recipe": 3, "data": "none"}, "seed_formulas": None},
        {"budget": {"nested": [1]}, "births": "many"},
        {"task_settings": {"tasks": [{"task": "a", "data": {"n_train": 5}}, 7]}},
    ],
)
def test_a_configuration_of_another_shape_is_no_fault(tmp_path: Path, odd: dict[str, Any]) -> None:
    assert facts_of(read_account(make_run(tmp_path / "run", config=odd))).configuration


def test_other_tasks_that_were_tried_are_named(runs: dict[str, Path]) -> None:
    account = read_account(runs["won"])
    info: dict[str, object] = {"kind": "confirm", "tasks": ["mnist1d-cnn", "a,<b>", "mdn"]}
    sessions = [dataclasses.replace(account.run.sessions[-1], info=info)]
    there = Account(dataclasses.replace(account.run, sessions=sessions), account.trials)
    assert any("tried on a,<b>, mdn, too" in text for text in method.caveats(there))
    assert not any("tried on" in text for text in method.caveats(account))
    assert any("--transfer 'a,<b>,mdn'" in one.line for one in again.commands(there))


@pytest.mark.parametrize("version", [1, 2])
def test_a_run_of_an_older_format_is_told_of(tmp_path: Path, version: int) -> None:
    run = make_run(tmp_path / "run", finalists=(NEW,), trials=WINS)
    with sqlite3.connect(run / "run.sqlite") as db:
        db.execute("ALTER TABLE births DROP COLUMN penalty")
        db.execute("ALTER TABLE heats DROP COLUMN seen")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
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
