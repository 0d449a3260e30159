"""`search` and `resume`: what they hand to the search, and what they print when it ends."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from actsearch import cli
from actsearch.cli.main import app, run
from actsearch.errors import ActsearchError, MachineFault, StoreFault, WorkersGone
from actsearch.runs import RunStore
from actsearch.workers import Where
from tests.cli.conftest import Command, FakeSearch


def test_search_hands_over_its_defaults(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    answer = actsearch("search", "--confirm", "none")
    assert answer.code == 0, answer.err
    ((kind, args, kwargs),) = fake_search.calls
    assert kind == "search"
    assert args == ("default", "mnist1d-cnn")
    del kwargs["observer"]
    assert kwargs == {
        "budget": "1m30s",
        "births": None,
        "workers": "auto",
        "devices": "auto",
        "training_limit": "auto",
        "memory_limit": "auto",
        "cluster": None,
        "lag": None,
        "seed": 0,
        "run": None,
        "runs_dir": Path("runs"),
        "data": None,
        "seed_formulas": (),
        "seed_run": None,
    }


def test_options_are_spelled_in_small_letters() -> None:
    """Typer before 0.28 takes a metavar that is the parameter's name in capitals for the option."""

    def options(command: Any) -> list[str]:
        below = getattr(command, "commands", {}).values()
        own = [name for one in command.params for name in getattr(one, "opts", [])]
        return own + [name for one in below for name in options(one)]

    names = options(typer.main.get_command(app))
    assert "--task" in names
    assert [name for name in names if name.startswith("-") and name != name.lower()] == []
    same = [
        (path.name, found[0])
        for path in Path(cli.__file__).parent.glob("*.py")
        for found in re.finditer(
            r'(\w+): Annotated\[[^()]*typer\.Option\(\s*metavar="(\w+)"', path.read_text()
        )
        if found[1].upper() == found[2]
    ]
    assert same == [], "give these the option's name"


def test_search_hands_over_its_options(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    words = (
        "search swish --task mnist-mlp --births 40 --workers 2 --devices cpu --seed 7 --run mine"
    )
    answer = actsearch(
        *words.split(),
        *("--seed-formula", "x*cos(x)", "--seed-formula", "-x", "--seed-run", "first"),
        *("--data", "/data"),
    )
    assert answer.code == 0, answer.err
    ((_, args, kwargs),) = fake_search.calls
    assert args == ("swish", "mnist-mlp")
    assert kwargs["budget"] is None  # a number of births is limit enough
    assert (kwargs["births"], kwargs["workers"], kwargs["devices"]) == (40, "2", "cpu")
    assert (kwargs["seed"], kwargs["run"]) == (7, "mine")
    assert kwargs["seed_formulas"] == ("x*cos(x)", "-x")
    assert kwargs["seed_run"] == runs_dir.relative_to(Path.cwd()) / "first"
    assert kwargs["data"] == Path("/data")


@pytest.mark.parametrize(
    ("words", "budget"),
    [
        ("search", "3m15s"),
        ("search --confirm 2m", "2m"),
        ("search --budget 10m", None),
        ("search --births 40", None),
        ("search --budget 10m --confirm none", "none"),
        ("resume first", None),
    ],
)
def test_what_the_confirmation_is_given(
    words: str,
    budget: str | None,
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str | None, dict[str, Any]]] = []
    confirmed: list[tuple[Path, float]] = []

    def confirming(given: str | None, **options: Any) -> Any:
        asked.append((given, options))
        return lambda path, search_s: confirmed.append((path, search_s))

    monkeypatch.setattr("actsearch.cli.afterwards.confirming", confirming)
    answer = actsearch(*words.split(), "--workers", "2", "--quiet")
    assert answer.code == 0, answer.err
    assert asked == [(budget, {"where": Where(workers="2"), "data": None, "quiet": True})]
    ((path, search_s),) = confirmed
    assert path.parent == Path("runs")
    assert search_s == 192.0  # what the search took, for a confirmation without a budget


