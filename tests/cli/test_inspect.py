"""`actsearch inspect`: lists with filters, one birth, two runs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore, TrialRow
from actsearch.trials.account import read_account
from tests.cli.conftest import Command, ids, rows_of
from tests.runs.by_hand import by_hand


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--all",), [2, 1, 0, 5]),
        (("--births",), [0, 1, 2, 3, 4, 5, 6, 7]),
        (("--where", "score>0.61"), [2, 1]),
        (("--all", "--where", "score>0.6", "--where", "known!=none"), [1, 0]),
        (("--all", "--sort", "cost_ns"), [0, 2, 5, 1]),
        (("--all", "--sort", "-size", "--top", "2"), [2, 5]),
        (("--births", "--where", "status=duplicate"), [3]),
        (("--births", "--where", "operator=crossover", "--sort", "-id"), [7, 2]),
        (("--births", "--where", "parents~2"), [4, 5, 6, 7]),
        (("--births", "--where", "born_s>=1m"), [6, 7]),
        (("--births", "--where", "rediscoveries>0"), [1]),
        (("--births", "--where", "cost_ns<1", "--where", "score>0"), [0]),
        (("--where", "status=diverged"), [5]),
        (("--where", "status=OK", "--sort", "id"), [0, 1, 2]),
        (("--births", "--where", "status!=diverged", "--where", "trainings>0"), [0, 1, 2]),
        (("--rejected", "--where", "kind~guessed"), [7]),
        (("--rejected", "--sort", "-reason"), [6, 7, 4]),
    ],
)
def test_lists_are_filtered_and_sorted(
    arguments: tuple[str, ...], expected: list[int], actsearch: Command, runs_dir: Path
) -> None:
    assert ids(actsearch, *arguments) == expected


def test_what_was_left_out_is_counted(actsearch: Command, runs_dir: Path) -> None:
    out = actsearch("inspect", "first", "--where", "formula~sin").out
    assert "\n1 of 4 trained\n" in out
    out = actsearch("inspect", "first", "--births", "--where", "score>2").out
    assert "\nnone of 8 births passes the filters\n" in out


def test_a_cost_is_computed_where_it_is_asked_for(actsearch: Command, runs_dir: Path) -> None:
    assert "cost ns" not in actsearch("inspect", "first", "--all").out
    assert "cost ns" in actsearch("inspect", "first", "--all", "--sort", "cost_ns").out
    assert all(row["cost_ns"] > 0 for row in rows_of(actsearch, "--all"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "scor>1"), "did you mean 'score'"),
        (("--where", "score"), "is no filter"),
        (("--births", "--sort", "-sise"), "did you mean 'size'"),
        (("--births", "--all"), "--all and --births ask for different answers"),
        (("2", "--all"), "--all and the id 2 ask for different answers"),
        (("2", "--where", "score>1"), "--where is for lists"),
        (("--front", "--sort", "score"), "--sort is for lists"),
        (("first", "--rejected"), "--rejected and the run first"),
        (("frist",), "did you mean 'first'"),
        (("frist",), "behind RUN goes the ID of one of its births"),
        (("9" * 5000,), "unknown id 999"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: tuple[str, ...], said: str, actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch("inspect", "first", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert len(answer.err) < 1200


# -- one birth


def test_a_birth_has_its_relatives(actsearch: Command, runs_dir: Path) -> None:
    record = json.loads(actsearch("inspect", "first", "1", "--format", "json").out)
    assert [child["id"] for child in record["children"]] == [2, 3, 7]
    assert [same["id"] for same in record["same_function"]] == [3]
    assert record["rediscoveries"] == 1
    assert record["tree"] == ["silu", "└─ x"]
    assert record["properties"]["formula"] == "silu(x)"
    assert record["confirmation"] is None
    duplicate = json.loads(actsearch("inspect", "first", "3", "--format", "json").out)
    assert [same["id"] for same in duplicate["same_function"]] == [1]
    assert duplicate["born_s"] == 30.0


def confirm(folder: Path, scores: dict[str, list[float]], finalists: list[str]) -> None:
    """Add the trials of a confirmation to a run."""
    info = {"kind": "confirm", "finalists": finalists, "tasks": ["mnist1d-cnn"]}
    with RunStore.open(folder, write=True) as store, store.session(info):
        for formula, values in scores.items():
            for k, value in enumerate(values):
                store.add_trial(
                    TrialRow(
                        "mnist1d-cnn", "test", formula, 1_000_000 + k, "ok", value, {}, (), 1.0,
                        "cpu",
                    )
                )  # fmt: skip


def test_a_birth_has_what_confirmed_it(actsearch: Command, runs_dir: Path) -> None:
    scores = {
        "x*sin(x)": [0.70, 0.71, 0.72, 0.73, 0.74],
        "relu(x)": [0.60, 0.61, 0.62, 0.63, 0.64],
        "gelu(x)": [0.68, 0.69, 0.71, 0.71, 0.71],
    }
    confirm(runs_dir / "first", scores, ["x*sin(x)"])
    record = json.loads(actsearch("inspect", "first", "2", "--format", "json").out)
    found = record["confirmation"]
    assert (found["task"], found["split"], found["n"]) == ("mnist1d-cnn", "test", 5)
    assert found["is_finalist"]
    assert found["score"] == pytest.approx(0.72)
    assert (found["best_known"], found["n_pairs"]) == ("GELU", 5)
    assert found["difference"] == pytest.approx(0.02)
    assert found["low"] < 0.02 < found["high"]
    out = actsearch("inspect", "first", "2").out
    assert "confirmation\n  test accuracy 0.7200 ± 0.0071; 5 fresh seeds, task mnist1d-cnn\n" in out
    assert "+0.0200 [" in out
    assert "to GELU, the best of the known activations" in out
    of_known = json.loads(actsearch("inspect", "first", "0", "--format", "json").out)
    assert of_known["confirmation"]["n"] == 5
    assert not of_known["confirmation"]["is_finalist"]
    assert json.loads(actsearch("inspect", "first", "5", "--format", "json").out)[
        "confirmation"
    ] is None  # fmt: skip


def test_a_birth_is_held_against_the_rival_of_the_verdict(
    actsearch: Command, runs_dir: Path
) -> None:
    scores = {  # the mean of gelu is the highest, for its last seeds, and silu is nearest
        "x*sin(x)": [0.70, 0.71, 0.72, 0.73, 0.74],
        "gelu(x)": [0.67, 0.66, 0.67, 0.68, 0.68, 0.79, 0.79, 0.79],
        "silu(x)": [0.68, 0.68, 0.68, 0.69, 0.69],
        "relu(x)": [0.60, 0.61, 0.62, 0.63, 0.64],
    }
    confirm(runs_dir / "first", scores, ["x*sin(x)"])
    record = json.loads(actsearch("inspect", "first", "2", "--format", "json").out)
    trials = read_account(runs_dir / "first").trials
    assert trials is not None
    nearest = next(row for row in trials.verdict.rows if row.difference is not None)
    assert record["confirmation"]["best_known"] == nearest.name == "SiLU"
    assert record["confirmation"]["difference"] == pytest.approx(nearest.difference)
    assert record["confirmation"]["best_known_score"] == pytest.approx(0.684)


# -- two runs


@pytest.fixture
def second(runs_dir: Path) -> Path:
    """Return a run like ``first`` with another seed, in which one formula more has a score."""
    folder = runs_dir / "second"
    shutil.copytree(runs_dir / "first", folder)
    with by_hand(folder) as db:
        config = json.loads(db.execute("SELECT value FROM meta WHERE key = 'config'").fetchone()[0])
        config |= {"seed": 7, "budget": "10m"}
        db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (json.dumps(config),))
        db.execute("UPDATE trainings SET score = score + 0.01 WHERE birth_id = 2")
        db.execute("UPDATE trainings SET status = 'ok', score = 0.66 WHERE birth_id = 5")
    return folder


def test_two_runs_stand_beside_each_other(
    actsearch: Command, runs_dir: Path, second: Path, golden: Any
) -> None:
    answer = actsearch("inspect", "first", "second")
    assert (answer.code, answer.err) == (0, "")
    golden.check("inspect_first_second.txt", answer.out)
    named = actsearch("inspect", "first", str(second))
    assert named.out == answer.out


def test_two_runs_as_json_and_csv(actsearch: Command, runs_dir: Path, second: Path) -> None:
    found = json.loads(actsearch("inspect", "first", "second", "--format", "json").out)
    assert [(row["key"], row["a"], row["b"]) for row in found["differs"]] == [
        ("seed", 0, 7),
        ("budget", None, "10m"),
    ]
    assert found["compares"]
    assert (found["best"]["a"]["id"], found["best"]["b"]["id"]) == (2, 2)
    assert [(row["formula"], row["rank_a"], row["rank_b"]) for row in found["both"]] == [
        ("x*sin(x)", 1, 1),
        ("silu(x)", 2, 3),
        ("relu(x)", 3, 4),
    ]
    assert found["both"][0]["score_b"] - found["both"][0]["score_a"] == pytest.approx(0.01)
    last = found["times"][-1]
    assert last["what"] == "the best of first"
    assert (last["id_a"], last["born_s_a"], last["id_b"]) == (2, 20.0, 2)
    header, *rows = csv.reader(
        io.StringIO(actsearch("inspect", "first", "second", "--format", "csv").out)
    )
    assert header == ["key", "value"]
    assert ["runs.b", "second"] in rows
    assert ["compares", "true"] in rows


def test_scores_of_different_tasks_do_not_compare(
    actsearch: Command, runs_dir: Path, second: Path
) -> None:
    with by_hand(second) as db:
        config = {"task": "other", "score_name": "accuracy", "rungs": [{"name": "full"}]}
        db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (json.dumps(config),))
    found = json.loads(actsearch("inspect", "first", "second", "--format", "json").out)
    assert (found["compares"], found["why_not"], found["times"]) == (
        False,
        ["rungs", "score_name"],
        [],
    )
    out = actsearch("inspect", "first", "second").out
    assert "the scores do not compare, as these settings differ: rungs, score_name\n" in out


def test_a_number_is_an_id_and_a_path_is_a_run(
    actsearch: Command, runs_dir: Path, second: Path
) -> None:
    second.rename(runs_dir / "2")
    assert actsearch("inspect", "first", "2").out.startswith("property")
    assert actsearch("inspect", "first", str(runs_dir / "2")).out.startswith("configurations")


def test_a_birth_says_why_its_trials_failed(actsearch: Command, runs_dir: Path) -> None:
    confirm(runs_dir / "first", {"x*sin(x)": [0.7, 0.71], "relu(x)": [0.6, 0.61]}, ["x*sin(x)"])
    with RunStore.open(runs_dir / "first", write=True) as store:
        why = "the process that trains is gone"
        row: Any = (
            "mnist1d-cnn",
            "test",
            "relu(x)",
            1_000_002,
            "crashed",
            None,
            {},
            (),
            1.0,
            "",
            why,
        )
        store.add_trial(TrialRow(*row))
    said = "without a score: 1 crashed; most often: the process that trains is gone"
    assert f"  {said}\n" in actsearch("inspect", "first", "0").out
    assert said not in actsearch("inspect", "first", "2").out
    judged = stored_verdict_of(runs_dir / "first")
    assert judged.unscored == f"{said} (see: actsearch inspect first 0 --runs-dir {runs_dir})"


def stored_verdict_of(folder: Path) -> Any:
    from actsearch.trials.stored import stored_verdict

    with RunStore.open(folder) as store:
        found = stored_verdict(store)
    assert found is not None
    return found.verdict
