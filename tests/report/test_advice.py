"""What a report advises to do next, and how it says where its numbers stand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from actsearch.report import again, best, method
from actsearch.report.facts import facts_of
from actsearch.report.finalists import finalists
from actsearch.report.verdict import verdict_of
from actsearch.results.hall import table_notes
from actsearch.runs import RunStore
from actsearch.trials.account import read_account
from actsearch.trials.judged import GIVEN
from tests.report.runs import BIRTHS, NEW, SCORES, WINS, birth, make_run, training


def test_commands_are_those_that_would_not_be_refused(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    def lines(path: Path) -> list[str]:
        return [one.line for one in again.commands(read_account(path))]

    won, opened = lines(runs["won"]), lines(runs["open"])
    assert not any(line.startswith("actsearch confirm won --runs-dir") for line in won)
    assert any(line.startswith("actsearch confirm open --runs-dir") for line in opened)
    assert any("--transfer mnist1d-mlp --runs-dir" in line for line in won)  # it ran on the other
    both = make_run(tmp_path / "both", config={"task": "mnist1d-cnn@loss,mnist1d-mlp"})
    assert not any("--transfer" in line for line in lines(both))
    with RunStore.open(both, write=True):
        being = lines(both)
    assert any(line.startswith("actsearch watch both") for line in being)
    assert not any("actsearch resume" in line or "actsearch confirm" in line for line in being)


def test_the_leader_of_the_verdict_is_the_one_to_take_home(tmp_path: Path) -> None:
    better = "x*cos(x)"
    run = make_run(
        tmp_path / "run",
        births=(*BIRTHS, birth(9, better, "crossover", parents=(0, 1))),
        scores={**SCORES, 9: (0.66, 0.67)},
        finalists=(NEW, better),
        trials={**WINS, NEW: 0.62, better: 0.70},
    )
    exports = [one.line for one in again.commands(read_account(run)) if " export " in one.line]
    assert [line.split()[3] for line in exports] == ["9"]


def test_cards_name_the_rung_and_the_order_of_ranks(tmp_path: Path) -> None:
    rungs = [{"name": name, "steps": 3, "seeds": [0, 1]} for name in ("full", "long")]
    run = make_run(tmp_path / "run", config={"rungs": rungs})
    with RunStore.open(run, write=True) as store, store.session({}):
        store.add_training(training(1, 0, 0.65, rung="long"))
    account = read_account(run)
    facts = {fact.name: fact.value for fact in finalists(account)[0].facts}
    assert facts["validation accuracy, in the search"].endswith("(2 trainings at the rung full)")
    assert facts["gain over ReLU in the search"].endswith(", both at the rung full")
    assert facts["rank in the search"].startswith("2 of 4; longer rungs come first")
    table = best.hall(account)
    assert table is not None
    assert "by the longest rung first" in table.notes[1]
    ranked = account.run.ranked
    notes = table_notes("", ranked, ranked)
    assert any(note.startswith("rank: by the longest rung first") for note in notes)


def test_what_was_given_is_not_said_to_be_bred(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", births=BIRTHS[:3], scores={})
    facts = facts_of(read_account(run))
    assert "3 formulas were given or bred" in facts.verdict.sentence
    assert any(step.startswith("None of the others has been trained yet") for step in facts.steps)


def test_what_was_given_is_not_said_to_be_found(tmp_path: Path) -> None:
    births = [
        dataclasses.replace(b, operator="seed", parents=()) if b.id == 3 else b for b in BIRTHS
    ]
    run = make_run(tmp_path / "given", births=births, finalists=(NEW,), trials=WINS)
    account = read_account(run)
    verdict = verdict_of(account)
    assert verdict.label == "Shown, but not found"
    assert verdict.headline.startswith("An activation function that was given to the search beats")
    assert verdict.explained[0] == f"{GIVEN}."
    assert account.sentence.endswith(GIVEN)
    facts = {fact.name: fact.value for fact in finalists(account)[0].facts}
    assert facts["origin"] == GIVEN
    found = read_account(make_run(tmp_path / "found", finalists=(NEW,), trials=WINS))
    assert GIVEN not in found.sentence
    assert verdict_of(found).headline.startswith("A new activation function beats")
    before = make_run(tmp_path / "before", births=births)
    assert verdict_of(read_account(before)).headline.startswith(
        "A function that the search was given"
    )


def test_tasks_that_are_one_are_not_called_one_task(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", config={"task": "mnist1d-cnn,mnist1d-mlp"})
    said = " ".join(method.caveats(read_account(run)))
    assert "2 tasks that were searched for together, mnist1d-cnn and mnist1d-mlp" in said