def test_ctrl_c_in_the_confirmation_says_how_to_go_on(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actsearch.trials.confirm.confirm", stopped)
    answer = actsearch("search", "--devices", "cpu", "--quiet")
    assert answer.code == 130
    assert answer.err.endswith(
        "go on with: actsearch confirm made-up --budget 3m15s --devices cpu\n"
    )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (WorkersGone("nobody is there"), "nobody is there"),
        (MachineFault("no disk"), "trainings can't go on: no disk"),
        (StoreFault("can't write it"), "can't write it"),
    ],
)
def test_what_ends_trainings_leaves_a_command_that_works_as_it_stands(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, error: ActsearchError, says: str
) -> None:
    for name in ("ca.pem", "my cert.pem"):
        Path(name).touch()
    tls = ("--cluster", "tls://here:1", "--cluster-tls", "ca.pem,my cert.pem")
    fake_search.raises = error
    answer = actsearch(
        *("search", "--run", "mine", "--runs-dir", "my runs", "--workers", "3"),
        *(*tls, "--cluster-wait", "20s", "--quiet"),
    )
    said, _, line = answer.err.rpartition("; go on with: actsearch ")
    assert (answer.code, said) == (1, f"actsearch: error: {says}")
    fake_search.raises = None
    again = actsearch(*shlex.split(line), "--confirm", "none", "--quiet")
    assert again.code == 0, again.err
    (_, _, before), (kind, (path,), after) = fake_search.calls
    assert (kind, path) == ("resume", Path("my runs/mine"))
    assert (after["cluster"], after["workers"]) == (before["cluster"], "3")


