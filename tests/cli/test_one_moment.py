"""A run that is written while it is read: all of an answer is of one moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.cli.export_facts import RunFacts
from actsearch.results.view import read_run
from actsearch.runs import Birth, RunStore, TrialRow
from actsearch.trials.account import read_account
from tests.cli.conftest import Command, training

INFO = {"kind": "confirm", "finalists": ["x*sin(x)"], "tasks": ["mnist1d-cnn"]}


@pytest.fixture
def writer(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let a writer add a birth, its training and a trial behind each thing that a reader reads."""
    added: list[int] = []
    with RunStore.open(runs_dir / "first", write=True) as store, store.session(INFO):

        def after(name: str) -> None:
            whole = getattr(RunStore, name)

            def read(self: RunStore, *arguments: Any) -> Any:
                found = whole(self, *arguments)
                if self is not store:
                    id_ = 8 + len(added)
                    added.append(id_)
                    store.add_births([Birth(id_, "seed", (), "tanh(x)", f"f{id_}", "accepted")])
                    store.add_training(training(id_, 0, 0.5))
                    row = ("mnist1d-cnn", "test", "x*sin(x)", 1_000_000 + id_)
                    store.add_trial(TrialRow(*row, "ok", 0.7, {}, (), 1.0, "cpu"))
                return found

            monkeypatch.setattr(RunStore, name, read)

        for name in ("births", "trainings", "sessions", "trials"):
            after(name)
        yield added


def test_a_view_is_of_one_moment(runs_dir: Path, writer: list[int]) -> None:
    view = read_run(runs_dir / "first")
    assert (len(view.births), view.totals.trained, len(view.trainings)) == (8, 4, 8)
    assert len(writer) > 2
    assert "not trained yet" not in view.totals.sentence()
    assert len(read_run(runs_dir / "first").births) > 8


def test_search_and_trials_are_of_one_moment(runs_dir: Path, writer: list[int]) -> None:
    account = read_account(runs_dir / "first")
    assert (len(account.run.births), account.trials) == (8, None)
    n = 8 + len(writer)
    run = actsearch.open_run(runs_dir / "first")
    assert (len(run.births), len(run.trainings), len(run.trials)) == (n, n, n - 8)
    n = 8 + len(writer)
    account = read_account(runs_dir / "first")
    assert account.trials is not None
    assert (len(account.run.births), account.trials.verdict.n_trials) == (n, n - 8)
    n = 8 + len(writer)
    assert len(RunFacts(runs_dir / "first").ranked) == n - 5


def test_a_birth_and_what_confirmed_it_are_of_one_moment(
    actsearch: Command, runs_dir: Path, writer: list[int]
) -> None:
    def found(id_: int) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(
            actsearch("inspect", "first", str(id_), "--format", "json").out
        )
        return record

    assert found(2)["confirmation"] is None
    n = len(writer)
    assert found(2)["confirmation"]["n"] == n
