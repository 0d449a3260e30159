"""The file that a report becomes: a kill in between leaves nothing for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from actsearch.report.writing import BEGINNING, replace


def test_the_beginnings_that_a_kill_left_go_when_they_are_old(tmp_path: Path) -> None:
    texts = {
        ".page.html.whole": BEGINNING + "<title>",
        ".page.html.half": BEGINNING[:40],
        ".page.html.none": "",
        ".page.html.mine": "my own notes",
        ".page.html.longer": BEGINNING[:40] + "and mine",
        ".else.html.whole": BEGINNING,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".page.html.now").write_text(BEGINNING)
    (tmp_path / ".page.html.link").symlink_to(".page.html.now")
    os.utime(tmp_path / ".page.html.link", (0, 0), follow_symlinks=False)
    replace(tmp_path / "page.html", "text")
    left = {path.name for path in tmp_path.iterdir()}
    stay = {".page.html.mine", ".page.html.longer", ".else.html.whole"}
    assert left == {*stay, ".page.html.now", ".page.html.link", "page.html"}


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_they_are_old_by_the_clock_of_their_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    now = time.time
    for name, age_s in ((".page.html.now", 0.0), (".page.html.killed", 4000.0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now() - age_s, now() - age_s))
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: now() + ahead_s)
        replace(tmp_path / "page.html", "text")
    assert {one.name for one in tmp_path.iterdir()} == {".page.html.now", "page.html"}
