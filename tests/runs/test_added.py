"""Seeds that a run was given later: after a repair they come at the place where they stood."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.runs import RunStore
from actsearch.runs.added import ADDED
from actsearch.runs.repair import repair
from tests.runs.simulated_run import OPTIONS, copy_to, log_of
from tests.runs.test_aside import Finish, finish, lose

SEEDS = ["x*cos(2*x)", "tanh(x)", "tanh(x) + x/7"]  # the second is a duplicate
N_BIRTHS = 56

__all__ = ["finish"]


@functools.cache
def with_seeds() -> Path:
    """Return the folder of a run that was gone on with twice, each time with seeds."""
    run = copy_to(Path(tempfile.mkdtemp(prefix="actsearch-test-")) / "r")
    with RunStore.open(run, write=True) as store, store.session({"kind": "confirm"}):
        pass
    for births, seeds in ((50, SEEDS[:2]), (N_BIRTHS, SEEDS[2:])):
        options = OPTIONS | {"runs_dir": run.parent}
        actsearch.resume(run.name, births=births, seed_formulas=seeds, **options)
    return run


def added_of(folder: Path) -> list[int]:
    with RunStore.open(folder) as store:
        return [birth.id for birth in store.births() if birth.operator == ADDED]


@pytest.mark.parametrize(
    "lost",
    [
        {"births": [3]},
        {"births": [3], "sessions": [3]},
        {"births": [3], "sessions": [1, 2, 3, 4]},
        {"births": added_of},
    ],
    ids=["birth", "session", "sessions", "seeds"],
)
def test_seeds_come_back_in_their_places(root: Path, finish: Finish, lost: dict[str, Any]) -> None:
    run = Path(shutil.copytree(with_seeds(), root / "r"))
    whole, places = log_of(run), added_of(run)
    assert len(places) == len(SEEDS)
    ids_of = {name: ids(run) if callable(ids) else ids for name, ids in lost.items()}
    with RunStore.open(run) as store:
        n_lost = sum(len(store.trainings(id_)) for id_ in ids_of["births"])
    for table, ids in ids_of.items():
        lose(run, table, ids)
    assert repair(run).lost["sessions"] == len(ids_of.get("sessions", []))
    n_trained = len(finish(run, 40)) + len(finish(run, N_BIRTHS))
    assert n_trained == n_lost
    assert added_of(run) == places
    assert log_of(run) == whole


def test_a_lost_session_leaves_the_limits_of_the_search_before_it(root: Path) -> None:
    """And not those of a confirmation, which has none: the run would be searched without end."""
    run = Path(shutil.copytree(with_seeds(), root / "r"))
    lose(run, "sessions", [3, 4])
    repair(run)
    with RunStore.open(run) as store:
        first, confirmed, lost = store.sessions()
        assert (confirmed.info, lost.outcome) == ({"kind": "confirm"}, "its row was lost")
        assert lost.end_s is not None
        assert store.last_search()["births"] == first.info["births"]
        assert first.info["births"]
