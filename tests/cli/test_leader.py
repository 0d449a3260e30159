"""After a confirmation one leader everywhere: the verdict's, and not that of the search."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import actsearch as door
from actsearch.errors import BadInput
from actsearch.runs import RunStore
from tests.cli.conftest import Command, FakeSearch
from tests.report.runs import BIRTHS, NEW, SCORES, WINS, birth, make_run, training

BETTER = "x*cos(x)"
SEARCH, VERDICT = 3, 9  # NEW, which the search scored highest, and BETTER


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of runs: confirmed, not yet clear, before its first look, unconfirmed."""
    monkeypatch.chdir(tmp_path)
    births = (*BIRTHS, birth(VERDICT, BETTER, "crossover", parents=(0, 1)))
    scores = {**SCORES, VERDICT: (0.66, 0.67)}
    trials = {**WINS, NEW: 0.62, BETTER: 0.70}
    alike = {**trials, BETTER: 0.6495}
    for name, tried, n_seeds in (
        ("won", trials, 8),
        ("open", alike, 5),
        ("begun", trials, 3),
        ("not", None, 0),
    ):
        make_run(
            tmp_path / "runs" / name,
            births=births,
            scores=scores,
            finalists=(BETTER, NEW),  # the first leads while nothing was looked at
            trials=tried,
            n_seeds=n_seeds,
        )
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("name", "leader"),
    [("won", VERDICT), ("open", VERDICT), ("begun", SEARCH), ("not", SEARCH)],
)
def test_all_name_the_same_leader(
    actsearch: Command, runs_dir: Path, tmp_path: Path, name: str, leader: int
) -> None:
    assert door.open_run(name).best.id == leader
    assert f"actsearch export {name} {leader} " in actsearch("inspect", name).out
    assert f"actsearch export {name} {leader} " in actsearch("watch", name).out
    actsearch("export", name, "--out", "files")
    assert [file.name for file in (tmp_path / "files").iterdir()] == [f"{name}_{leader}.py"]
    actsearch("export", name, "--top", "2", "--out", "two")
    assert len(list((tmp_path / "two").iterdir())) == 2


def test_a_search_ends_with_the_leader_of_its_confirmation(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_run(runs_dir / "first")

    def confirm(path: Path, _search_s: float) -> None:
        shutil.rmtree(path)
        shutil.copytree(runs_dir / "won", path)

    monkeypatch.setattr("actsearch.cli.afterwards.confirming", lambda *_, **__: confirm)
    answer = actsearch("search", "--run", "made-up", "--quiet", "--no-report")
    assert f"actsearch export made-up {VERDICT} " in answer.out


def test_inspect_has_the_verdict(actsearch: Command, runs_dir: Path) -> None:
    out = actsearch("inspect", "won").out
    assert f"\nverdict: {BETTER} beats all 3 known activations: " in out
    assert f"Birth {VERDICT} leads by the verdict; birth {SEARCH} led the search" in out
    assert "actsearch confirm" not in out
    out = actsearch("inspect", "open").out
    assert "\nverdict: Nothing is shown yet to beat all 3" in out
    assert "actsearch confirm open " in out
    assert "\nverdict: Nothing can be said yet" in actsearch("inspect", "begun").out
    out = actsearch("inspect", "not").out
    assert "verdict:" not in out
    assert f"Birth {SEARCH} leads; " in out


def test_two_runs_have_their_verdicts(actsearch: Command, runs_dir: Path) -> None:
    out = actsearch("inspect", "not", "won").out
    assert f"\nverdict on won: {BETTER} beats all 3" in out
    assert "verdict on not" not in out
    found = json.loads(actsearch("inspect", "not", "won", "--format", "json").out)["verdict"]
    assert found["a"] is None
    assert found["b"].startswith(BETTER)


def test_a_run_that_was_searched_on_may_be_confirmed_again(
    actsearch: Command, runs_dir: Path
) -> None:
    with RunStore.open(runs_dir / "won", write=True) as store, store.session({"budget": "2m"}):
        store.add_births([birth(10, "x*tanh(x)", "insert", parents=(1,))])
        store.add_training(training(10, 0, 0.7))
    assert door.open_run("won").best.id == VERDICT
    assert "actsearch confirm won " in actsearch("inspect", "won").out


def test_an_opened_run_has_its_verdict(runs_dir: Path) -> None:
    verdict = door.open_run("won").verdict
    assert verdict is not None
    assert (verdict.winner, verdict.is_clear, verdict.n_looks > 0) == (BETTER, True, True)
    assert verdict.sentence.startswith(f"{BETTER} beats all 3")
    assert door.open_run("not").verdict is None


def test_trials_that_tried_no_formula_do_not_hide_the_search(
    actsearch: Command, runs_dir: Path
) -> None:
    make_run(runs_dir / "odd", finalists=("nonsense((",), trials={"nonsense((": 0.7, **WINS})
    answer = actsearch("inspect", "odd")
    assert (answer.code, answer.err) == (0, "")
    assert f"Birth {SEARCH} leads; " in answer.out
    assert door.open_run("odd").best.id == SEARCH


def test_a_run_is_opened_by_its_file_and_a_birth_by_its_number(runs_dir: Path) -> None:
    assert door.open_run("runs/won/run.sqlite").name == "won"
    assert door.open_run(Path("runs/won/run.sqlite")).name == "won"
    with pytest.raises(BadInput, match=r"whole number, as in birth\(7\); got '9'"):
        door.open_run("won").birth("9")  # type: ignore[arg-type]
