"""`diagnose`: what it prints, in every format, what it draws, and what it says of bad input."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest

from actsearch.cli.diagnose import COLUMNS
from actsearch.cli.main import run
from actsearch.plots.diagnosis import plot_diagnosis
from actsearch.results.diagnosis import (
    Diagnosis,
    Finding,
    layer_findings,
    looked,
    reaches,
    sentences,
)
from actsearch.results.tables import Format, write_rows
from tests.cli.conftest import Command
from tests.conftest import Golden
from tests.results.test_diagnosis import metrics

HOSTILE = "x*[red]$\\frac$\x1b[31m</b>"

TASK = """
from tests.trials.test_diagnose import shell_task
from tests.tasks.conftest import tiny_task

def make_task():
    return shell_task()

def make_shallow():
    return tiny_task()
"""


@pytest.fixture
def task_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with two tasks, one whose network takes a depth, in a fresh directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shells.py"
    path.write_text(TASK)
    return path


def finding(name: str, n_layers: int, *, fails: int = 0, fade: float = 0.5) -> Finding:
    """Return a finding in which each layer has ``fade`` of the next one's gradient."""
    looks = []
    for seed in (0, 1):
        measures: dict[str, float] = {}
        for step in (0, 3, 20):
            values = [
                {
                    "dead_units": 0.04 * layer * step / 20,
                    "saturated": 0.5,
                    "gradient": 0.2 * (1 + seed) * fade ** (n_layers - 1 - layer),
                    "output_mean": 0.4 - 0.01 * layer if fade > 0.1 else -1e-5,
                    "output_deviation": 0.8,
                    "zeros": 0.48 + 0.02 * seed,
                    "near_zero": 0.5,
                }
                for layer in range(n_layers)
            ]
            measures |= metrics(*values, step=step)
        looks.append(looked(measures))
    layers, reach = layer_findings(looks), reaches(looks)
    return Finding(
        name=name, formula=name, depth=n_layers, learning_rate=0.03,
        mean=None if fails == 2 else 0.8125, standard_error=None if fails else 0.0125,
        n=2 - fails, n_failed=fails, failure="diverged: the loss is nan" if fails else None,
        layers=layers, reach=reach, sentences=sentences(layers, reach),
    )  # fmt: skip


def diagnosis() -> Diagnosis:
    unseen = dataclasses.replace(
        finding(HOSTILE, 2, fails=2), layers=(), reach=(), sentences=(), learning_rate=None
    )
    return Diagnosis(
        task="shells",
        score_name="validation accuracy",
        seeds=(0, 1),
        looks=(0, 3, 20, 50),
        initialisation="lecun",
        findings=(finding("ReLU", 3), finding("tanh", 9, fails=1, fade=0.1), unseen),
    )


def test_the_table_has_a_block_an_activation(
    actsearch: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch, task_file: Path
) -> None:
    monkeypatch.setattr("actsearch.trials.diagnose.diagnose", lambda *_, **__: diagnosis())
    answer = actsearch("diagnose", "relu", "--quiet", "--plot", "layers.svg")
    assert answer.code == 0, answer
    assert answer.err == "drawn: layers.svg\n"
    assert "\x1b" not in answer.out
    tables = [line for line in answer.out.splitlines() if not line.startswith(("-", "mean"))]
    assert max(map(len, tables)) <= 80
    golden.check("diagnose.txt", answer.out)


def test_a_table_of_dead_layers_fits_the_terminal() -> None:
    layer = diagnosis().findings[0].layers[0]
    dead = dataclasses.replace(
        layer, dead_units=1.0, saturated=1.0, zeros=1.0, near_zero=1.0, output_mean=-310.497,
        output_deviation=1396.129,
    )  # fmt: skip
    sink = io.StringIO()
    write_rows(COLUMNS, [vars(dead), vars(dead) | {"zeros": 0.999}], Format.TABLE, sink)
    assert max(map(len, sink.getvalue().splitlines())) <= 80


