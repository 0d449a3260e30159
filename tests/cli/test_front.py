"""`actsearch inspect RUN --front`: what a person sees, and that machines can read it too."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli import inspect
from tests.cli.conftest import Command
from tests.runs.by_hand import by_hand

COSTS = {"relu(x)": 0.412, "silu(x)": 1.1, "x*sin(x)": 1.98}


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put figures in place of what this machine would measure."""

    def known(formulas: Sequence[str]) -> list[float]:
        return [COSTS[formula] for formula in formulas]

    monkeypatch.setattr(inspect, "measured_costs", known)
    monkeypatch.setattr(inspect, "other_load", str)


def test_the_table_looks_as_approved(
    actsearch: Command, runs_dir: Path, costs: None, golden: Any
) -> None:
    answer = actsearch("inspect", "first", "--front")
    assert (answer.code, answer.err) == (0, "")
    golden.check("inspect_first_front.txt", answer.out)


def test_json_and_csv_have_the_same_rows(actsearch: Command, runs_dir: Path, costs: None) -> None:
    rows = json.loads(actsearch("inspect", "first", "--front", "--format", "json").out)
    assert [(row["id"], row["cost_ns"], row["pick"]) for row in rows] == [
        (2, 2.0, True),
        (1, 1.1, False),
        (0, 0.41, False),
    ]
    text = actsearch("inspect", "first", "--front", "--format", "csv").out
    assert [row["formula"] for row in csv.DictReader(io.StringIO(text))] == [
        row["formula"] for row in rows
    ]


def test_costs_are_measured(actsearch: Command, runs_dir: Path) -> None:
    rows = json.loads(actsearch("inspect", "first", "--front", "--format", "json").out)
    assert rows
    assert all(math.isfinite(row["cost_ns"]) and row["cost_ns"] > 0 for row in rows)


@pytest.mark.parametrize("other", ["2", "--all", "--rejected"])
def test_front_stands_alone(other: str, actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("inspect", "first", "--front", other)
    assert answer.code == 2
    assert "--front" in answer.err
    assert other in answer.err


def test_what_an_earlier_version_wrote_stands_aside(
    actsearch: Command, runs_dir: Path, costs: None
) -> None:
    with by_hand(runs_dir / "first") as db:
        db.execute("UPDATE births SET formula = 'gone(x)' WHERE id = 2")
    answer = actsearch("inspect", "first", "--front", "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    assert [row["id"] for row in json.loads(answer.out)] == [1, 0]


def test_costs_that_other_work_spoiled_are_doubted(
    actsearch: Command, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect, "measured_costs", lambda formulas: [1.0 for _ in formulas])
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (0.9, 3.0, 3.0))
    assert actsearch("inspect", "first", "--front").err == ""
    monkeypatch.setattr("os.getloadavg", lambda: (3.25, 0.0, 0.0))
    answer = actsearch("inspect", "first", "--front", "--format", "json")
    assert json.loads(answer.out)
    assert "this machine is busy (load 3.2 on 2 cores): costs are measured" in answer.err
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    dear = {**COSTS, "relu(x)": 2.5}
    monkeypatch.setattr(inspect, "measured_costs", lambda formulas: [dear[f] for f in formulas])
    answer = actsearch("inspect", "first", "--front")
    assert "relu(x) was measured dearer (2.5 ns) than silu(x) (1.1 ns)" in answer.err
    assert "relu(x)" not in answer.out.partition("\n\n")[0]
