"""A sample of hostile input by way of the command line: exit code 2, one line, no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.cli.main import run
from tests.security.stores import SCHEMAS, change, make_run

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("analyze", "__import__('os').system('true')"),
    ("analyze", "(" * 3000),
    ("analyze", "\x1b[2Jx"),
    ("search", "/dev/zero", "--births", "1"),
    ("search", "pipe", "--births", "1"),
    ("search", "evil.toml", "--births", "1"),
    ("search", "--births", "1", "--task", "/dev/zero:make"),
    ("search", "--births", "1", "--task", "~nobody-at-all/x.py:make"),
    ("search", "--births", "1", "--run", "../../evil"),
    ("search", "--births", "1", "--seed-run", "view"),
    ("search", "--births", "1", "--seed-formula", "eval(x)"),
    ("search", "--births", "1", "--budget", "9" * 5000),
    ("search", "--births", "1", "--workers", "1e9"),
    ("search", "--births", "1", "--devices", "/dev/sda"),
    ("inspect", "view"),
    ("inspect", "../runs/view"),
    ("watch", "view", "--once"),
    ("report", "view"),
    ("report", "good", "--out", "link"),
    ("report", "good", "--out", "pipe"),
    ("plot", "view"),
    ("plot", "good", "evil"),
    ("export", "view"),
    ("export", "--formula", "open(x)", "--name", "a"),
    ("export", "--formula", "relu(x)", "--name", "os"),
    ("export", "--formula", "relu(x)", "--name", "a", "--to", "../evil"),
    ("export", "--formula", "relu(x)", "--name", "a", "--out", "link"),
    ("resume", "view"),
    ("confirm", "view"),
    ("compare", "view:1", "gelu"),
    ("compare", "gelu", "eval(x)"),
    ("spaces", "show", "evil.toml"),
    ("spaces", "show", "pipe", "--toml"),
    ("spaces", "check", "pipe"),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with hostile files: a run with a view, a pipe, a link, a space of code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    make_run(tmp_path / "runs" / "good")
    shutil.copytree(tmp_path / "runs" / "good", tmp_path / "runs" / "view")
    change(tmp_path / "runs" / "view", SCHEMAS["a view for a table"])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "evil.toml").write_text("unary = [\"__import__('os')\"]\n")
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words)[:50])
def test_it_is_refused(
    words: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(words)
    said = capsys.readouterr()
    assert code == 2, said.err
    assert said.out == ""
    assert said.err.count("actsearch: error: ") == 1
    assert "Traceback" not in said.err
    assert "fault of the program" not in said.err
    assert all(ch.isprintable() or ch == "\n" for ch in said.err)
    assert len(said.err) < 5000


@pytest.mark.slow
def test_in_a_process_of_its_own(here: Path) -> None:
    command = [sys.executable, "-m", "actsearch", "inspect", "view"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "is damaged or not a run" in done.stderr
