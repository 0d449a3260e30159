"""Searches on the simulated task, as short as the tests of the interface need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import actsearch
from actsearch.runs import RunStore
from actsearch.search import Result
from tests.search.simulated import SimulatedTask


def start(folder: Path, **options: Any) -> Result:
    settings = {"births": 60, "workers": 1, "devices": "cpu", "run": "r", "runs_dir": folder}
    return actsearch.search(**{"task": SimulatedTask(), **settings, **options})


def go_on(folder: Path, **options: Any) -> Result:
    settings = {"task": SimulatedTask(), "workers": 1, "devices": "cpu", "runs_dir": folder}
    return actsearch.resume("r", **{**settings, **options})


def births(folder: Path) -> list[Any]:
    with RunStore.open(folder / "r") as store:
        return store.births()
