"""`actsearch watch`: what is shown of a run that another process writes, and when it is over."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli import watching
from actsearch.cli.watch_panel import Log, chart, confirm_line, make_screen, state_lines, thinned
from actsearch.cli.watching import Watcher
from actsearch.runs import Birth, Heat, RunStore, TrialRow
from actsearch.trials.confirm import Moment
from tests.cli.conftest import Command, training

CONFIG = {
    "task": "mnist1d-mlp",
    "space": "default",
    "seed": 3,
    "rungs": [{"name": "full", "steps": 30, "seeds": [0, 1]}],
    "budget": "5m",
    "births": None,
}


@pytest.fixture(autouse=True)
def _runs_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SHORT_PATIENCE_S", 0.0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    """Return the run ``live`` of a fresh working directory, which this process writes."""
    monkeypatch.chdir(tmp_path)
    with RunStore.create(Path("runs/live"), CONFIG, {}) as made:
        yield made


def breed(store: RunStore, id_: int, formula: str = "x*sin(x)") -> None:
    """Add a birth and its first heat."""
    birth = Birth(id_, "seed", (), formula, f"{id_:x}", "accepted", size=4)
    store.add_births([birth], Heat(id_, id_, "full", (0, 1)))


def state_of(store: RunStore) -> watching.State:
    return Watcher(store.folder).look()


def test_the_state_of_now(actsearch: Command, runs_dir: Path, golden: Any) -> None:
    answer = actsearch("watch", "first", "--once")
    assert (answer.code, answer.err) == (0, "")
    golden.check("watch_first.txt", answer.out)


def test_the_state_as_json(actsearch: Command, runs_dir: Path, golden: Any) -> None:
    answer = actsearch("watch", "first", "--once", "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    found["elapsed_s"] = 0.0  # what the run took that was made for the tests
    golden.check("watch_first.json", json.dumps(found, indent=2) + "\n")


def test_the_state_as_csv(actsearch: Command, runs_dir: Path) -> None:
    lines = actsearch("watch", "first", "--once", "--format", "csv").out.splitlines()
    assert lines[0] == "key,value"
    assert "births,8" in lines
    assert "by_rung.full,4" in lines


def test_what_a_run_does_is_said(store: RunStore) -> None:
    assert state_of(store).phase == watching.STARTING  # its folder is there, and nothing in it
    with store.session({"budget": "10m", "births": None}):
        breed(store, 0)
        state = state_of(store)
        assert (state.phase, state.is_over) == (watching.SEARCHING, False)
        assert state.who is not None
        assert state.who.pid == os.getpid()
        assert state.snapshot.in_flight == ("x*sin(x)",)
        assert state.snapshot.budget_s == 600
        store.add_training(training(0, 0, 0.5))
        store.end_session("the limit of 1 births is reached")
    state = state_of(store)
    assert (state.phase, state.outcome) == (watching.STARTING, "the limit of 1 births is reached")


def test_a_store_that_grows_is_seen_to_grow(store: RunStore) -> None:
    watcher = Watcher(store.folder)
    assert watcher.look().snapshot.n_births == 0
    with store.session({}):
        for id_ in range(3):
            breed(store, id_)
            store.add_training(training(id_, 0, 0.5 + id_ / 10))
            state = watcher.look()
            assert state.snapshot.n_births == state.snapshot.n_trainings == id_ + 1
            assert state.leader_scores == [0.5 + k / 10 for k in range(id_ + 1)]
            assert "no score yet" not in state_lines(state)


def test_between_search_and_confirmation_it_waits_for_its_process(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(store.folder)
    with store.session({}):
        breed(store, 0)
        watcher.look()
        store.end_session("the budget of 5m is used up")
    store.close()
    state = watcher.look()  # it was written by this process, which lives on
    assert (state.phase, state.is_over) == (watching.PAUSED, False)
    assert any("may go on with a confirmation" in text for text in state_lines(state))
    monkeypatch.setattr(watching, "PATIENCE_S", 0.0)
    assert watcher.look().is_over
    # Nobody who comes now knows the process: nothing more is to be expected.
    assert Watcher(store.folder).look().phase == watching.ENDED


def test_a_confirmation_is_counted(store: RunStore) -> None:
    finalist = "x*sin(x)"
    with store.session({}):
        breed(store, 0)
        store.end_session("done")
    info = {
        "kind": "confirm",
        "budget_s": 120.0,
        "finalists": [finalist],
        "tasks": ["mnist1d-mlp"],
    }
    watcher = Watcher(store.folder)
    with store.session(info):
        state = watcher.look()
        assert state.moment is not None
        # The first look is at five seeds of the finalist and of the zoo, which reads x alone.
        n_wanted = state.moment.n_wanted
        assert (state.moment.n_done, n_wanted % 5, state.moment.n_looks) == (0, 0, 0)
        assert n_wanted >= 5 * 30
        row = TrialRow("mnist1d-mlp", "test", finalist, 1_000_000, "ok", 0.5, {}, (), 1.0, "cpu")
        store.add_trial(row)
        state = watcher.look()
        assert state.phase == watching.CONFIRMING
        assert state.moment is not None
        assert (state.moment.n_done, state.moment.n_wanted) == (1, n_wanted)
        text = "\n".join(state_lines(state))
        assert "of 2m 00s | confirming on mnist1d-mlp, test split: 1 trials" in text
        assert f"{n_wanted - 1} more to look 1" in text
        assert "training now" not in text
        store.end_session("done")


@pytest.mark.parametrize(
    ("outcome", "phase", "words"),
    [
        ("the budget of 5m is used up", watching.ENDED, "ended: the budget of 5m is used up"),
        ("done", watching.ENDED, "ended"),
        ("KeyboardInterrupt", watching.INTERRUPTED, "interrupted; everything saved"),
        ("OSError", watching.FAILED, "ended by an error (OSError); what was saved is safe"),
    ],
)
def test_how_it_ended_is_said(store: RunStore, outcome: str, phase: str, words: str) -> None:
    with store.session({}):
        store.end_session(outcome)
    store.close()
    state = state_of(store)
    assert (state.phase, state.is_over) == (phase, True)
    assert words in state_lines(state)


WRITER = """
import sys
from pathlib import Path
from actsearch.runs import RunStore
from tests.cli.test_watch import CONFIG, breed
with RunStore.create(Path(sys.argv[1]), CONFIG, {}) as store, store.session({}):
    breed(store, 0)
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("outcome", ["done", "KeyboardInterrupt", "OSError"])
def test_the_list_of_runs_has_the_same_words(
    store: RunStore, actsearch: Command, outcome: str
) -> None:
    def listed() -> str:
        answer = actsearch("runs", "--runs-dir", str(store.folder.parent), "--format", "json")
        return str(json.loads(answer.out)[0]["state"])

    with store.session({}):
        assert listed() == state_of(store).phase == watching.SEARCHING
        store.end_session(outcome)
    store.close()
    assert listed() == state_of(store).phase != watching.SEARCHING


