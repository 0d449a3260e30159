"""`confirm` and `compare`: what they print, in every format, and what they say of bad input."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.compare import remarks
from actsearch.runs import RunStore
from actsearch.tasks import load_task
from actsearch.trials.compare import Comparison
from actsearch.trials.entries import Entry
from tests.cli.conftest import Command
from tests.conftest import Golden
from tests.trials.conftest import BRED, GIVEN, SMALL_ZOO
from tests.trials.simulated import make_run, race

TASK = """
from tests.trials.simulated import NoisyTask

def make_task():
    return NoisyTask({"x*sin(x)": 0.6, "gelu(x)": 0.55, "relu(x)": 0.5})

def make_other():
    return NoisyTask({"gelu(x)": 0.7}, name="elsewhere")
"""


@pytest.fixture
def task_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with two tasks, in a fresh working directory that has a run of the first."""
    monkeypatch.chdir(tmp_path)
    for room in ("confirm", "judged"):
        monkeypatch.setattr(f"actsearch.trials.{room}.rivals_of", lambda *_: dict(SMALL_ZOO))
    path = tmp_path / "noisy.py"
    path.write_text(TASK)
    load_task(f"{path}:make_task")  # the user named it, as by searching with it
    make_run(tmp_path / "runs" / "first", BRED, GIVEN, spec=f"{path}:make_task")
    return path


def n_trials() -> int:
    with RunStore.open(Path("runs/first")) as store:
        return len(store.trials())


def test_confirm_prints_a_table_and_a_verdict(
    task_file: Path, actsearch: Command, golden: Golden
) -> None:
    answer = actsearch("confirm", "first", "--workers", "inline")
    assert answer.code == 0, answer
    golden.check("confirm_first.txt", answer.out)
    assert "look 1: 0 of 30 trials" in answer.err
    assert n_trials() == 45


def test_confirm_prints_what_is_clear_without_training(task_file: Path, actsearch: Command) -> None:
    first = actsearch("confirm", "first", "--workers", "inline", "--quiet")
    assert first.err == ""
    with sqlite3.connect("runs/first/run.sqlite") as db:
        before = db.execute("SELECT COUNT(*) FROM sessions").fetchone()
    again = actsearch("confirm", "first", "--workers", "inline")
    assert again == first
    with sqlite3.connect("runs/first/run.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM sessions").fetchone() == before


def test_confirm_as_json_and_csv_with_another_task(task_file: Path, actsearch: Command) -> None:
    more = (
        "--workers",
        "1",
        "--quiet",
        "--transfer",
        f"{task_file}:make_other",
        "--finalists",
        "2",
    )
    answer = actsearch("confirm", "first", *more, "--format", "json")
    assert answer.code == 0, answer
    found = json.loads(answer.out)
    assert (found["run"], found["task"], found["split"]) == ("first", "noisy", "validation")
    assert found["winner"] == "x*sin(x)"
    assert found["is_clear"] is True
    assert [row["name"] for row in found["rows"][:2]] == ["x*sin(x)", "GELU"]
    assert found["rows"][1]["holm_p"] <= 0.05
    (there,) = found["transfer"]
    assert (there["task"], there["winner"]) == ("elsewhere", None)
    assert there["sentence"].startswith("On elsewhere, which the search did not use")
    rows = list(
        csv.DictReader(io.StringIO(actsearch("confirm", "first", *more, "--format", "csv").out))
    )
    assert len(rows) == 10
    assert {row["task"] for row in rows} == {"noisy", "elsewhere"}
    assert float(rows[1]["difference"]) == found["rows"][1]["difference"]


