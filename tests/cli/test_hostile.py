"""A run made by someone who means ill: whatever its texts are, they are shown and do nothing.

Every command that reads, in every format, ends with an answer or with one clear message; no control
character reaches a terminal, no markup a page, no formula a spreadsheet.
"""

from __future__ import annotations

import csv
import html.parser
import io
import json
import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import typer

from actsearch.cli.main import app
from actsearch.runs import Birth, Heat, RunStore, TrainingRow, TrialRow
from tests.cli.conftest import Answer, Command

TEXTS = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "[red]x[/red]",
    "=1+1",
    "@SUM(A1)",
    "+1|cmd",
    "-1|cmd",
    "\t=1+1",
    "\r=1+1",
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "{{ 7*7 }}",
    "\u202egnp.exe",
    "nul\x00nul",
    "a\u2028b",
    "$\\frac{1$",
    "y" * 10_000,
    "",
)
#: One text that is all of them but for the long one; for names of which a run has a single one.
ALL = "<script>alert(1)</script>=1+1@SUM\x1b[2J[red]\u202e\x00$\\frac{1$"


def make(folder: Path, finalist: str) -> None:
    """Make a run with these texts wherever the store takes text.

    Args:
        folder: the run's.
        finalist: what was confirmed; where it is no formula there is no verdict.
    """
    config: dict[str, Any] = {
        "task": ALL,
        "space": f"={ALL}",
        "seed": ALL,
        "score_name": ALL,
        "search_rules": ALL,
        "rungs": [{"name": ALL, "steps": 30, "seeds": [0, 1]}],
        "task_settings": {ALL: ALL},
        "budget": ALL,
        "births": ALL,
        "device_kind": ALL,
        "seed_formulas": [ALL],
    }
    with RunStore.create(folder, config, {ALL: ALL, "python": ALL, "devices": [ALL]}) as store:
        with store.session({"budget": ALL, "births": ALL, "workers": ALL, "devices": ALL}):
            births = [Birth(0, "seed", (), "relu(x)", "0", "accepted", size=2, created_s=1.0)]
            births += [
                Birth(1 + k, text, (0,), text, text, "accepted", size=3)
                for k, text in enumerate(TEXTS)
            ]
            n = len(births)
            births += [
                Birth(n + 2 * k + j, text, (0, 1), text, None, status, reason=text)
                for k, text in enumerate(TEXTS)
                for j, status in enumerate(("rejected", "screened"))
            ]
            births.append(Birth(len(births), ALL, (0,), ALL, ALL, "duplicate", same_as=1))
            store.add_births(births)
            store.add_heats([Heat(0, 0, ALL, (0, 1)), Heat(1, 2, ALL, (0, 1, 7))])
            for birth in births[:n]:
                for seed in (0, 1):
                    store.add_training(training(birth.id, seed, birth.formula))
            store.end_session(ALL)
        info = {"kind": "confirm", "finalists": [finalist], "tasks": [ALL], "budget_s": ALL}
        with store.session(info):
            for text in dict.fromkeys((ALL, finalist, *TEXTS)):
                values = {ALL: 1.0, "n_parameters": 1.0}
                row = (ALL, "test", text, 1_000_000, "ok", 0.5, values, (), 1.0, text, text)
                store.add_trial(TrialRow(*row))
            store.end_session("KeyboardInterrupt")


