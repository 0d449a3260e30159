"""`actsearch analyze`: sections for people, all fields for machines, births of runs."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest

from actsearch.expressions import parse
from actsearch.expressions.analysis import Analysis
from tests.cli.conftest import Command


@pytest.mark.parametrize("text", ["hardswish", "1/x", "u*tanh(x) + p0; p0=0.5"])
def test_sections_look_as_approved(text: str, actsearch: Command, golden: Any) -> None:
    answer = actsearch("analyze", text)
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    name = "".join(c if c.isalnum() else "_" for c in text.partition(";")[0])
    golden.check(f"analyze_{name}.txt", answer.out)


def test_json_has_every_field(actsearch: Command) -> None:
    record = json.loads(actsearch("analyze", "gelu", "--format", "json").out)
    assert {field.name for field in dataclasses.fields(Analysis)} <= set(record)
    assert record["extrema"][0]["x"] == -0.7517915246935645
    assert record["ends"][1]["asymptote"]["form"] == "x"
    assert record["kinks"] == []
    assert record["range"] == [record["extrema"][0]["value"], "Infinity"]
    assert "measured_ns" not in record


def test_csv_has_every_field(actsearch: Command) -> None:
    answer = actsearch("analyze", "hardswish", "--format", "csv")
    rows = dict(csv.reader(io.StringIO(answer.out)))
    assert {field.name for field in dataclasses.fields(Analysis)} <= set(rows)
    assert json.loads(rows["kinks"])[0] == {"x": -3.0, "left_slope": 0.0, "right_slope": -0.5}


def test_a_birth_of_a_run_is_analysed(actsearch: Command, runs_dir: Path) -> None:
    by_run = json.loads(actsearch("analyze", "first:2", "--format", "json").out)
    assert by_run["formula"] == "x*sin(x)"
    assert by_run["fingerprint"] == parse("x*sin(x)").fingerprint()
    there = actsearch("analyze", f"{runs_dir}/first:1", "--format", "json")
    assert json.loads(there.out)["known_as"] == "SiLU"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first:99", "births 0 to 7"),
        ("first:two", "the id of a birth is a number"),
        ("frist:2", "did you mean 'first'"),
        ("first:4", "rejected before training: constant"),
    ],
)
def test_what_is_no_birth_is_refused(
    text: str, message: str, actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch("analyze", text)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_a_cost_is_measured_when_asked(actsearch: Command) -> None:
    answer = actsearch("analyze", "relu", "--measure", "--format", "json")
    assert 0 < json.loads(answer.out)["measured_ns"] < 1e6
    assert "measured" in actsearch("analyze", "relu", "--measure").out