def test_confirm_says_how_to_go_on_after_an_interruption(
    task_file: Path, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = RunStore.add_trial
    count = iter(range(100))

    def interrupted(store: RunStore, row: Any) -> None:
        if next(count) == 5:
            raise KeyboardInterrupt
        whole(store, row)

    monkeypatch.setattr(RunStore, "add_trial", interrupted)
    answer = actsearch("confirm", "first", "--workers", "inline", "--quiet")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.endswith("go on with: actsearch confirm first --workers inline\n")
    assert n_trials() == 5
    monkeypatch.setattr(RunStore, "add_trial", whole)
    assert actsearch("confirm", "first", "--workers", "inline", "--quiet").code == 0
    assert n_trials() == 45


def test_the_command_to_go_on_with_has_the_options_that_were_given(
    task_file: Path, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("actsearch.trials.confirm.confirm", interrupted)
    words = (
        f"first --budget 1h --finalists 2 --transfer mnist-mlp,{task_file}:make_other "
        "--workers inline --devices cpu --data my-data"
    )
    answer = actsearch("confirm", *words.split(), "--quiet")
    assert answer.err.endswith(f"go on with: actsearch confirm {words}\n")
    assert actsearch("confirm", "first", "--quiet").err.endswith("actsearch confirm first\n")
    (task_file.parent / "my runs").symlink_to(task_file.parent / "runs")
    answer = actsearch("confirm", "first", "--runs-dir", "my runs", "--quiet")
    assert answer.err.endswith("actsearch confirm first --runs-dir 'my runs'\n")


def test_a_table_says_who_is_better(task_file: Path, actsearch: Command, golden: Golden) -> None:
    more = ("--transfer", f"{task_file}:make_other", "--workers", "inline", "--quiet")
    answer = actsearch("confirm", "first", *more)
    assert answer.code == 0, answer
    (gelu,) = (line for line in answer.out.splitlines() if line.endswith("is better"))
    assert gelu.startswith("GELU ")
    golden.check("confirm_transfer.txt", answer.out)


def test_compare_prints_a_table(task_file: Path, actsearch: Command, golden: Golden) -> None:
    answer = actsearch(
        "compare", "relu", "gelu", "first:3", "--task", f"{task_file}:make_task",
        "--workers", "inline", "--plot", "curves.png",
    )  # fmt: skip
    assert answer.code == 0, answer
    golden.check("compare.txt", answer.out)
    assert "drawn: curves.png" in answer.err
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_drawn_loses_no_table(task_file: Path, actsearch: Command) -> None:
    Path("curves.png").mkdir()
    answer = actsearch(
        "compare", "relu", "gelu", "--task", f"{task_file}:make_task", "--workers", "inline",
        "--plot", "curves.png",
    )  # fmt: skip
    assert answer.code == 1
    assert "'curves.png' can't be written" in answer.err
    assert "GELU" in answer.out
    assert "6 seeds that no search uses" in answer.out


def test_compare_with_a_target_shows_steps(
    actsearch: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Comparison(
        task="noisy",
        split="validation",
        score_name="validation accuracy",
        seeds=tuple(range(6)),
        reference="gelu(x)",
        chosen_baseline=False,
        until="train-error=0.25",
        learning_rates=(),
        entries=tuple(race()),
    )
    monkeypatch.setattr("actsearch.trials.compare.compare", lambda *_args, **_options: made)
    words = ("compare", "relu", "gelu", "--until", "train-error=0.25", "--quiet")
    golden.check("compare_until.txt", actsearch(*words).out)
    found = json.loads(actsearch(*words, "--format", "json").out)["entries"][1]
    assert found["difference"] is None
    assert found["steps_ratio_low"] < found["steps_ratio"] < found["steps_ratio_high"]
    (_, row, *_) = csv.DictReader(io.StringIO(actsearch(*words, "--format", "csv").out))
    assert float(row["steps_ratio"]) == found["steps_ratio"]
    assert row["difference"] == ""


def test_compare_says_why_there_is_no_score_and_which_rates_lie_at_the_end() -> None:
    def entry(name: str, mean: float | None, rate: float | None) -> Entry:
        failure = None if mean is not None else "diverged: the loss is not finite"
        n = 0 if mean is None else 2
        return Entry(name, name, mean, None, n, 2 - n, failure, learning_rate=rate)

    made = Comparison(
        task="t", split="validation", score_name="validation accuracy", seeds=(0, 1),
        reference="a", chosen_baseline=False, until=None, learning_rates=(0.1, 0.2, 0.4),
        entries=(entry("a", 0.5, 0.2), entry("b", 0.4, 0.4), entry("c", None, 0.1)),
    )  # fmt: skip
    said = remarks(made)
    assert "chosen at an end of the list, so try further ones: b" in said
    why = "c: 2 of 2 trainings without a score, the first: diverged: the loss is not finite"
    assert why in said
    nothing = dataclasses.replace(made, entries=made.entries[2:])
    assert remarks(nothing) == ["no training gave a score", why]


def test_compare_as_json_and_csv(task_file: Path, actsearch: Command) -> None:
    task = f"{task_file}:make_task"
    words = ("compare", "relu", "gelu", "--task", task, "--seeds", "3", "--workers", "inline",
             "--quiet", "--baseline", "relu")  # fmt: skip
    found = json.loads(actsearch(*words, "--format", "json").out)
    assert found["reference"] == "ReLU"
    assert [entry["name"] for entry in found["entries"]] == ["GELU", "ReLU"]
    assert len(found["entries"][0]["scores"]) == 3
    assert found["entries"][0]["curve"][-1]["step"] == 2
    answer = actsearch(*words, "--format", "csv")
    assert answer.err == ""
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [row["name"] for row in rows] == ["GELU", "ReLU"]
    assert float(rows[0]["difference"]) == found["entries"][0]["difference"]


CASES = [
    (("confirm",), "RUN"),
    (("confirm", "frist"), "did you mean 'first'"),
    (("confirm", "first", "--budget", "5"), "5s or 5m"),
    (("confirm", "first", "--finalists", "0"), "'--finalists'"),
    (("confirm", "first", "--transfer", "mnist1d-mpl"), "did you mean 'mnist1d-mlp'"),
    (("confirm", "first", "--format", "jsn"), "did you mean 'json'"),
    (("confirm", "first", "--workers", "0"), "auto, inline, or a number"),
    (("compare",), "A B"),
    (("compare", "relu"), "two activations or more"),
    (("compare", "relu", "geluu"), "did you mean 'GELU'"),
    (("compare", "relu", "silu(x)*o"), "overlaps are of fully connected layers"),
    (("compare", "relu", "first:99"), "births 0 to 7"),
    (("compare", "relu", "frist:1"), "did you mean 'first'"),
    (("compare", "relu", "gelu", "--task", "mnist1d"), "did you mean 'mnist1d-"),
    (("compare", "relu", "gelu", "--seeds", "1"), "seeds must be from 2"),
    (("compare", "relu", "gelu", "--until", "soon"), "METRIC=VALUE"),
    (("compare", "relu", "gelu", "--learning-rate", "fast"), "0.001,0.003,0.01"),
    (("compare", "relu", "gelu", "--steps", "0"), "steps must be at least 1"),
    (("compare", "relu", "gelu", "--baseline", "elu"), "unknown baseline 'elu'"),
    (("compare", "relu", "gelu", "--plot", "curves.jpg"), ".png"),
    (("compare", "relu", "-x"), "--"),
]


@pytest.mark.parametrize(("arguments", "hint"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], hint: str, actsearch: Command, task_file: Path
) -> None:
    answer = actsearch(*arguments)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.count("actsearch: error: ") == 1
    assert hint in answer.err
    assert len(answer.err) < 1500