def test_resume_hands_over_the_run_and_only_what_was_said(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    answer = actsearch("resume", "first", "--budget", "1h30m", "--confirm", "none")
    assert answer.code == 0, answer.err
    ((kind, args, kwargs),) = fake_search.calls
    assert (kind, args) == ("resume", (Path("runs/first"),))
    assert (kwargs["budget"], kwargs["births"]) == ("1h30m", None)


def test_resume_says_when_the_time_is_used_up(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.runs.RunStore.elapsed_s", lambda _store: 30.0)
    used_up = "first was searched for 30s, and --budget 20s counts from its beginning"
    assert used_up in actsearch("resume", "first", "--budget", "20s", "--confirm", "none").err
    for more in (("--budget", "40s"), ("--budget", "40s", "--births", "50"), ()):
        answer = actsearch("resume", "first", *more, "--confirm", "none")
        assert answer.code == 0, answer.err
        assert "counts from its beginning" not in answer.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "--budget 20s --births 50 --confirm none",
            (
                "was searched for 30s, and --budget 20s counts from its beginning: "
                "nothing more is searched; give a larger one to search on"
            ),
        ),
        (
            "--budget 20s",
            (
                "was searched for 30s, and --budget 20s counts from its beginning: "
                "nothing more is searched, confirming for at most 30s; "
                "give a larger one to search on"
            ),
        ),
        (
            "--births 8 --confirm 1m",
            (
                "has 8 births, and --births 8 counts from its beginning: "
                "no more are bred, confirming for at most 1m 00s; give a larger one to search on"
            ),
        ),
    ],
)
def test_resume_says_what_a_limit_that_is_reached_leaves_to_do(
    typed: str,
    said: str,
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actsearch.runs.RunStore.elapsed_s", lambda _store: 30.0)
    monkeypatch.setattr("actsearch.trials.confirm.confirm", stopped)
    answer = actsearch("resume", "first", "--no-report", "--quiet", *typed.split())
    assert answer.err.splitlines()[0] == f"first {said}"


def stopped(*_args: Any, **_options: Any) -> None:
    raise KeyboardInterrupt


def test_a_search_ends_with_the_hall_of_fame_and_the_next_commands(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, golden: Any
) -> None:
    answer = actsearch("search", "--confirm", "none", "--run", "second", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    golden.check("search.txt", answer.out)


def test_progress_goes_to_standard_error_as_lines(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    answer = actsearch("search", "--confirm", "none")
    (line,) = answer.err.splitlines()
    assert line.startswith("1m 00s of 4m 00s, 3m 00s left | 7 births: 4 trained")


def test_ctrl_c_says_how_to_go_on(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    fake_search.raises = KeyboardInterrupt()
    answer = actsearch("search", "--confirm", "none", "--quiet", "--runs-dir", "my runs")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err == (
        "actsearch: interrupted; everything saved; "
        "go on with: actsearch resume made-up --confirm none --runs-dir 'my runs'\n"
    )


@pytest.mark.parametrize("verb", [("search", "--run", "first"), ("resume", "first")])
def test_what_was_said_of_the_call_is_in_all_commands_that_follow_it(
    verb: tuple[str, ...],
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
) -> None:
    trains = ("--workers", "2", "--memory-limit", "4GB")
    typed = (*verb, *trains, "--confirm", "none", "--quiet", "--no-report")
    said = shlex.join(trains)
    answer = actsearch(*typed)
    lines = [line.partition("  # ")[0].strip() for line in answer.out.splitlines()]
    assert f"actsearch confirm first {said}" in lines
    assert f"actsearch resume first --budget 10m {said} --confirm none" in lines
    for error in (WorkersGone("nobody is there"), OSError(errno.ENOSPC, "full")):
        fake_search.raises = error
        assert actsearch(*typed).err.endswith(f": actsearch resume first {said} --confirm none\n")
    fake_search.raises = KeyboardInterrupt()
    answer = actsearch(*verb, "--confirm", "9s", "--quiet")
    assert answer.err.endswith(": actsearch resume first --confirm 9s\n")


@pytest.mark.parametrize("n_workers", [None, 0, 2])
def test_a_search_that_ends_without_a_worker_says_so(
    actsearch: Command, fake_search: FakeSearch, n_workers: int | None
) -> None:
    fake_search.n_workers = n_workers
    said = actsearch("search", "--confirm", "none", "--quiet").err
    assert ("has nobody left to train: start workers, or leave out" in said) == (n_workers == 0)


def test_where_the_data_were_moved_to_is_said_again(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, tmp_path: Path
) -> None:
    """A run knows where its data were when it began, and not where a call found them since."""
    there = f"--data {tmp_path}"
    typed = ("resume", "first", *there.split(), "--confirm", "none", "--quiet", "--no-report")
    lines = [line.partition("  # ")[0].strip() for line in actsearch(*typed).out.splitlines()]
    assert f"actsearch confirm first {there}" in lines
    assert f"actsearch resume first --budget 10m {there} --confirm none" in lines
    fake_search.raises = KeyboardInterrupt()
    assert actsearch(*typed).err.endswith(f": actsearch resume first {there} --confirm none\n")


@pytest.mark.parametrize("began", [False, True])
def test_ctrl_c_tells_whether_the_seeds_of_the_call_are_kept(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    began: bool,
) -> None:
    def interrupted(path: Path, **_kwargs: Any) -> None:
        if began:
            with RunStore.open(path, write=True) as store:
                store.begin_session({"added_seeds": ["x*tanh(x)"]})
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["actsearch.search"], "resume", interrupted)
    answer = actsearch("resume", "first", "--seed-formula", "x*tanh(x)", "--births", "99")
    said = "everything saved"
    if not began:
        said = "the seeds of this call are not in the run yet: give them again"
    assert answer.code == 130
    assert f"interrupted; {said}; go on with: actsearch resume first" in answer.err


def test_a_polite_kill_is_an_interrupt(
    fake_search: FakeSearch, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def killed(*_args: Any, **kwargs: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(fake_search, "_run", killed)
    assert run(["resume", "first", "--quiet"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_before_the_run_exists_promises_nothing(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake_search, "_run", interrupted)
    answer = actsearch("search", "--confirm", "none", "--run", "unborn", "--quiet")
    assert answer.code == 130
    assert answer.err == "actsearch: interrupted before the search began\n"


@pytest.mark.parametrize("command", [("search", "--run", "second"), ("resume", "first")])
def test_the_last_line_is_the_path_of_the_report(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path, command: tuple[str, ...]
) -> None:
    name = command[-1]
    answer = actsearch(*command, "--confirm", "none", "--quiet")
    assert answer.out.endswith(f"\n\nreport: runs/{name}/report.html\n")
    assert (runs_dir / name / "report.html").is_file()


def test_no_report_is_written_where_none_is_wanted(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    answer = actsearch("resume", "first", "--confirm", "none", "--quiet", "--no-report")
    assert answer.code == 0
    assert "report:" not in answer.out
    assert not (runs_dir / "first" / "report.html").exists()
