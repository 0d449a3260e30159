"""The commands that read: what a person sees, and that machines can read it too."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest

from actsearch.expressions import KNOWN, Expression, parse
from actsearch.results.hall import PENALTY_NOTE
from actsearch.results.properties import Section
from actsearch.results.standing import standing
from actsearch.results.view import known_fingerprints
from actsearch.runs import Birth, RunStore
from actsearch.tasks.joint import SCORE_NAME
from tests.cli.conftest import Command, training
from tests.runs.by_hand import by_hand

READING = [
    ("runs",),
    ("inspect", "first"),
    ("inspect", "first", "--all"),
    ("inspect", "first", "--births"),
    ("inspect", "first", "--rejected"),
    ("inspect", "first", "2"),
    ("analyze", "relu(x)"),
    ("tasks",),
    ("spaces",),
    ("data",),
    ("doctor",),
]


def slug(arguments: tuple[str, ...]) -> str:
    return "_".join(argument.strip("-") for argument in arguments)


def some_sections(expression: Any, _found: Any, known: str | None) -> tuple[Section, ...]:
    """Stand for the analysis, whose findings are tested where it lives."""
    return (Section("identity", (("formula", str(expression)), ("known as", known or "no name"))),)


@pytest.fixture
def no_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put something short in place of the properties of a formula."""
    monkeypatch.setattr(Expression, "analyze", lambda _expression: None)
    monkeypatch.setattr("actsearch.cli.analyze.properties", lambda one, _: {"formula": str(one)})
    monkeypatch.setattr("actsearch.results.properties.sections", some_sections)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("inspect", "first"),
        ("inspect", "first", "--top", "1"),
        ("inspect", "first", "--all"),
        ("inspect", "first", "--births"),
        ("inspect", "first", "--rejected"),
        ("inspect", "first", "2"),
        ("inspect", "first", "3"),
        ("inspect", "first", "5"),
    ],
    ids=slug,
)
def test_tables_look_as_approved(
    arguments: tuple[str, ...],
    actsearch: Command,
    runs_dir: Path,
    golden: Any,
    no_analysis: None,
) -> None:
    answer = actsearch(*arguments)
    assert (answer.code, answer.err) == (0, "")
    golden.check(f"{slug(arguments)}.txt", answer.out)


