"""What a kill left half written is removed by the next who writes there, and nothing else is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from actsearch.runs import RunStore

DRAFT = ".new-r-0123456789ab"


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def draft(root: Path, name: str, age_s: float) -> None:
    (root / name).mkdir(parents=True)
    (root / name / "run.sqlite").write_text("half")
    then = time.time() - age_s
    os.utime(root / name, (then, then))


def test_who_makes_a_run_removes_the_drafts_of_old(root: Path) -> None:
    draft(root, DRAFT, 4000)
    draft(root, ".new-else-ba9876543210", 10**8)
    others = {".new-being-made-0123456789ab": 3000, ".new-somebodys": 10**8, "old": 10**8}
    for name, age_s in others.items():
        draft(root, name, age_s)
    (root / "outside").mkdir()
    (root / ".new-link-0123456789ab").symlink_to("outside")
    os.utime(root / ".new-link-0123456789ab", (0, 0), follow_symlinks=False)
    before = names(root)
    RunStore.create(root / "r", {}, {}).close()
    assert before - names(root) == {DRAFT, ".new-else-ba9876543210"}


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_drafts_are_old_by_the_clock_of_their_disk(
    root: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """That of this machine may be ahead of a file server's, or behind."""
    draft(root, DRAFT, 4000)
    draft(root, ".new-being-made-0123456789ab", 0)
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: now() + ahead_s)
        RunStore.create(root / "r", {}, {}).close()
    assert names(root) == {".new-being-made-0123456789ab", "r"}


def test_drafts_of_somebody_else_stay(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft(root, DRAFT, 4000)
    with monkeypatch.context() as patch:
        patch.setattr("actsearch.runs.creation.os.getuid", lambda: os.geteuid() + 1)
        RunStore.create(root / "r", {}, {}).close()
    assert DRAFT in names(root)


def test_who_writes_a_run_removes_what_the_last_one_left(store: RunStore) -> None:
    folder = store.folder
    store.close()
    before = names(folder)
    left = ("writer.77.tmp", "run.sqlite.repaired-1f", "run.sqlite.repaired-1f-wal")
    for name in left:
        (folder / name).write_text("half")
    (folder / "run.sqlite.damaged-1").write_text("kept")
    RunStore.open(folder).close()  # who only reads leaves them
    assert names(folder) >= set(left)
    RunStore.open(folder, write=True).close()
    assert names(folder) - before == {"run.sqlite.damaged-1"}
