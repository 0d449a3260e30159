"""A repair is killed at each of its steps, beside a log that holds commits which the file has not.

After each kill the run is as it was or the repaired one: nobody who opens it sees less, and the
next repair comes to what the first would have come to.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.checking import check
from actsearch.runs.repair import repair
from tests.kills.campaign import KILLED
from tests.kills.drivers import AFTER, BEFORE, MIDST, Drivers
from tests.kills.points import Fuse
from tests.runs.simulated_run import copy_to

N_MORE = 5
REPAIR = """
from pathlib import Path
from actsearch.runs.repair import repair
repair(Path({folder!r}))
"""
ENDINGS = ("", "-wal")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with a row that is another, whose last births are in the log alone."""
    root = tmp_path_factory.mktemp("runs")
    run = copy_to(root / "r")
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db, db:
        db.execute("UPDATE trainings SET score = score / 2 WHERE birth_id = 44")
    with RunStore.open(run, write=True) as store:
        births = store.births()
        last = next(one for one in reversed(births) if one.status == "rejected")
        for id_ in range(len(births), len(births) + N_MORE):
            store.add_births([replace(last, id=id_, parents=())])
        return Path(shutil.copytree(run, root / "killed"))


def content(folder: Path) -> tuple[Any, ...]:
    with RunStore.open(folder) as store, store.reading():
        return store.births(), store.heats(), store.trainings(), store.sessions()


class Attempts:
    """Repairs of copies of one damaged run, each of which is killed somewhere."""

    def __init__(self, drivers: Drivers, damaged: Path, root: Path) -> None:
        self._drivers, self._damaged, self._root = drivers, damaged, root
        self._numbers = itertools.count()
        whole = Path(shutil.copytree(damaged, root / "whole"))
        repair(whole)
        self._births, *_ = self._repaired = content(whole)

    def kill(self, **place: Any) -> bool:
        """Kill a repair at a place and look at what is left; False where it is never reached."""
        folder = Path(shutil.copytree(self._damaged, self._root / f"r{next(self._numbers)}"))
        place = {key: value(folder) for key, value in place.items()}
        driver = self._drivers.start(
            "-c", REPAIR.format(folder=str(folder)), folder=folder, **place
        )
        code = driver.wait()
        assert code in (0, KILLED), driver.log.read_text()
        copies = sorted(folder.glob("run.sqlite.damaged-*[0-9]"))
        for copy in copies:  # under such a name is all that there was, or nothing
            assert copy.read_bytes() == (self._damaged / "run.sqlite").read_bytes()
            log = copy.with_name(f"{copy.name}-wal")
            assert log.read_bytes() == (self._damaged / "run.sqlite-wal").read_bytes()
        if check(folder).damage:
            with RunStore.open(folder) as store:
                assert store.births() == self._births
            assert repair(folder).lost["births"] == 0
        assert content(folder) == self._repaired
        assert check(folder).damage == []
        assert not list(folder.glob("*.repaired-*"))
        shutil.rmtree(folder)
        return code == KILLED


@pytest.fixture
def attempts(drivers: Drivers, damaged: Path, tmp_path: Path) -> Attempts:
    return Attempts(drivers, damaged, tmp_path)


def at_file(nth: int) -> dict[str, Any]:
    return {"fuses": lambda _: [Fuse("file", nth)]}


def inside(call: str, nth: int, how: int) -> dict[str, Any]:
    return {"call": lambda folder: (call, f"{folder}/*", nth, how)}


def test_killed_at_every_name_that_it_changes_a_repair_loses_nothing(attempts: Attempts) -> None:
    assert n_kills(attempts, (at_file(nth) for nth in itertools.count(1))) >= 10


def test_killed_in_its_writes_a_repair_loses_nothing(attempts: Attempts) -> None:
    places = (inside("write", nth, MIDST) for nth in itertools.count(1, 11))
    assert n_kills(attempts, places) >= 3


@pytest.mark.nightly
@pytest.mark.parametrize("how", [BEFORE, MIDST, AFTER])
@pytest.mark.parametrize("call", ["write", "sync", "truncate"])
def test_killed_at_every_call_a_repair_loses_nothing(
    attempts: Attempts, call: str, how: int
) -> None:
    assert n_kills(attempts, (inside(call, nth, how) for nth in itertools.count(1))) >= 1


def n_kills(attempts: Attempts, places: Iterator[dict[str, Any]]) -> int:
    """Kill at place after place up to the first that is never reached."""
    return sum(1 for _ in itertools.takewhile(lambda place: attempts.kill(**place), places))
