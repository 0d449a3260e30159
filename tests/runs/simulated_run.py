"""A run of a simulated search, for the tests of damage: made once, and copied."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import actsearch
from actsearch.runs import RunStore, event_log
from tests.search.simulated import SimulatedTask

OPTIONS: dict[str, Any] = {"task": SimulatedTask(), "workers": 1, "devices": "cpu"}


@functools.cache
def made(births: int = 45) -> Path:
    """Return the folder of a run of so many births; it is not to be changed."""
    root = Path(tempfile.mkdtemp(prefix="actsearch-test-"))
    actsearch.search("default", seed=3, births=births, run="r", runs_dir=root, **OPTIONS)
    return root / "r"


def copy_to(folder: Path, births: int = 45) -> Path:
    """Return a copy of that run at ``folder``."""
    shutil.copytree(made(births), folder)
    return folder


def go_on(folder: Path, births: int) -> list[str]:
    """Go on with a run and return its log."""
    actsearch.resume(folder.name, runs_dir=folder.parent, births=births, **OPTIONS)
    return log_of(folder)


def log_of(folder: Path) -> list[str]:
    """Return the log of a run."""
    with RunStore.open(folder) as store:
        return event_log(store)


def content(folder: Path) -> tuple[Any, ...]:
    """Return all that a run says."""
    with RunStore.open(folder) as store, store.reading():
        return (
            store.config,
            store.environment,
            store.births(),
            store.heats(),
            store.trainings(),
            store.trials(),
            store.sessions(),
        )
