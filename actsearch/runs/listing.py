"""All runs of a folder at a glance, also those that cannot be opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError
from actsearch.runs.folder import run_names, runs_root
from actsearch.runs.lock import holder
from actsearch.runs.scores import Scored, hall_of_fame
from actsearch.runs.store import RunStore

RUNNING = "running"
STOPPED = "stopped"
BROKEN = "broken"


@dataclass(frozen=True)
class RunInfo:
    """What ``actsearch runs`` says of one run.

    ``state`` is "running" (a process writes it now), "stopped" or "broken"; of a broken run only
    the name is known, and ``problem`` says what is wrong. ``created_s`` is Unix time, that of the
    first session (0 before it).
    """

    name: str
    folder: Path
    state: str
    task: str = ""
    space: str = ""
    n_births: int = 0
    n_trainings: int = 0
    best: Scored | None = None
    elapsed_s: float = 0.0
    created_s: float = 0.0
    problem: str = ""


def list_runs(root: Path | None = None) -> list[RunInfo]:
    """Return what there is to say of each run under ``root`` (None: the usual place), by name."""
    root = root or runs_root()
    return [summary(root / name) for name in run_names(root)]


def summary(folder: Path) -> RunInfo:
    """Return what there is to say of the run in ``folder``; a broken one is said to be broken."""
    try:
        state = RUNNING if holder(folder) else STOPPED
        with RunStore.open(folder) as store:
            births, sessions = store.births(), store.sessions()
            trainings = store.trainings()
            return RunInfo(
                name=folder.name,
                folder=folder,
                state=state,
                task=_word(store.config.get("task")),
                space=_word(store.config.get("space")),
                n_births=len(births),
                n_trainings=len(trainings),
                best=next(iter(hall_of_fame(births, trainings, 1)), None),
                elapsed_s=store.elapsed_s(),
                created_s=sessions[0].begin_s if sessions else 0.0,
            )
    except (ActsearchError, OSError) as error:
        return RunInfo(name=folder.name, folder=folder, state=BROKEN, problem=str(error))


def _word(value: Any) -> str:
    # The configuration is the search's; it holds a name, or what one is found under.
    if isinstance(value, dict):
        value = next((value[key] for key in ("name", "spec", "object") if key in value), "")
    return value if isinstance(value, str) else ""
