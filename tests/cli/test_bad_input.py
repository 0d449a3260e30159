"""Bad input: one message on standard error with the remedy, the right exit code, no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, FakeSearch

ROOT = Path(__file__).resolve().parents[2]

CASES: list[tuple[tuple[str, ...], str]] = [
    (("serch",), "'search'"),
    (("search", "--bugdet", "5m"), "'--budget'"),
    (("inspect", "first", "--fromat", "json"), "'--format'"),
    (("search", "--budget", "5"), "5s or 5m"),
    (("search", "--budget", "soon"), "90s, 5m, 1h30m"),
    (("search", "--budget", "0s"), "zero"),
    (("search", "--births", "many"), "'--births'"),
    (("search", "--births", "0"), "'--births'"),
    (("search", "--workers", "lots"), "auto, inline, or a number"),
    (("search", "--workers", "0"), "auto, inline, or a number"),
    (("search", "--training-limit", "soon"), "not a limit of a training: 'soon'"),
    (("search", "--memory-limit", "4"), "not a limit of memory: '4'"),
    (("search", "--devices", "cdua:0"), "unknown device"),
    (("search", "--devices", "cpu,cpu"), "twice"),
    (("search", "--seed-run", "frist"), "did you mean 'first'"),
    (("search", "one", "two"), "two"),
    (("resume", "frist"), "did you mean 'first'"),
    (("resume",), "RUN"),
    (("inspect", "frist"), "did you mean 'first'"),
    (("inspect", "../first"), "first"),
    (("inspect", "first", "99"), "births 0 to 7"),
    (("inspect", "first", "x"), "ID"),
    (("inspect", "first", "--top", "0"), "--top"),
    (("runs", "--format", "jsn"), "did you mean 'json'"),
    (("analyze", "tanhh(x)"), "did you mean 'tanh'"),
    (("analyze", "__import__('os').getpid()"), "formula"),
    (("analyze", "x+" * 50_000 + "x"), "formula"),
    (("analyze", "-x"), "--"),
    (("analyze", "input: relu(x) | hidden: tanh(x)"), "give that of one group, as 'relu(x)'"),
    (("analyze", ""), "empty"),
    (("analyze", "gelu", "--plot", "gelu.jpg"), ".png"),
    (("search", "--task", "mnist2d-cnn"), "did you mean 'mnist1d-cnn'"),
    (("search", "defualt"), "did you mean 'default'"),
    (("search", "mine.toml"), "mine.toml"),
    (("search", "--task", "mnist-mlp", "--data", "nowhere"), "nowhere"),
    (("search", "--run", "first", "--births", "1"), "actsearch resume first"),
    (("search", "--run", "a/b", "--births", "1"), "a/b"),
    (("search", "--seed-formula", "x*cso(x)"), "did you mean 'cos'"),
    (("export",), "RUN or --formula"),
    (("export", "frist"), "did you mean 'first'"),
    (("export", "first", "99"), "no birth 99"),
    (("export", "first", "4"), "no birth 4"),
    (("export", "first", "2", "--to", "trch"), "did you mean 'torch'"),
    (("export", "first", "2", "--name", "2nd"), "not a digit first"),
    (("export", "first", "2", "--name", "lambda"), "Python's own"),
    (("export", "first", "2", "--name", "torch"), "hide"),
    (("export", "first", "2", "--name", "../up"), "letters"),
    (("export", "first", "2", "--top", "3"), "not both"),
    (("export", "first", "0", "1", "--name", "f"), "one function"),
    (("export", "--formula", "x*x*x"), "--name"),
    (("spaces", "show", "defualt"), "did you mean 'default'"),
    (("data", "get", "minst"), "did you mean 'mnist'"),
]


@pytest.mark.parametrize(
    ("arguments", "hint"), CASES, ids=[" ".join(words)[:40] or "none" for words, _ in CASES]
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], hint: str, actsearch: Command, runs_dir: Path
) -> None:
    answer = actsearch(*arguments)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.startswith("actsearch: error: ")
    assert answer.err.count("actsearch: error: ") == 1
    assert hint in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err) < 1500


def test_no_command_shows_the_help_and_ends_with_2(actsearch: Command) -> None:
    answer = actsearch()
    assert answer.code == 2
    assert "search" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 1, "disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1, "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/x"), 1, "runs/x"),
        (
            OSError(errno.EMFILE, "Too many open files", "/sys/x"),
            1,
            "files: raise the limit (ulimit -n)",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "memory left: try fewer --workers"),
        (BlockingIOError(errno.EAGAIN, "write could not complete"), 1, "write could not complete"),
        (MemoryError(), 1, "memory"),
        (ValueError("what\nnow"), 1, "ValueError: what now"),
        (KeyboardInterrupt(), 130, "actsearch resume first"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_failures_of_a_search(
    error: BaseException,
    code: int,
    words: str,
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
) -> None:
    fake_search.raises = error
    answer = actsearch("resume", "first", "--quiet")
    assert answer.code == code
    assert words in answer.err
    assert answer.out == ""
    assert answer.err.count("\n") == 1


def test_the_debug_switch_shows_the_traceback(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACTSEARCH_DEBUG", "1")
    fake_search.raises = ValueError("what now")
    with pytest.raises(ValueError, match="what now"):
        actsearch("resume", "first", "--quiet")


def test_a_closed_pipe_ends_quietly() -> None:
    """Let the reader leave before the first byte, as in `actsearch --help | true`."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "actsearch.cli.main", "--help"],
            stdout=write_end,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")
