"""What the tests of faults share: jobs, pools, and a look at what is left of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from actsearch.tasks.protocol import Record, Training
from actsearch.workers import Job, make_pool
from tests.faults.hostile import HostileTask

#: In every process that a test starts, so that what is left of them can be found.
MARK = "ACTSEARCH_TEST_FAULTS"


def train_all(formulas: Sequence[str], **how: Any) -> list[tuple[Job, Record]]:
    """Train formulas, each with its place as its seed, and return the answers."""
    jobs = [Job((k, k), Training(name, "full", k)) for k, name in enumerate(formulas)]
    waiting = iter([*jobs, None])
    with make_pool(HostileTask(), processes=True, **how) as pool:
        return list(pool.stream(lambda: next(waiting)))


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[int]]:
    """Return what lists the living processes that were started in this test.

    Bookkeepers of loky's are left out: they live as long as the driver.
    """
    mark = f"{MARK}={tmp_path}".encode()
    monkeypatch.setenv(MARK, str(tmp_path))

    def alive() -> list[int]:
        return [
            pid
            for pid in _processes()
            if mark in _read(pid, "environ").split(b"\0")
            and b"tracker" not in _read(pid, "cmdline")
        ]

    return alive


def _processes() -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        state = _read(int(folder.name), "stat").rpartition(b")")[2].split()
        if state and state[0] != b"Z":
            yield int(folder.name)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
