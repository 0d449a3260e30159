"""Who writes a run where others may do so, too, is told, once."""

from __future__ import annotations

import grp
import os
import pwd
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from actsearch.runs import RunStore
from actsearch.runs.place import OthersWriteWarning, warnings_for


@pytest.fixture
def run(root: Path) -> Path:
    RunStore.create(root / "r", {}, {}).close()
    return root / "r"


@pytest.fixture
def _of_a_team(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the group of each folder be one of several users."""
    team = SimpleNamespace(gr_name="team", gr_mem=["ada", "bob"])
    monkeypatch.setattr(grp, "getgrgid", lambda _: team)


@pytest.mark.usefixtures("_of_a_team")
@pytest.mark.parametrize("mode", [0o777, 0o757, 0o775])
@pytest.mark.parametrize("above", [False, True])
def test_who_writes_there_is_told_once(run: Path, mode: int, above: bool) -> None:
    at = run.parent if above else run
    at.chmod(mode)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        with RunStore.open(run, write=True) as store, store.session({}):
            pass
        with RunStore.open(run):  # who only reads is not told
            pass
    assert [one.category for one in told] == [OthersWriteWarning]
    assert f"others may write to {at} (mode {mode:04o})" in str(told[0].message)
    at.chmod(mode & ~0o022)  # as it says
    assert list(warnings_for(run)) == []


@pytest.mark.usefixtures("_of_a_team")
def test_where_what_is_there_stays_its_owners(run: Path) -> None:
    run.parent.chmod(0o1777)  # as /tmp is
    assert list(warnings_for(run)) == []


@pytest.mark.parametrize(
    ("name", "members", "is_told"),
    [("ada", [], False), ("ada", ["ada"], False), ("ada", ["bob"], True), ("users", [], True)],
)
def test_a_group_of_ones_own_is_nobody_else(
    run: Path, monkeypatch: pytest.MonkeyPatch, name: str, members: list[str], is_told: bool
) -> None:
    """Many systems make one for each user, and let it write."""
    ada = SimpleNamespace(pw_name="ada", pw_gid=os.getgid())
    group = SimpleNamespace(gr_name=name, gr_mem=members)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: ada)
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    run.chmod(0o775)
    assert bool(list(warnings_for(run))) == is_told
