"""What goes wrong names what helps here, and nothing that would not."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.errors import counted
from actsearch.report import again
from actsearch.results.tables import fitted, spelled
from actsearch.results.view import Totals
from actsearch.runs import RunStore
from actsearch.runs.scores import mean_and_error
from actsearch.search import endings
from actsearch.trials.account import readable_account
from tests.cli.conftest import Command, FakeSearch
from tests.cli.test_inspect_states import Terminal


def test_infinities_are_told_from_what_is_undefined(actsearch: Command) -> None:
    record = json.loads(actsearch("analyze", "1/x", "--format", "json").out)
    assert record["range"] == ["-Infinity", "Infinity"]
    assert record["mean"] is None
    assert (
        'range,"[""-Infinity"", ""Infinity""]"'
        in actsearch("analyze", "1/x", "--format", "csv").out
    )
    assert spelled({"a": (1.0, float("-inf")), "b": "x"}) == {"a": [1.0, "-Infinity"], "b": "x"}


def test_a_store_without_its_log_is_said_to_lack_it(actsearch: Command, runs_dir: Path) -> None:
    with RunStore.create(runs_dir / "bare", {"rungs": [{"name": "full"}]}, {}):
        assert "run.sqlite-wal" not in actsearch("inspect", "bare").out  # it begins right now
    assert "it may lack run.sqlite-wal" in actsearch("inspect", "bare").out
    (runs_dir / "nothing").mkdir()
    (runs_dir / "nothing" / "run.sqlite").touch()
    assert "run.sqlite is empty: nothing was ever saved" in actsearch("inspect", "nothing").err


def test_pictures_have_no_name_to_give(actsearch: Command, runs_dir: Path) -> None:
    assert actsearch("plot", "first", "front").code == 0
    again = actsearch("plot", "first", "front").err
    assert "(--force replaces it, --out puts the new one elsewhere)" in again


@pytest.mark.parametrize("given", ["kö <i> d", "runs/kö <i> d"])
def test_a_folder_that_can_not_name_a_run_is_to_be_renamed(
    actsearch: Command, runs_dir: Path, given: str
) -> None:
    (runs_dir / "first").rename(runs_dir / "kö <i> d")
    answer = actsearch("inspect", given)
    assert answer.code == 2
    assert "a run lies there; rename its folder" in answer.err
    answer = actsearch("runs")
    assert "'kö <i> d' is left out: no run can have this name; rename the folder" in answer.err
    assert "there are no runs" not in answer.err
    (runs_dir / "is fine").mkdir()
    assert "rename" not in actsearch("inspect", "is fine").err


def test_lines_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = "one two three four five six seven eight\n\nnine"
    assert fitted(text, Terminal()).split("\n") == [
        "one two three four five six",
        "seven eight",
        "",
        "nine",
    ]


def test_the_list_of_runs_fits_a_narrow_terminal(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import contextlib

    from actsearch.cli.main import run

    monkeypatch.setenv("COLUMNS", "60")
    with contextlib.redirect_stdout(Terminal()) as out:
        assert run(["runs"]) == 0
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "default" in out.getvalue()
    with contextlib.redirect_stdout(Terminal()) as out:
        assert run(["inspect", "first"]) == 0
    lines = out.getvalue().split("\nnext:")[0].splitlines()
    assert max(map(len, lines)) <= 60


def test_equal_scores_have_no_error() -> None:
    assert mean_and_error([0.1] * 3) == (0.1, 0.0)
    assert mean_and_error([0.1]) == (0.1, None)


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (("analyze", "gelu"), None),
        (("confirm", "first"), "actsearch confirm first\n"),
        (
            ("confirm", "a b/first", "--budget", "9s"),
            "actsearch confirm first --budget 9s --runs-dir 'a b'\n",
        ),
        (("resume", "first", "-q"), "actsearch resume first\n"),
        (
            ("search", "--runs-dir", "a b", "--run", "new", "-q"),
            "actsearch resume new --runs-dir 'a b'\n",
        ),
    ],
)
def test_a_full_disk_is_gone_on_from_where_something_goes_on(
    actsearch: Command,
    fake_search: FakeSearch,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    advice: str | None,
) -> None:
    shutil.copytree(runs_dir / "first", runs_dir.parent / "a b" / "first")
    fake_search.raises = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("actsearch.cli.analyze.write_sections", full)
    monkeypatch.setattr("actsearch.trials.confirm.confirm", full)
    said = actsearch(*command).err
    assert "the disk is full" in said
    assert ("go on with" in said) == (advice is not None)
    assert (advice or "") in said


def test_where_a_variable_moved_the_runs_commands_say_where_this_one_lies(
    actsearch: Command, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("inspect", "first", "--runs-dir", "runs")
    assert "--runs-dir" not in actsearch(*here).out
    monkeypatch.setenv("ACTSEARCH_RUNS", str(runs_dir.parent / "elsewhere"))
    offered = actsearch(*here).out.split("\nnext:")[1]
    assert offered.count("actsearch ") == offered.count(" --runs-dir runs") > 0
    of_report = [one.line for one in again.commands(readable_account(Path("runs/first")))]
    assert all(line.endswith(" --runs-dir runs") for line in of_report if "first" in line)
    assert any("--run first-again" in line for line in of_report)


def test_a_run_in_use_is_refused_without_further_ado(
    actsearch: Command, fake_search: FakeSearch, runs_dir: Path
) -> None:
    used_up = "nothing more is searched"
    assert used_up in actsearch("resume", "first", "--budget", "1s", "--no-report").err
    with RunStore.open(runs_dir / "first", write=True):
        assert used_up not in actsearch("resume", "first", "--budget", "1s", "--no-report").err


def test_time_without_a_training_says_where_it_went() -> None:
    said = endings.out_of_time(30.0, trained=False, compiled_s=12.0)
    assert said.startswith("the budget of 30s is used up before a training came to its end: ")
    assert "compiling the first formulas (12s), starting the workers" in said
    assert "compiling" not in endings.out_of_time(30.0, trained=False)
    assert "compiling" not in endings.out_of_time(30.0, trained=False, compiled_s=0.4)
    assert endings.out_of_time(30.0) == "the budget of 30s is used up"


def test_a_copy_without_its_log_can_be_made_so(runs_dir: Path, actsearch: Command) -> None:
    """What a copy lacks is what was not yet moved from the log into the file."""
    copy = runs_dir / "copy"
    copy.mkdir()
    with RunStore.create(runs_dir / "killed", {"rungs": [{"name": "full"}]}, {}) as store:
        with store.session({}):
            shutil.copy(runs_dir / "killed" / "run.sqlite", copy)
        with sqlite3.connect(f"file:{copy / 'run.sqlite'}?mode=ro", uri=True) as db:
            assert db.execute("SELECT COUNT(*) FROM sessions").fetchone() == (0,)
    assert "it may lack run.sqlite-wal" in actsearch("inspect", "copy").out


def test_one_of_a_thing_is_in_the_singular() -> None:
    assert endings.enough_births(1, 1) == "the limit of 1 birth is reached"
    assert Totals(1, 1, 0, 0, 0, 1, 1, 1.0, 1.0).sentence().startswith("1 birth: 1 trained")
    assert [counted(n, "training") for n in (0, 1, 2)] == [
        "0 trainings",
        "1 training",
        "2 trainings",
    ]


def test_a_run_that_lost_its_store_is_not_unknown(actsearch: Command, runs_dir: Path) -> None:
    lost = runs_dir / "lost"
    shutil.copytree(runs_dir / "first", lost)
    (lost / "run.sqlite").unlink()
    for words in (("inspect", "lost"), ("resume", str(lost)), ("runs", "check", "lost")):
        answer = actsearch(*words)
        assert answer.code == 2
        assert "the run 'lost' has lost its store" in answer.err
        assert "run.sqlite-wal" in answer.err
    shutil.rmtree(runs_dir / "first")
    assert "has lost its store" in actsearch("inspect", "lost").err  # also where it is the only one
    (lost / "config.json").unlink()
    assert "unknown run 'lost'" in actsearch("inspect", "lost").err


def test_what_lies_in_place_of_a_store_is_named(actsearch: Command, runs_dir: Path) -> None:
    for what, make in (
        ("a folder", Path.mkdir),
        ("a pipe", os.mkfifo),
        ("a symbolic link", lambda path: path.symlink_to("gone")),
    ):
        folder = runs_dir / "other"
        shutil.copytree(runs_dir / "first", folder, ignore=shutil.ignore_patterns("run.sqlite*"))
        make(folder / "run.sqlite")
        for words in (("inspect", "other"), ("resume", "other"), ("runs", "check", "other")):
            answer = actsearch(*words)
            assert answer.code == 2
            assert f"run.sqlite is {what}, and a run has a regular file there" in answer.err
        rows = json.loads(actsearch("runs", "--format", "json").out)
        assert ("other", "broken") in [(row["run"], row["state"]) for row in rows]
        shutil.rmtree(folder)


def flipped(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 0xFF
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: flipped(file, 5), "it does not begin as a database does"),
        (lambda file: flipped(file, 4000), "a text in it is none"),
        (lambda file: os.truncate(file, 9000), "its pages do not hold together"),
        (lambda file: flipped(file, 2 * 4096), "its pages do not hold together"),
    ],
)
def test_damage_is_told_in_plain_words_with_a_command_that_works(
    damage: Callable[[Path], None], said: str, actsearch: Command, runs_dir: Path
) -> None:
    shutil.copytree(runs_dir / "first", runs_dir.parent / "a b" / "first")
    damage(runs_dir.parent / "a b" / "first" / "run.sqlite")
    answer = actsearch("resume", "a b/first", "--births", "20")
    assert answer.code == 2
    assert f"is damaged or not a run of actsearch ({said}); " in answer.err
    assert answer.err.count("\n") == 1
    look = re.findall(r"actsearch (runs check .*?);", answer.err)[0]
    found = actsearch(*shlex.split(look))
    assert found.code == 1
    assert "damage: ok" not in found.out
    keep = found.out.splitlines()[-1].partition(": actsearch ")[2]
    assert keep == "runs check first --repair --runs-dir 'a b'"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a b/c", "'a b/c' can't name a run (a name"),
        ("runs/frist", "unknown run 'frist'; did you mean 'first'?"),
        ("first/", "did you mean 'first'?"),
        ("a b/first", "unknown run 'first': there are no runs in a b "),
    ],
)
def test_a_guess_is_a_run_that_there_is(
    given: str, said: str, actsearch: Command, runs_dir: Path
) -> None:
    if "first" in given:
        (runs_dir.parent / "a b").mkdir()
    assert said in actsearch("inspect", given).err


def test_wherever_something_is_wrong_the_sentence_ends(actsearch: Command, runs_dir: Path) -> None:
    said = actsearch("search", "--task", "keywords", "--data", "none", "--births", "1").err
    assert "keywords is made on this machine: leave out --data" in said
    Path("a.toml").write_text('name = "a"\nunary = ["relu"]\nbinary = ["a+", "(b"]\n')
    said = actsearch("spaces", "check", "a.toml").err
    assert (
        "  binary: 'a+': not a formula: it ends where something should follow (column 3); " in said
    )
    assert said.count("\n") == 2
