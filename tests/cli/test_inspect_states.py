"""`actsearch inspect` of runs in every state, of hostile text, and on narrow terminals."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from actsearch.cli.main import run
from actsearch.runs import Birth, RunStore
from tests.cli.conftest import Command, fill, ids, rows_of, training
from tests.runs.by_hand import as_format, by_hand

HOSTILE = "=cmd('x')\x1b[31m[red]<script>\r\n\u202e" + "A" * 300


HOSTILE_VIEWS = [
    (), ("--all",), ("--births",), ("--rejected",), ("2",), ("3",), ("4",), ("first",),
]  # fmt: skip


class Terminal(io.StringIO):
    """A terminal, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


def test_a_run_that_is_being_written_is_shown_as_of_now(actsearch: Command, runs_dir: Path) -> None:
    with RunStore.open(runs_dir / "first", write=True) as store:
        store.add_births([Birth(8, "seed", (), "tanh(x)", "f", "accepted", size=2)])
        for arguments in ((), ("--all",), ("--births",), ("--rejected",)):
            out = actsearch("inspect", "first", *arguments).out
            written = f"being written by process {os.getpid()}, shown as of now\n"
            assert written in out.splitlines(keepends=True)[0]
        assert "9 births" in actsearch("inspect", "first").out
    assert "being written" not in actsearch("inspect", "first").out


def test_a_run_without_trainings_says_what_there_is(actsearch: Command, runs_dir: Path) -> None:
    with RunStore.create(runs_dir / "begun", {"rungs": [{"name": "full"}]}, {}) as store:
        store.add_births([Birth(0, "seed", (), "tanh(x)", "f", "accepted", size=2)])
    births = "; all of them: actsearch inspect begun --births\n"
    for option, said in (
        ("--all", f"\nnone of 1 births is trained{births}"),
        ("--rejected", f"\nnone of 1 births is turned away before training{births}"),
    ):
        assert said in actsearch("inspect", "begun", option).out


def test_a_run_without_births_is_shown(actsearch: Command, runs_dir: Path) -> None:
    with RunStore.create(runs_dir / "empty", {"rungs": [{"name": "full"}]}, {}):
        pass
    for arguments, said in (
        ((), "no births yet"),
        (("--all",), "\nno births yet\n"),
        (("--births",), "\nno births yet\n"),
        (("--rejected",), "\nno births yet\n"),
        (("--front",), "no formula has a score yet"),
        (("first",), "found by both: 0"),
    ):
        answer = actsearch("inspect", "empty", *arguments)
        assert (answer.code, answer.err) == (0, "")
        assert said in answer.out
        assert actsearch("inspect", "empty", *arguments, "--format", "json").code == 0
    assert "no births yet" in actsearch("inspect", "empty", "0").err


@pytest.mark.parametrize("version", [1, 2])
def test_a_run_of_an_older_format_is_shown(
    version: int, actsearch: Command, runs_dir: Path
) -> None:
    as_format(runs_dir / "first", version)
    for arguments in ((), ("--births",), ("--rejected",), ("2",), ("first",)):
        assert actsearch("inspect", "first", *arguments).code == 0
    assert ids(actsearch) == [2, 1, 0]


@pytest.fixture
def hostile(runs_dir: Path) -> Path:
    """Return a run whose file holds hostile text wherever there can be text."""
    folder = runs_dir / "hostile"
    fill(folder)
    with by_hand(folder) as db:
        db.execute("UPDATE births SET operator = ?, reason = ?", (HOSTILE, HOSTILE))
        db.execute("UPDATE births SET formula = ? WHERE id IN (3, 4)", (HOSTILE,))
        db.execute("UPDATE trainings SET message = ?, device = ?", (HOSTILE, HOSTILE))
        config = {
            "task": HOSTILE,
            "space": HOSTILE,
            "score_name": HOSTILE,
            "rungs": [{"name": "full"}],
        }
        db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (json.dumps(config),))
    return folder


@pytest.mark.parametrize("arguments", HOSTILE_VIEWS, ids=str)
def test_hostile_text_harms_nobody(
    arguments: tuple[str, ...], actsearch: Command, hostile: Path
) -> None:
    table = actsearch("inspect", "hostile", *arguments)
    assert (table.code, table.err) == (0, "")
    assert all(line.isprintable() for line in table.out.splitlines())
    assert json.loads(actsearch("inspect", "hostile", *arguments, "--format", "json").out)
    text = actsearch("inspect", "hostile", *arguments, "--format", "csv").out
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "@", "\t")) for cell in row)


