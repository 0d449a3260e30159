"""`actsearch runs check`: what it says, in words and as JSON, and its exit codes."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

from actsearch.runs import RunStore
from tests.cli.conftest import Command
from tests.runs.by_hand import by_hand
from tests.runs.simulated_run import copy_to, log_of


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return copy_to(tmp_path / "runs" / "mine")


def test_a_sound_run(run: Path, actsearch: Command) -> None:
    answer = actsearch("runs", "check", "mine")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "run 'mine' is sound: no damage found"
    assert re.fullmatch(
        r"  format 4: births 45, heats \d+, trainings \d+, trials 0, sessions 1", lines[1]
    )
    assert lines[2] == "  formulas fingerprinted again: 45"
    assert re.fullmatch(r"  digest of its log: [0-9a-f]{64}", lines[3])
    assert len(lines) == 4
    assert actsearch("runs").out.splitlines()[2].startswith("mine")
    assert actsearch("runs", "check", str(run), "--full").out == answer.out


def test_a_damaged_run(run: Path, actsearch: Command) -> None:
    with by_hand(run) as db:
        db.execute("UPDATE births SET formula = '\u001b[2J' WHERE id = 40")
    answer = actsearch("runs", "check", "mine")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.splitlines()[0] == "run 'mine' is damaged"
    assert "birth 40: " in answer.out
    assert "\u001b" not in answer.out
    assert "actsearch runs check mine --repair" in answer.out.splitlines()[-1]

    (size,) = (one.stat().st_size for one in run.glob("run.sqlite"))
    with (run / "run.sqlite").open("r+b") as file:
        file.truncate(size - 4096)
    told = json.loads(actsearch("runs", "check", "mine", "--format", "json").out)
    assert (told["state"], told["digest"], told["repair"]) == ("damaged", None, None)
    assert told["damage"]


def test_a_repair_says_what_was_kept(run: Path, actsearch: Command) -> None:
    whole = log_of(run)
    with (run / "run.sqlite").open("r+b") as file:
        file.truncate((run / "run.sqlite").stat().st_size - 4096)
    answer = actsearch("runs", "check", "mine", "--repair")
    assert (answer.code, answer.err) == (0, "")
    (births,) = re.findall(r"^  births: (\d+) kept, (\d+) lost$", answer.out, re.M)
    assert sum(map(int, births)) == 45
    assert "run.sqlite.damaged-1" in answer.out
    assert answer.out.splitlines()[-1] == "go on with it: actsearch resume mine"
    assert set(log_of(run)) <= set(whole)
    again = actsearch("runs", "check", "mine", "--repair")
    assert again.code == 0
    assert again.out.splitlines()[0] == "run 'mine' is sound: no damage found"
    assert not (run / "run.sqlite.damaged-2").exists()


def test_a_repair_does_not_say_how_much_is_lost_where_it_can_not_tell(
    run: Path, actsearch: Command
) -> None:
    (run / "run.sqlite").write_text("nothing of it is left")
    told = actsearch("runs", "check", "mine", "--repair").out
    assert "  births: 0 kept, at least 0 lost\n" in told
    (run / "run.sqlite").write_text("nor here")
    repair = json.loads(actsearch("runs", "check", "mine", "--repair", "--format", "json").out)[
        "repair"
    ]
    assert repair["lost_at_least"] == ["births", "heats", "trainings", "trials", "sessions"]


def test_a_repair_says_what_it_set_aside(run: Path, actsearch: Command) -> None:
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db, db:
        db.execute("DELETE FROM births WHERE id = 3")
    told = actsearch("runs", "check", "mine", "--repair").out
    (kept,) = re.findall(r"^  trainings: (\d+) kept, (\d+) lost$", told, re.M)
    (aside,) = re.findall(r"^  of the others (\d+) trainings are whole", told, re.M)
    assert int(aside) > int(kept[0]) > 0


def test_as_json_and_csv(run: Path, actsearch: Command) -> None:
    told = json.loads(actsearch("runs", "check", "mine", "--format", "json").out)
    assert list(told) == [
        "run",
        "state",
        "format",
        "rows",
        "fingerprinted",
        "digest",
        "damage",
        "notes",
        "repair",
    ]
    assert (told["run"], told["state"], told["format"]) == ("mine", "sound", 4)
    assert told["rows"]["births"] == 45
    assert "state,sound" in actsearch("runs", "check", "mine", "--format", "csv").out


def test_bad_input(run: Path, actsearch: Command) -> None:
    answer = actsearch("runs", "check", "mina")
    assert answer.code == 2
    assert "did you mean 'mine'?" in answer.err
    (run / "run.sqlite").write_bytes(b"")
    assert actsearch("runs", "check", "mine").code == 2


def test_what_is_said_before_the_word_check_holds_for_it(
    run: Path, tmp_path: Path, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = run.parent.rename(tmp_path / "elsewhere")
    before = ("runs", "--runs-dir", str(there), "--format", "json", "check", "mine")
    for variable in ("", str(tmp_path / "nowhere")):
        if variable:
            monkeypatch.setenv("ACTSEARCH_RUNS", variable)
        answer = actsearch(*before)
        assert (answer.code, answer.err) == (0, "")
        assert json.loads(answer.out)["run"] == "mine"
        after = actsearch(*before, "--format", "table", "--runs-dir", str(there))
        assert after.out.startswith("run 'mine' is sound")
    assert actsearch(*before, "--runs-dir", "nowhere").code == 2
    monkeypatch.setenv("ACTSEARCH_RUNS", str(there))
    assert actsearch("runs", "check", "mine").code == 0


def test_the_help_has_whole_sentences(actsearch: Command) -> None:
    (line,) = [
        one for one in actsearch("runs", "--help").out.splitlines() if one.startswith("  check ")
    ]
    assert "..." not in line
    assert "Usage: actsearch export [OPTIONS] [RUN] [ID]...\n" in actsearch("export", "--help").out


def test_a_run_that_is_written_is_not_repaired(run: Path, actsearch: Command) -> None:
    with RunStore.open(run, write=True):
        assert actsearch("runs", "check", "mine").code == 0
        answer = actsearch("runs", "check", "mine", "--repair")
    assert answer.code == 2
    assert "is being written by process" in answer.err