def test_a_network_is_looked_into(task_file: Path, actsearch: Command) -> None:
    words = (
        "diagnose", "relu", "sigmoid", "--task", f"{task_file}:make_task", "--depth", "2,3",
        "--steps", "6", "--points", "3", "--seeds", "1", "--workers", "inline", "--learning-rate",
        "0.01", "--initialisation", "lecun",
    )  # fmt: skip
    table = actsearch(*words)
    assert table.code == 0, table
    assert "of 4 trainings" in table.err
    assert table.out.count("layer  ") == 4
    assert "sigmoid, depth 3, learning rate 0.01, validation accuracy " in table.out
    assert "blobs, 6 steps, mean of 1 seed, weights without a gain in all" in table.out

    found = json.loads(actsearch(*words, "--quiet", "--format", "json").out)
    assert (found["task"], found["looks"], len(found["findings"])) == ("blobs", [0, 1, 6], 4)
    last = found["findings"][3]
    assert (last["name"], last["depth"], len(last["layers"])) == ("sigmoid", 3, 9)

    answer = actsearch(*words, "--quiet", "--format", "csv")
    assert answer.err == ""
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(rows) == 2 * (2 + 3) * 3
    (row,) = (
        one
        for one in rows
        if (one["name"], one["depth"], one["step"], one["layer"]) == ("sigmoid", "3", "6", "2")
    )
    assert row["initialisation"] == "lecun"
    assert float(row["output_mean"]) == last["layers"][-1]["output_mean"]


def test_the_start_has_no_score(task_file: Path, actsearch: Command) -> None:
    words = (
        "--steps",
        "0",
        "--seeds",
        "1",
        "--workers",
        "inline",
        "--plot",
        "start.svg",
        "--quiet",
    )
    answer = actsearch("diagnose", "relu", "--task", f"{task_file}:make_task", *words)
    assert answer.code == 0, answer
    assert answer.out.startswith("ReLU\nlayer")
    assert "blobs, before the first step, mean of 1 seed, " in answer.out


def test_pictures_are_drawn_and_always_the_same(tmp_path: Path) -> None:
    one = dataclasses.replace(diagnosis(), findings=diagnosis().findings[:1])
    for name in ("a.svg", "b.svg", "c.png"):
        plot_diagnosis(one, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    text = (tmp_path / "a.svg").read_text()
    assert "gradient by an output" in text
    assert "ReLU" in text
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_drawn_loses_no_table(task_file: Path, actsearch: Command) -> None:
    Path("layers.png").mkdir()
    answer = actsearch(
        "diagnose", "relu", "--task", f"{task_file}:make_task", "--steps", "1", "--seeds", "1",
        "--workers", "inline", "--plot", "layers.png",
    )  # fmt: skip
    assert answer.code == 1
    assert "'layers.png' can't be written" in answer.err
    assert "1 step, mean of 1 seed," in answer.out


CASES = [
    ((), "A [B ...]"),
    (("geluu",), "did you mean 'GELU'"),
    (("relu", "frist:1"), "unknown run 'frist'"),
    (("relu", "--task", "mnist1d-mpl"), "did you mean 'mnist1d-mlp'"),
    (("max(x, u)", "--task", "mdn"), "give x alone"),
    (("relu", "--task", "mdn", "--depth", "4"), "takes no depth"),
    (("max(x, u)", "--task", "{file}:make_shallow"), "give x alone"),
    (("relu", "--task", "{file}:make_shallow", "--depth", "4"), "let the network of your own"),
    (("relu", "--depth", "0"), "1 or more layers"),
    (("relu", "--depth", "4,deep"), "--depth takes whole numbers, as in 8 or 4,8,16; got 'deep'"),
    (("relu", "--depth", "5000"), "from 1 to 256"),
    (("relu", "--task", "mnist-cnn", "--depth", "2"), "3 or more, got 2"),
    (("relu", "--learning-rate", "0"), "above 0"),
    (("relu", "--learning-rate", "fast"), "0.001,0.003,0.01"),
    (("relu", "--initialisation", "hee"), "did you mean 'he'"),
    (("relu", "--steps", "-1"), "steps must be 0"),
    (("relu", "--points", "1"), "points must be from 2"),
    (("relu", "--seeds", "0"), "seeds must be from 1"),
    (("relu", "--workers", "0"), "auto, inline, or a number"),
    (("relu", "--format", "jsn"), "did you mean 'json'"),
    (("relu", "--plot", "layers.jpg"), ".png"),
    (("-x",), "--"),
]


@pytest.mark.parametrize(("words", "hint"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_bad_input_is_one_message_and_exit_code_2(
    words: tuple[str, ...], hint: str, actsearch: Command, task_file: Path
) -> None:
    answer = actsearch("diagnose", *(word.format(file=task_file) for word in words))
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.count("actsearch: error: ") == 1
    assert hint in answer.err
    assert len(answer.err) < 1500


def test_help_tells_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "--help"]) == 0
    out = capsys.readouterr().out
    for option in ("--depth", "--learning-rate", "--initialisation", "--points", "--plot"):
        assert option in out