@pytest.fixture(params=[80, 120])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return how wide a terminal is, and a function that runs a command in it."""
    monkeypatch.setenv("COLUMNS", str(request.param))

    def call(*arguments: str) -> list[str]:
        with contextlib.redirect_stdout(Terminal()) as out:
            assert run(arguments) == 0
        return out.getvalue().splitlines()

    return request.param, call


def test_the_hall_of_fame_fits_a_terminal(terminal: Any, runs_dir: Path, golden: Any) -> None:
    columns, call = terminal
    lines = call("inspect", "first")
    table = lines[2 : lines.index("", 2)]
    assert max(map(len, table)) <= columns
    golden.check(f"inspect_first_{columns}.txt", "\n".join(table) + "\n")


@pytest.mark.parametrize("kind", [(), ("--births",), ("--rejected",)], ids=str)
def test_hostile_names_do_not_overrun_a_terminal(
    kind: tuple[str, ...], terminal: Any, hostile: Path
) -> None:
    columns, call = terminal
    lines = call("inspect", "hostile", *kind)
    rules = [k for k, line in enumerate(lines) if line and set(line) == {"─"}]
    assert rules
    for rule in rules:
        end = next((k for k in range(rule, len(lines)) if not lines[k]), len(lines))
        assert max(map(len, lines[rule - 1 : end])) <= columns
    assert all(line.isprintable() for line in lines)


def test_a_table_of_one_training_survives_strange_curves(
    actsearch: Command, runs_dir: Path
) -> None:
    config = {"rungs": [{"name": "full"}], "score_name": "accuracy"}
    with RunStore.create(runs_dir / "odd", config, {}) as store, store.session({}):
        store.add_births([Birth(0, "seed", (), "sin(x)", "f", "accepted", size=2)])
        nan, inf = float("nan"), float("inf")
        for seed, curve in enumerate([(), ((5, nan, inf),), ((9, 1e300, 0.1), (3, -1e300, 0.2))]):
            row = training(0, seed, 0.5)
            store.add_training(type(row)(**{**row.__dict__, "curve": curve}))
    answer = actsearch("inspect", "odd", "0")
    assert (answer.code, answer.err) == (0, "")
    assert "curves at the rung full, by step, 2 seeds" in answer.out


def test_ids_with_gaps_keep_their_births(actsearch: Command, runs_dir: Path) -> None:
    with by_hand(runs_dir / "first") as db:
        db.execute("DELETE FROM births WHERE id IN (3, 4)")
    found = rows_of(actsearch, "--all")
    assert [(row["id"], row["formula"]) for row in found][-1] == (5, "exp(exp(x))")


def test_a_list_is_made_without_looking_for_garbage(
    actsearch: Command, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    whole = RunStore.births

    def noted(store: RunStore) -> list[Birth]:
        seen.append(gc.isenabled())
        return whole(store)

    monkeypatch.setattr(RunStore, "births", noted)
    for arguments in ((), ("--all",), ("--rejected",), ("--where", "scor>1")):
        actsearch("inspect", "first", *arguments)
    assert seen == [False] * 4
    assert gc.isenabled()


def test_a_run_that_is_being_confirmed_says_so(actsearch: Command, runs_dir: Path) -> None:
    info = {"kind": "confirm", "finalists": ["x*sin(x)", HOSTILE], "tasks": ["mnist1d-cnn"]}
    with RunStore.open(runs_dir / "first", write=True) as store, store.session(info):
        out = actsearch("inspect", "first").out
        head = f"being confirmed by process {os.getpid()}, shown as of now\n"
        assert out.splitlines(keepends=True)[0].endswith(head)
        assert (
            "\nIts best are being confirmed on mnist1d-cnn, with fresh seeds; tried: x*sin(" in out
        )
        assert "\x1b" not in out
        assert "actsearch watch first" in out
        assert "actsearch confirm" not in out
        assert "actsearch resume" not in out
        two = actsearch("inspect", "first", str(runs_dir / "first")).out
        assert f"being confirmed by process {os.getpid()}" in two
    out = actsearch("inspect", "first").out
    assert "actsearch confirm first" in out
    assert "being confirmed" not in out
