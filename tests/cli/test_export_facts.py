"""What an export says of its run: origin, scores, learned parameters; nothing is trained for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from actsearch.cli.export_facts import N_KNOWN, RunFacts
from actsearch.expressions import Layered, parse
from actsearch.runs import Birth, RunStore, TrainingRow
from tests.cli.conftest import Command, training
from tests.runs.by_hand import by_hand
from tests.trials.conftest import BRED, GIVEN, SMALL_ZOO
from tests.trials.simulated import make_run

TASK = """
from tests.trials.simulated import NoisyTask
from tests.runs.by_hand import by_hand

def make_task():
    return NoisyTask({"x*sin(x)": 0.6, "gelu(x)": 0.55, "relu(x)": 0.5})
"""
#: The ids of the finalists and of GELU, in the order of the births.
GELU, SINE, OTHER = 1, 3, 5


def configure(path: Path, **changes: Any) -> None:
    """Change what a run's configuration says."""
    with by_hand(path) as db:
        (text,) = db.execute("SELECT value FROM meta WHERE key = 'config'").fetchone()
        new = json.dumps({**json.loads(text), **changes})
        db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (new,))


@pytest.fixture
def confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actsearch: Command) -> Any:
    """Return what `confirm` says of a run whose task is gone afterwards."""
    monkeypatch.chdir(tmp_path)
    for room in ("confirm", "judged"):
        monkeypatch.setattr(f"actsearch.trials.{room}.rivals_of", lambda *_: dict(SMALL_ZOO))
    path = tmp_path / "noisy.py"
    path.write_text(TASK)
    make_run(tmp_path / "runs" / "first", BRED, GIVEN, spec=f"{path}:make_task")
    configure(tmp_path / "runs" / "first", score_name="validation accuracy")
    options = ("--task", f"{path}:make_task", "--workers", "inline", "--quiet", "--format", "json")
    answer = actsearch("confirm", "first", *options)
    assert answer.code == 0, answer.err
    path.write_text("raise SystemExit('the code of a task was run')")
    return json.loads(answer.out)


def pick(row: dict[str, Any], *keys: str) -> list[Any]:
    return [row.get(key) for key in keys]


def test_of_a_confirmed_run_the_trials_speak(confirmed: Any, tmp_path: Path) -> None:
    found = RunFacts(tmp_path / "runs" / "first").measured(SINE, "sine")
    assert found["sentence"].startswith(confirmed["sentence"].rstrip("."))
    assert "Measured on the validation split with fresh seeds" in found["sentence"]
    assert found["score"] == confirmed["score_name"] == "validation accuracy"
    ours, *others = found["rows"]
    assert ours["activation"] == "sine"
    shown = {row["name"]: row for row in confirmed["rows"]}
    own = ("mean", "standard_error", "n")
    assert pick(ours, *own) == pick(shown["x*sin(x)"], *own)
    assert others[0]["activation"] == "GELU"
    for row in others:
        expected = shown[row["activation"]]
        keys = (*own, "difference", "low", "high")
        assert pick(row, *keys) == pick(expected, *keys)
    assert {row["activation"] for row in others} == set(SMALL_ZOO.values())


def test_one_that_did_not_lead_is_compared_itself(confirmed: Any, tmp_path: Path) -> None:
    facts = RunFacts(tmp_path / "runs" / "first")
    second = facts.measured(OTHER, "second")["rows"]
    assert second[0]["activation"] == "second"
    gelu = next(row for row in second[1:] if row["activation"] == "GELU")
    assert gelu["difference"] == pytest.approx(second[0]["mean"] - gelu["mean"], abs=0.02)
    assert gelu["difference"] < 0
    assert gelu["low"] < gelu["difference"] < gelu["high"]


def test_differences_are_of_the_seeds_that_the_means_are_of(confirmed: Any, tmp_path: Path) -> None:
    facts = RunFacts(tmp_path / "runs" / "first")
    before = facts.measured(OTHER, "second")["rows"]
    for scores in facts._trial_scores.values():  # a look that is under way
        cast("dict[int, float]", scores)[max(scores) + 1] = 100.0 * len(scores)
    assert facts.measured(OTHER, "second")["rows"] == before


def test_a_known_activation_is_found_among_the_rivals(confirmed: Any, tmp_path: Path) -> None:
    rows = RunFacts(tmp_path / "runs" / "first").measured(GELU, "mine")["rows"]
    assert [row["activation"] for row in rows].count("GELU") == 0
    assert rows[0]["mean"] == pytest.approx(0.55, abs=0.02)
    relu = next(row for row in rows if row["activation"] == "ReLU")
    assert relu["difference"] > 0


