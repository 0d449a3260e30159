"""`actsearch export --approximate`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize("kind", ["hard", "rational", "table"])
def test_the_file_says_what_it_stands_in_for_and_how_far_off_it_is(
    kind: str, actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch(
        "export", "--formula", "tanh", "--name", "cheap", "--approximate", kind,
        "--to", "torch,json", "--out", "out",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in Path("out").iterdir()) == ["cheap.json", "cheap.py"]
    facts = json.loads(Path("out/cheap.json").read_text(encoding="utf-8"))
    said = facts.get("metadata", facts)
    facts = {**said, **said["provenance"]}
    assert facts["stands in for"] == "tanh(x)"
    assert (
        facts["maximum error"].endswith(("on the window, at x = 0", "0")) or facts["maximum error"]
    )
    assert "known as" not in facts
    assert "stands in for tanh(x)" in answer.out
    assert "maximum error" in answer.out
    assert "times as fast" in answer.out


def test_an_error_that_is_not_reached_is_said(actsearch: Command, runs_dir: Path) -> None:
    arguments = ("--formula", "x*sin(x)", "--name", "cheap", "--approximate", "hard")
    answer = actsearch("export", *arguments, "--error", "1e-6", "--to", "json")
    assert answer.code == 0
    assert "no hard stand-in of 'x*sin(x)' was found within 1e-06; the closest is off" in answer.err


def test_all_leaves_out_what_reads_no_table(actsearch: Command, runs_dir: Path) -> None:
    arguments = ("--formula", "tanh", "--name", "cheap", "--approximate", "table")
    answer = actsearch("export", *arguments, "--to", "all", "--out", "out")
    assert answer.code == 0, answer.err
    assert {path.suffix for path in Path("out").iterdir()} == {".py", ".h", ".json"}
    assert "not written for onnx: it reads no tables; targets that do: torch, numpy" in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--approximate", "hardd"], "did you mean 'hard'"),
        (["--error", "0.1"], "--error goes with --approximate"),
        (["--approximate", "table", "--package", "mine"], "goes without --package"),
        (["--approximate", "table", "--to", "onnx"], "targets that can: torch, numpy, c, json"),
        (["--approximate", "hard", "--error", "-1"], "a maximum error is"),
    ],
)
def test_bad_input(arguments: list[str], message: str, actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("export", "--formula", "tanh", "--name", "cheap", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert not Path("cheap.py").exists()


def test_jumps_and_further_inputs_are_refused(actsearch: Command, runs_dir: Path) -> None:
    for formula, message in (("sign(x)", "jumps at"), ("silu(x)*u", "u")):
        answer = actsearch(
            "export", "--formula", formula, "--name", "cheap", "--approximate", "hard"
        )
        assert answer.code == 2
        assert message in answer.err
