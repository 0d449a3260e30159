"""Runs that the tests of the report share, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from actsearch.report.facts import facts_of
from actsearch.report.page import render, report
from actsearch.trials.account import read_account
from tests.report.runs import LOSES, NEW, WINS, hostile_run, make_run


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders of runs that came to every kind of end."""
    root = tmp_path_factory.mktemp("report")
    return {
        "won": make_run(root / "won", finalists=(NEW,), trials=WINS),
        "lost": make_run(root / "lost", finalists=(NEW,), trials=LOSES),
        "open": make_run(root / "open", finalists=(NEW,), trials=WINS, n_seeds=3),
        "unconfirmed": make_run(root / "unconfirmed"),
        "empty": make_run(root / "empty", births=(), scores={}),
        "hostile": hostile_run(root / "hostile"),
    }


@pytest.fixture(scope="session")
def pages(runs: dict[str, Path]) -> dict[str, str]:
    """Return the reports of these runs; pictures, which take long, are in two of them."""
    accounts = {name: read_account(path) for name, path in runs.items()}
    return {
        name: report(account) if name in ("won", "hostile") else render(facts_of(account))
        for name, account in accounts.items()
    }


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: for tests of the file that a report becomes."""
    monkeypatch.setattr("actsearch.report.page.RUN_FIGURES", ())
