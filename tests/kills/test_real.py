"""Searches that really train are really killed: the command line, started anew each time.

Nothing is put around anything here. The kill comes from outside, some moments after the run has got
as far as was drawn.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actsearch.runs import RunStore
from actsearch.runs.events import event_log
from actsearch.runs.lock import holder
from tests.kills.drivers import GONE_WITHIN_S, MARK, ROOT, marked


class Killed:
    """A run in ``folder`` by the command line; its processes bear the folder as their mark."""

    def __init__(self, folder: Path, task: str, workers: int | str, births: int = 8) -> None:
        self.folder, self._workers = folder, workers
        self._task, self._births = task, births

    def start(self) -> subprocess.Popen[bytes]:
        """Begin or go on."""
        where = ("--runs-dir", str(self.folder.parent), "--workers", str(self._workers))
        argv = [
            "search",
            "--task",
            self._task,
            "--births",
            str(self._births),
            "--run",
            self.folder.name,
        ]
        if (self.folder / "run.sqlite").exists():
            argv = ["resume", self.folder.name]
        return subprocess.Popen(
            [sys.executable, "-m", "actsearch", *argv, *where, "--confirm", "none", "--no-report"],
            env=os.environ | {MARK: str(self.folder), "PYTHONPATH": str(ROOT)},
            cwd=self.folder.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def trainings(self) -> int:
        if not (self.folder / "run.sqlite").exists():
            return -1
        with RunStore.open(self.folder) as store:
            return store.n_trainings()

    def kill_after(self, n_more: int, wait_s: float) -> None:
        """Start, wait for so many trainings more, and so long, and kill."""
        wanted = self.trainings() + n_more
        process = self.start()
        try:
            while self.trainings() < wanted and process.poll() is None:
                time.sleep(0.02)
            time.sleep(wait_s)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL, "it ended before the kill"

    def log(self) -> list[str]:
        with RunStore.open(self.folder) as store:
            return event_log(store)

    def left(self) -> list[str]:
        """Return the processes that go on some time after the kill."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while (found := dict(marked(str(self.folder)))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return list(found.values())


@pytest.mark.slow
def test_killed_once_while_it_trains_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    task, workers, births = "mnist1d-mlp", "inline", 2  # each process more takes long to begin
    whole, killed = (Killed(tmp_path / name, task, workers, births) for name in ("whole", "killed"))
    assert whole.start().wait() == 0
    killed.kill_after(1, 0.1)
    assert holder(killed.folder) is None
    assert set(killed.log()) < set(whole.log())
    assert killed.start().wait() == 0
    assert killed.log() == whole.log()
    assert not killed.left()


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("task", "workers", "seed"),
    [("mnist1d-mlp", 2, 0), ("mnist1d-cnn", 2, 1), ("mnist1d-mlp", 1, 2)],
)
def test_killed_while_it_trains_it_ends_as_if_nothing_had_happened(
    tmp_path: Path, task: str, workers: int, seed: int
) -> None:
    draw = random.Random(seed)
    whole, killed = (Killed(tmp_path / name, task, workers) for name in ("whole", "killed"))
    assert whole.start().wait() == 0
    for n_more in (1, draw.randint(1, 2), draw.randint(1, 3)):
        killed.kill_after(n_more, draw.uniform(0, 1))
        assert holder(killed.folder) is None
        before = killed.log()
        assert set(before) <= set(whole.log())
    assert killed.start().wait() == 0
    assert killed.log() == whole.log()
    assert not killed.left()