def test_a_killed_writer_is_missed(
    tmp_path: Path, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path(__file__).resolve().parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "runs" / "killed")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "there\n"
    watcher = Watcher(tmp_path / "runs" / "killed")
    state = watcher.look()
    assert state.phase == watching.SEARCHING
    assert state.who is not None
    assert state.who.pid == writer.pid
    writer.kill()
    writer.communicate()
    assert watcher.look().phase == watching.STOPPED
    answer = actsearch("watch", "killed")
    assert answer.code == 0
    assert "stopped: no process writes it any more" in answer.err
    assert "go on with: actsearch resume killed\n" in answer.out
    once = actsearch("watch", "killed", "--once", "--format", "json")
    assert json.loads(once.out)["state"] == "stopped"
    assert json.loads(actsearch("runs", "--format", "json").out)[0]["state"] == "stopped"


def test_what_is_over_is_told_at_once(actsearch: Command, runs_dir: Path) -> None:
    answer = actsearch("watch", "first")
    assert answer.code == 0
    assert answer.err == "ended\n"
    assert "x*sin(x)" in answer.out
    assert "next:\n" in answer.out


def test_a_run_that_vanishes_is_bad_input(
    store: RunStore, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        shutil.rmtree(store.folder)

    monkeypatch.setattr("actsearch.cli.watch.time.sleep", sleep)
    answer = actsearch("watch", "live")
    assert answer.code == 2
    assert "error: run 'live' is gone" in answer.err


def test_ctrl_c_ends_the_watching_alone(
    store: RunStore, actsearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("actsearch.cli.watch.time.sleep", sleep)
    answer = actsearch("watch", "live")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.splitlines() == [
        (
            "starting | 0s of 5m 00s, 5m 00s left | 0 births: 0 trained, 0 duplicates, 0 rejected, "
            "0 screened, 0 waiting"
        ),
        "actsearch: live is no longer watched; the run itself goes on as it did",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("watch firts", "unknown run 'firts'; did you mean 'first'?"),
        ("watch first --format json", "give --once with it"),
        ("watch first --interval 0", "between 0.1 and 3600 seconds, got 0.0"),
        ("watch first --interval nan", "between 0.1 and 3600 seconds, got nan"),
    ],
)
def test_bad_input(actsearch: Command, runs_dir: Path, words: str, said: str) -> None:
    answer = actsearch(*words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_log_has_a_line_now_and_then_and_at_each_change(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("actsearch.cli.watch_panel.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with make_screen(state_of(store), stream) as screen:
        assert isinstance(screen, Log)
        for second in range(12):
            now[0] = float(second)
            screen.show(state_of(store))
        with store.session({}):
            screen.show(state_of(store))
    assert [text.partition(" |")[0] for text in stream.getvalue().splitlines()] == [
        "starting", "starting", "searching",
    ]  # fmt: skip


def test_a_curve_is_thinned_between_its_ends() -> None:
    assert thinned([1.0, 2.0], 4) == [1.0, 2.0]
    assert thinned([float(k) for k in range(101)], 5) == [0.0, 25.0, 50.0, 75.0, 100.0]
    drawn = chart([k / 1000 for k in range(1001)])
    assert drawn.startswith("leader: 0.0000 ▁")
    assert drawn.endswith("█ 1.0000")
    assert len(drawn) < 80


def test_a_confirmation_without_a_budget_has_no_bar() -> None:
    text = confirm_line(Moment("t", "test", 1, 20, 50, 60.0), None)
    assert text == "1m 00s | confirming on t, test split: 20 trials, 30 more to look 2"


def read_all(fd: int) -> str:
    """Read a terminal until nobody writes to it any more."""
    parts: list[bytes] = []
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:  # Linux tells so that the other end is closed
            data = b""
        if not data:
            return b"".join(parts).decode("utf-8", "replace")
        parts.append(data)


@pytest.mark.slow
def test_a_real_search_is_watched_in_a_terminal(tmp_path: Path) -> None:
    """One process searches, the other watches it in a terminal, to the end of both."""
    command = [sys.executable, "-m", "actsearch"]
    there = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "TERM": "xterm"}
    words = (
        "search --task mnist1d-mlp --births 4 --workers inline --devices cpu --confirm none --run r"
    )
    searching = subprocess.Popen(
        [*command, *words.split(), "--quiet"],
        cwd=tmp_path,
        env=there,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Else it would stay a zombie, which counts as a process that may yet confirm.
    threading.Thread(target=searching.wait, daemon=True).start()
    try:
        while not (tmp_path / "runs" / "r" / "writer.json").exists():
            assert searching.poll() is None
            time.sleep(0.05)
        ours, theirs = pty.openpty()
        watched = subprocess.Popen(
            [*command, "watch", "r", "--interval", "0.2"],
            cwd=tmp_path,
            env={**there, "COLUMNS": "120", "LINES": "40"},
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = read_all(ours)
        os.close(ours)
        assert watched.wait(60) == 0
        assert searching.wait(60) == 0
    finally:
        searching.send_signal(signal.SIGKILL)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for words in (
        "watching r",
        f"by process {searching.pid}: task mnist1d-mlp, space default, seed 0",
        "4 births: ",
        "ended: the limit of 4 births is reached",
        "relu(x)",
        "next:",
    ):
        assert words in text
