"""Names, places and the list of the runs."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.paths import runs_root
from actsearch.runs import (
    RunStore,
    check_name,
    default_name,
    existing_run,
    run_folder,
    run_names,
)

HOSTILE = [
    "",
    ".",
    "..",
    ".hidden",
    "-rf",
    "--help",
    "a/b",
    "../../etc",
    "/etc/passwd",
    "a\\b",
    "C:x",
    "a:1",
    "a b",
    "a\n",
    "\na",
    "a\x00b",
    "a\x1b[31m",
    "a\u202eb",
    "\ud800",
    "е",  # Cyrillic, that looks like a Latin e
    "a'b",
    'a"b',
    "<b>",
    "[red]",
    "a;rm",
    "$(x)",
    "~",
    "*",
    "a" * 81,
    "a" * 100_000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_in_one_printable_line(name: str, tmp_path: Path) -> None:
    for use in (check_name, run_folder, existing_run):
        with pytest.raises(BadInput) as caught:
            use(name)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) < 300
    if "/" not in name and name not in ("", ".", ".."):
        with pytest.raises(BadInput):
            RunStore.create(tmp_path / name, {}, {})
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_an_accepted_name_stays_inside_the_folder(name: str) -> None:
    try:
        folder = run_folder(name, Path("/runs"))
    except BadInput:
        return
    assert folder.parent == Path("/runs")
    assert folder.name == name
    assert name.isascii()


@pytest.mark.parametrize("name", ["a", "A.b-c_d+1", "2026-03-01-mnist1d-cnn-1", "_", "9" * 80])
def test_plain_names_are_accepted(name: str) -> None:
    assert check_name(name) == name


def test_a_path_gets_its_last_part_as_a_hint() -> None:
    with pytest.raises(BadInput, match="did you mean 'blue'"):
        check_name("runs/blue/")


def test_the_root_is_the_environments_or_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSEARCH_RUNS", "/data/r")
    assert runs_root() == Path("/data/r")
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("ACTSEARCH_RUNS")
        else:
            monkeypatch.setenv("ACTSEARCH_RUNS", unset)
        assert runs_root() == Path("runs")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("mnist1d-cnn", "2026-03-01-mnist1d-cnn-1"),
        ("my tasks/net work.py:make_task", "2026-03-01-net-work-1"),
        ("../../x.py:y", "2026-03-01-x-1"),
        ("::", "2026-03-01-run-1"),
        ("z" * 300, f"2026-03-01-{'z' * 40}-1"),
        ("\u202e\n", "2026-03-01-run-1"),
    ],
)
def test_default_names_are_names(task: str, expected: str, root: Path) -> None:
    got = default_name(task, root, datetime.date(2026, 3, 1))
    assert got == check_name(got) == expected


def test_default_names_count_on(root: Path) -> None:
    day = datetime.date(2026, 3, 1)
    for k in (1, 2, 3):
        name = default_name("t", root, day)
        assert name == f"2026-03-01-t-{k}"
        RunStore.create(root / name, {}, {}).close()


def test_names_are_those_of_folders_that_hold_a_run(root: Path) -> None:
    assert run_names(root) == []
    for name in ("b", "a"):
        RunStore.create(root / name, {}, {}).close()
    (root / "README.md").write_text("")
    (root / "empty").mkdir()
    (root / ".new-x").mkdir()
    (root / ".new-x" / "run.sqlite").write_text("")
    (root / "has space").mkdir()
    (root / "has space" / "run.sqlite").write_text("")
    assert run_names(root) == ["a", "b"]


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert run_names(tmp_path / "nowhere") == []