def training(birth_id: int, seed: int, text: str) -> TrainingRow:
    """Return a training that says ``text`` wherever it can; every third one failed."""
    ok = birth_id % 3 != 2
    return TrainingRow(
        birth_id,
        ALL,
        seed,
        "ok" if ok else "failed",
        0.5 + birth_id / 100 if ok else None,
        {f"{text}: score": 0.5, ALL: math.nan, "preactivation_p50[0]": math.inf},
        ((1, 1.0, 0.5), (2, math.nan, 0.6)),
        1.0,
        text,
        text,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of two runs: ``bad``, and ``worse``, which can be told further."""
    folder = tmp_path_factory.mktemp("hostile")
    make(folder / "bad", ALL)
    make(folder / "worse", "x*sin(x)")
    return folder


@pytest.fixture(autouse=True)
def _there(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a fresh folder that holds the two."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(made)  # nothing here writes into a run


#: Births: the known one, one with escape sequences, with a script, one rejected, the duplicate.
_IDS = (0, 1, 10, 20, 1 + 3 * len(TEXTS))
#: What reads a run; those of them that take a format are tried in each.
READING = (
    "runs",
    "inspect bad",
    "inspect bad --all",
    "inspect bad --rejected",
    "inspect bad --front",
    *(f"inspect bad {id_}" for id_ in _IDS),
    "inspect bad worse",
    "watch bad --once",
    "watch worse --once",
)


def check_shown(text: str) -> None:
    """Assert that a terminal that is shown ``text`` does nothing but show it."""
    odd = {
        c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
    }
    assert odd == set()


def check_ended(answer: Answer) -> None:
    """Assert that a command answered, or said in a line why it does not."""
    assert answer.code in (0, 2), answer.err[-2000:]
    check_shown(answer.err)
    if answer.code == 2:
        assert answer.out == ""
        said = [line for line in answer.err.splitlines() if "error: " in line]
        assert len(said) == 1
        assert "fault of the program" not in said[0]


@pytest.mark.parametrize("words", READING)
def test_a_table_shows_it_and_does_nothing(actsearch: Command, words: str) -> None:
    answer = actsearch(*words.split())
    check_ended(answer)
    check_shown(answer.out)


@pytest.mark.parametrize("words", READING)
def test_json_is_json(actsearch: Command, words: str) -> None:
    answer = actsearch(*words.split(), "--format", "json")
    check_ended(answer)
    check_shown(answer.out)
    if answer.code == 0:
        assert json.loads(answer.out) is not None


@pytest.mark.parametrize("words", READING)
def test_csv_holds_no_formula_of_a_spreadsheet(actsearch: Command, words: str) -> None:
    answer = actsearch(*words.split(), "--format", "csv")
    check_ended(answer)
    check_shown(answer.out)
    for row in csv.reader(io.StringIO(answer.out, newline="")):
        for cell in row:
            assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"} or is_number(cell)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


#: What can stand on a command line.
_TYPED = [text for text in (ALL.replace("\x00", ""), *TEXTS) if "\x00" not in text]


@pytest.mark.parametrize("fmt", ["table", "json", "csv"])
def test_what_is_no_formula_is_bad_input(actsearch: Command, fmt: str) -> None:
    for text in _TYPED:
        answer = actsearch("analyze", "--format", fmt, "--", text)
        check_ended(answer)
        assert answer.code == 2, text
        assert len(answer.err) < 2000


@pytest.mark.parametrize("words", ["inspect", "watch", "resume", "confirm"])
def test_what_names_no_run_is_bad_input(actsearch: Command, words: str) -> None:
    for text in _TYPED:
        answer = actsearch(words, "--", text)
        check_ended(answer)
        assert answer.code == 2, text
        assert len(answer.err) < 2000


def test_it_can_be_watched_to_its_end(actsearch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actsearch.cli.watching.SHORT_PATIENCE_S", 0.0)
    for name in ("bad", "worse"):
        answer = actsearch("watch", name)
        check_ended(answer)
        check_shown(answer.out)
        assert answer.code == 0


class Page(html.parser.HTMLParser):
    """Collects what could run in a page: elements, and attributes that hold code or addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.suspects: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if name.startswith("on") or (tag == "img" and value == "x"):
                self.suspects.append(f"<{tag} {name}={value}>")
            if name in ("href", "src") and (value or "").lower().startswith("javascript"):
                self.suspects.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)


THERE = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["bad", "worse"])
@pytest.mark.skipif("report" not in THERE, reason="there is no report yet")
def test_a_page_shows_it_and_does_nothing(actsearch: Command, tmp_path: Path, name: str) -> None:
    answer = actsearch("report", name, "--out", "page.html")
    check_ended(answer)
    check_shown(answer.out)
    assert answer.code == 0 or name == "bad"
    if answer.code == 0:
        page = Page()
        page.feed((tmp_path / "page.html").read_text(encoding="utf-8"))
        assert page.suspects == []
        assert not any("alert(1)" in script for script in page.scripts)


@pytest.mark.parametrize("name", ["bad", "worse"])
@pytest.mark.skipif("plot" not in THERE, reason="there are no pictures yet")
def test_a_picture_shows_it_and_does_nothing(actsearch: Command, tmp_path: Path, name: str) -> None:
    answer = actsearch("plot", name, "--out", "pictures")
    check_ended(answer)
    check_shown(answer.out)
    for path in (tmp_path / "pictures").glob("*.svg"):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        assert page.suspects == page.scripts == []