@pytest.mark.parametrize("arguments", READING, ids=slug)
def test_json_is_alone_on_standard_output(
    arguments: tuple[str, ...], actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch(*arguments, "--format", "json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)
    assert answer.out.isascii()
    assert answer.err == ""


@pytest.mark.parametrize("arguments", READING, ids=slug)
def test_csv_has_a_header_and_even_rows(
    arguments: tuple[str, ...], actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch(*arguments, "--format", "csv")
    assert answer.code == 0, answer.err
    header, *rows = csv.reader(io.StringIO(answer.out))
    assert rows
    assert {len(row) for row in rows} == {len(header)}


def test_scores_in_json_are_not_rounded(actsearch: Command, runs_dir: Path) -> None:
    (first, *_) = json.loads(actsearch("inspect", "first", "--format", "json").out)
    assert first["id"] == 2
    assert first["score"] == pytest.approx(0.677, abs=1e-15)
    assert first["gain_over_relu"] == pytest.approx(0.072)
    assert first["gain_standard_error"] == pytest.approx(0.001)


def test_a_birth_in_json_has_its_lineage_and_curves(actsearch: Command, runs_dir: Path) -> None:
    record = json.loads(actsearch("inspect", "first", "2", "--format", "json").out)
    assert [ancestor["id"] for ancestor in record["lineage"]] == [2, 0, 1]
    assert record["trainings"][0]["curve"][-1] == [30, 1.1, 0.671]
    assert record["derivative"]


def test_a_duplicate_shows_the_trainings_of_what_it_is(actsearch: Command, runs_dir: Path) -> None:
    record = json.loads(actsearch("inspect", "first", "3", "--format", "json").out)
    assert record["same_as"] == 1
    assert record["known_as"] == "SiLU"
    assert [training["score"] for training in record["trainings"]] == [0.640, 0.648]


def test_a_rejected_birth_can_be_inspected(actsearch: Command, runs_dir: Path) -> None:
    record = json.loads(actsearch("inspect", "first", "6", "--format", "json").out)
    assert record["status"] == "rejected"
    assert record["reason"] == "not a formula"
    assert record["trainings"] == []


def test_of_the_rejected_as_many_are_listed_as_asked_for(
    actsearch: Command, runs_dir: Path
) -> None:
    listed = [
        json.loads(actsearch("inspect", "first", "--rejected", *more, "--format", "json").out)
        for more in ((), ("--top", "2"))
    ]
    assert [row["id"] for row in listed[0]] == [4, 6, 7]
    assert listed[1] == listed[0][:2]


def test_scores_of_several_tasks_have_a_unit_and_are_told_one_by_one(
    actsearch: Command, runs_dir: Path
) -> None:
    config = {
        "space": "default", "task": "a+b", "seed": 0, "score_name": SCORE_NAME,
        "rungs": [{"name": "full", "steps": 30, "seeds": [0]}],
    }  # fmt: skip
    metrics = {"a: score": 0.75, "a: gain": 2.0, "b: score": 0.5, "b: gain": 1.0}
    with RunStore.create(runs_dir / "joint", config, {}) as store, store.session({}):
        store.add_births([Birth(0, "seed", (), "sin(x)", "f", "accepted", size=2)])
        store.add_training(dataclasses.replace(training(0, 0, 1.5), metrics=metrics))
    assert (
        "\nscore (n): mean standardised gain over ReLU, in standard deviations of ReLU's scores "
        "between seeds; mean ± standard error of n trainings at the rung full\n"
    ) in actsearch("inspect", "joint").out
    one = actsearch("inspect", "joint", "0").out
    assert "by task" in one
    assert "a 0.7500, b 0.5000" in one
    assert "by task" not in actsearch("inspect", "first", "2").out


def test_a_run_may_be_named_by_its_folder(
    actsearch: Command, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    assert actsearch("inspect", str(runs_dir / "first")).code == 0
    assert actsearch("inspect", "first", "--runs-dir", str(runs_dir)).code == 0
    monkeypatch.setenv("ACTSEARCH_RUNS", str(runs_dir))
    assert actsearch("inspect", "first").code == 0


def test_runs_come_latest_first_and_a_broken_one_does_not_hide_the_rest(
    actsearch: Command, runs_dir: Path
) -> None:
    broken = runs_dir / "broken"
    broken.mkdir()
    (broken / "run.sqlite").write_bytes(b"no database")
    answer = actsearch("runs", "--format", "json")
    assert [(row["run"], row["state"]) for row in json.loads(answer.out)] == [
        ("first", "ended"),
        ("broken", "broken"),
    ]
    assert "broken" in answer.err


def row(rank: int, score: float, n: int, known: str | None = None, rung: str = "full") -> Any:
    return {
        "rank": rank, "id": 10 * rank, "score": score, "standard_error": None, "n": n,
        "known": known, "rung": rung,
    }  # fmt: skip


def test_a_known_leader_is_not_said_to_be_above_what_scored_more_with_fewer_seeds() -> None:
    """Of those with several seeds the highest is named first: one seed is nearly nothing."""
    leader = row(1, 0.90, 8, "GELU")
    below = [row(2, 0.89, 4), row(3, 0.99, 1, rung="short"), row(4, 0.95, 1, "ReLU")]
    assert standing([leader, *below]) == (
        "GELU leads: nothing new that was trained as long scored above it."
    )
    said = "GELU, with 8 seeds, leads by score less error; birth {}"
    assert standing([leader, row(2, 0.91, 4), row(3, 0.92, 2), row(4, 0.99, 1)]) == (
        said.format("30, at rank 3, scored above it with 2 seeds.")
    )
    assert standing([leader, row(2, 0.89, 4), row(3, 0.92, 1)]) == (
        said.format("30, at rank 3, scored above it with one seed.")
    )


def test_no_runs_are_said_to_be_none(
    actsearch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = actsearch("runs")
    assert (answer.code, answer.out) == (0, "")
    assert "actsearch search" in answer.err
    assert json.loads(actsearch("runs", "--format", "json").out) == []


@pytest.mark.parametrize("text", ["GELU", "gelu", "gelu(x)", " Gelu "])
def test_a_formula_is_recognised(text: str, actsearch: Command) -> None:
    record = json.loads(actsearch("analyze", text, "--format", "json").out)
    assert record["known_as"] == "GELU"


def test_a_formula_is_drawn_on_request(actsearch: Command, tmp_path: Path) -> None:
    answer = actsearch("analyze", "gelu", "--plot", str(tmp_path / "gelu.svg"), "--format", "json")
    assert json.loads(answer.out)["known_as"] == "GELU"
    assert (tmp_path / "gelu.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert "gelu.svg" in answer.err


def test_a_formula_may_begin_with_a_minus(actsearch: Command) -> None:
    record = json.loads(actsearch("analyze", "--format", "json", "--", "-x").out)
    assert record["formula"] == "-x"


def test_a_penalty_is_shown_where_one_counted(actsearch: Command, runs_dir: Path) -> None:
    assert "penalty" not in actsearch("inspect", "first").out
    with by_hand(runs_dir / "first") as db:
        db.execute("UPDATE births SET penalty = 0.05 WHERE id = 2")
    shown = actsearch("inspect", "first").out.splitlines()
    assert shown[2].split()[:5] == ["rank", "id", "formula", "score", "(n)"]
    assert shown[2].split()[5] == "penalty"
    assert shown[4].split()[:3] == ["1", "1", "silu(x)"]
    cells = ["2", "2", "x*sin(x)", "0.6770", "±", "0.0060", "(2)", "0.0500"]
    assert shown[5].split()[:8] == cells
    assert PENALTY_NOTE in shown
    assert "penalty" in actsearch("inspect", "first", "2").out
    rows = json.loads(actsearch("inspect", "first", "--format", "json").out)
    assert [(row["id"], row["penalty"]) for row in rows] == [(1, 0), (2, 0.05), (0, 0)]


def test_learned_parameters_are_shown_by_layer(
    actsearch: Command, runs_dir: Path, golden: Any, no_analysis: None
) -> None:
    config = {
        "space": "default", "task": "mnist1d-cnn", "seed": 0, "score_name": "validation accuracy",
        "rungs": [{"name": "short", "steps": 9, "seeds": [0]},
                  {"name": "full", "steps": 30, "seeds": [0, 1]}],
    }  # fmt: skip
    formulas = ("p1*x*sigmoid(p0*x); p0=1.5", "p3*x*sigmoid(p2*x); p2=1.5, per channel")
    with RunStore.create(runs_dir / "learned", config, {}) as store, store.session({}):
        for id_, formula in enumerate(formulas):
            fingerprint = parse(formula).fingerprint()
            store.add_births([Birth(id_, "seed", (), formula, fingerprint, "accepted", size=7)])
        for seed, first in ((0, 1.25), (1, 1.75)):
            metrics = {"p0[0]": first, "p1[0]": 0.5, "p0[1]": -first, "p1[1]": 0.75}
            row = dataclasses.replace(training(0, seed, 0.7), metrics=metrics)
            store.add_training(row)
            spread = {"p2_sd[0]": 0.125} if seed else {}
            metrics = {"p2[0]": first, "p3[0]": 1.0} | spread
            store.add_training(dataclasses.replace(training(1, seed, 0.6), metrics=metrics))
        store.add_training(
            dataclasses.replace(training(0, 0, 0.1), metrics={"p0[0]": 9.0}, rung="short")
        )
    for one in ("0", "1"):
        golden.check(f"inspect_learned_{one}.txt", actsearch("inspect", "learned", one).out)
    record = json.loads(actsearch("inspect", "learned", "0", "--format", "json").out)
    assert record["learned"][0] == {
        "parameter": "p0", "layer": 0, "start": 1.5, "mean": 1.5,
        "deviation": pytest.approx(0.5**1.5), "channel_deviation": None, "n": 2,
        "values": [[0, 1.25], [1, 1.75]], "task": "",
    }  # fmt: skip
    assert len(record["learned"]) == 4
    plain = json.loads(actsearch("inspect", "first", "2", "--format", "json").out)
    assert plain["learned"] == []
    assert "learned" in actsearch("inspect", "learned", "0", "--format", "csv").out


def test_a_known_activation_is_known_by_its_former_formula() -> None:
    former = parse("relu(x) - 0.25*p0*relu(-x)").fingerprint()
    assert known_fingerprints(KNOWN)[former] == "PReLU"
    assert known_fingerprints(KNOWN)[parse(KNOWN["PReLU"]).fingerprint()] == "PReLU"
