"""What a search says can be done next: commands that fit how it ended and where it trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.hall import print_next
from actsearch.results.view import RunView, Totals


def view_of(rows: list[dict[str, Any]], totals: Totals, ended: str = "") -> RunView:
    return RunView(Path("runs/r"), {}, rows, totals, [], [], ("full",), [], {}, ended)


def test_what_has_nothing_to_confirm_does_not_ask_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    totals = Totals(2, 2, 0, 0, 0, 2, 2, 1.0, 1.0)
    rows: list[dict[str, Any]] = [{"id": 0, "rank": 1, "known": "ReLU"}]
    print_next(view_of(rows, totals))
    said = capsys.readouterr().out
    assert "actsearch resume r" in said
    assert "actsearch confirm r" not in said
    print_next(view_of([*rows, {"id": 1, "rank": 2, "known": None}], totals))
    assert "actsearch confirm r" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trained", "option"), [(2, "--all"), (0, "--rejected")], ids=["failed", "turned away"]
)
def test_a_run_without_a_score_is_no_start_for_another(
    trained: int, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = Totals(2, trained, 0, 2 - trained, 0, trained, 0, 1.0, 1.0)
    for ended in ("the space is walked through: ...", "the space seems exhausted: ..."):
        print_next(view_of([], totals, ended))
        (line,) = capsys.readouterr().out.split("next:\n")[1].splitlines()
        assert line.startswith(f"  actsearch inspect r {option} ")


@pytest.mark.parametrize(
    ("ended", "command"),
    [
        ("nothing is worth", "resume r --workers 2 --seed-formula FORMULA"),
        ("the space is walked through: ...", "search default --task '' --seed-run r --workers 2"),
        ("only few", "resume r --births 3002 --workers 2"),
    ],
)
def test_all_ways_on_train_where_the_search_did(
    ended: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actsearch.runs.nothing_passed", lambda ended: "nothing" in ended)
    monkeypatch.setattr("actsearch.runs.lacks_births", lambda ended: "few" in ended)
    rows: list[dict[str, Any]] = [{"id": 0, "rank": 1, "known": "ReLU"}]
    view = view_of(rows, Totals(2, 2, 0, 0, 0, 2, 2, 1.0, 1.0), ended)
    print_next(view, searches=("--workers", "2"))
    assert f"  actsearch {command} " in capsys.readouterr().out


def test_a_leader_of_any_inputs_can_be_taken_home(capsys: pytest.CaptureFixture[str]) -> None:
    totals = Totals(1, 1, 0, 0, 0, 1, 1, 1.0, 1.0)
    for formula in ("silu(x)*u", "relu(x)*o", "input: relu(x) | last: tanh(x)"):
        rows: list[dict[str, Any]] = [{"id": 7, "rank": 1, "known": None, "formula": formula}]
        print_next(view_of(rows, totals))
        assert "actsearch export r 7 " in capsys.readouterr().out
