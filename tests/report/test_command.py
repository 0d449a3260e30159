"""`actsearch report`, and the line that a search ends with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.cli.main import run
from actsearch.cli.report import report_after

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def runs_dir(runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder ``runs`` of a fresh working directory, which holds the run ``won``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("actsearch.report.page.RUN_FIGURES", ())  # others look at the pictures
    shutil.copytree(runs["won"], tmp_path / "runs" / "won")
    return tmp_path / "runs"


def test_it_prints_the_path_of_what_it_wrote(runs_dir: Path, capsys: Captured) -> None:
    assert run(["report", "won"]) == 0
    assert capsys.readouterr().out == "runs/won/report.html\n"
    text = (runs_dir / "won" / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "x*sin(x) beats all 3 known activations" in text
    assert "--runs-dir" not in text  # commands on it may be typed right here


def test_it_writes_where_it_is_told_to(runs_dir: Path, capsys: Captured) -> None:
    assert run(["report", str(runs_dir / "won"), "--out", "page.html"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    assert Path("page.html").stat().st_size > 10_000
    assert not (runs_dir / "won" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["won", "--out", "nowhere/page.html"], "there is no folder nowhere"),
        (["won", "--out", "runs/won/run.sqlite", "--force"], "belongs to a run's store"),
        (["won", "--out", "notes.txt"], "'notes.txt' exists already and is no report"),
        (["won", "--out", "runs"], "'runs' is a folder; name a file in it"),
        (["wno"], "unknown run 'wno'; did you mean 'won'?"),
        (["won", "--runs-dir", "elsewhere"], "there are no runs in elsewhere"),
    ],
)
def test_bad_input_gets_one_clear_message(
    runs_dir: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    Path("notes.txt").write_text("mine")
    assert run(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_cannot_be_written_is_a_failure(
    runs_dir: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert run(["report", "won"]) == 1
    said = capsys.readouterr().err
    assert "'runs/won/report.html' can't be written: Permission denied" in said
    assert "put it elsewhere: --out FILE" in said


def test_a_report_that_fails_is_a_note_and_no_failure(
    runs_dir: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no\nfonts \x1b[31m")

    monkeypatch.setattr("actsearch.report.page.facts_of", fail)
    report_after(runs_dir / "won")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        captured.err == "no report: no fonts \\x1b[31m (later: actsearch report won --runs-dir "
        f"{runs_dir})\n"
    )


def test_the_line_goes_aside_where_the_answer_is_for_a_program(
    runs_dir: Path, capsys: Captured
) -> None:
    report_after(runs_dir / "won", aside=True)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"report: {runs_dir / 'won' / 'report.html'}\n")


def test_from_python_by_name(runs_dir: Path) -> None:
    code = "import actsearch; print(actsearch.write_report('won'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert (done.returncode, done.stdout) == (0, "runs/won/report.html\n"), done.stderr