def test_what_was_no_finalist_has_the_scores_of_the_search(confirmed: Any, tmp_path: Path) -> None:
    facts = RunFacts(tmp_path / "runs" / "first")
    last = max(facts.rows)
    assert "the scores that the search selected by" in facts.measured(last, "f")["sentence"]


def test_before_it_is_confirmed_the_search_speaks_and_says_so(runs_dir: Path) -> None:
    found = RunFacts(runs_dir / "first").measured(2, "first_2")
    assert "the scores that the search selected by" in found["sentence"]
    assert found["score"] == "validation accuracy"
    assert [row["activation"] for row in found["rows"]] == ["first_2", "SiLU", "ReLU"]
    ours, silu, _ = found["rows"]
    assert pick(ours, "mean", "n", "difference") == [pytest.approx(0.677), 2, None]
    assert silu["difference"] == pytest.approx(0.033)
    assert silu["low"] < silu["difference"] < silu["high"]
    assert ours["standard_error"] == pytest.approx(0.006)


def test_a_birth_without_a_score_was_not_measured(runs_dir: Path) -> None:
    facts = RunFacts(runs_dir / "first")
    assert facts.measured(5, "f") == {}
    assert facts.provenance(5)["birth"] == 5


def add(path: Path, formula: str, seeds: list[tuple[int, float]], **metrics: float) -> int:
    """Add a birth with trainings to a run; return its id."""
    from actsearch.expressions import parse_candidate

    with RunStore.open(path, write=True) as store, store.session({}):
        id_ = store.n_births()
        store.add_births(
            [
                Birth(
                    id=id_,
                    operator="seed",
                    parents=(),
                    formula=formula,
                    fingerprint=parse_candidate(formula).fingerprint(),
                    status="accepted",
                    size=3,
                    created_s=1.8e9,
                )
            ]
        )
        for seed, score in seeds:
            row = training(id_, seed, score)
            values = {name.replace("_at_", "[") + "]": v for name, v in metrics.items()}
            store.add_training(TrainingRow(**{**vars(row), "metrics": values}))
    return id_


def test_no_more_known_ones_than_fit_and_the_best_first(runs_dir: Path) -> None:
    from actsearch.expressions.known import NAMED

    known = [one for one in NAMED.values() if parse(one).inputs == ("x",)][4:20]
    for place, formula in enumerate(known):
        add(runs_dir / "first", formula, [(0, 0.3 + place / 100)])
    _, *others = RunFacts(runs_dir / "first").measured(2, "f")["rows"]
    means = [row["mean"] for row in others]
    assert len(others) == N_KNOWN
    assert means == sorted(means, reverse=True)
    assert others[-1].keys() == {"activation", "mean", "standard_error", "n"}  # a single seed
    assert others[-1]["standard_error"] is None


def test_what_was_learned(runs_dir: Path) -> None:
    path = runs_dir / "first"
    seeds = [(0, 0.5), (1, 0.6)]
    id_ = add(path, "x*sin(p0*x)", seeds, p0_at_0=1.5, p0_at_1=2.5)
    assert RunFacts(path).learned(id_) == {"p0": 2.0}
    assert RunFacts(path).provenance(id_)["date"] == "2027-01-15"


def test_of_layers_what_only_one_group_can_have_learned(runs_dir: Path) -> None:
    path = runs_dir / "first"
    text = "input: x*sin(p0*x) | hidden: p1*tanh(x) | last: p1*relu(x)"
    id_ = add(path, text, [(0, 0.5)], p0_at_0=1.5, p1_at_1=2.5, p1_at_2=3.5)
    facts = RunFacts(path)
    candidate = facts.candidate(id_)
    assert isinstance(candidate, Layered)
    assert [facts.learned(id_, part) for part in candidate.parts] == [{"p0": 1.5}, {}, {}]


def test_where_it_comes_from(runs_dir: Path) -> None:
    path = runs_dir / "first"
    data = {"name": "own", "digest": "ab12", "n_train": 200, "n_validation": 100}
    configure(path, task_settings={"data": data}, task="/home/me/secret/fast.py:make,mnist1d-mlp")
    with by_hand(path) as db:
        environment = {"python": "3.13.1", "versions": {"torch": "2.10", "numpy": "2.1"}}
        db.execute(
            "UPDATE meta SET value = ? WHERE key = 'environment'", (json.dumps(environment),)
        )
    found = RunFacts(path).provenance(1)
    assert found["data"] == "own, 200 training samples, 100 validation samples, digest ab12"
    assert found["task"] == "fast.py:make,mnist1d-mlp"
    assert (found["python"], found["torch"], found["numpy"]) == ("3.13.1", "2.10", "2.1")
    assert "actsearch" not in found
    assert found["known as"] == "SiLU"
