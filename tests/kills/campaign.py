"""A run that is killed again and again, and what has to hold after each kill and at the end."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actsearch.runs import Birth, Heat, RunStore, TrainingRow, TrialRow
from actsearch.runs.events import event_log
from actsearch.runs.lock import holder
from tests.kills.drivers import ROOT, Call, Driver, Drivers
from tests.kills.points import Fuse

TASK = f"{ROOT / 'tests/kills/simulated_task.py'}:make_task"
KILLED = -signal.SIGKILL
#: In the driver's own process, in one that it guards, in two that are guarded by loky's.
ALONE = ("--workers", "inline")
ONE = ("--workers", "1")
TWO = ("--workers", "2")


@dataclass(frozen=True)
class Contents:
    """All that is committed in a run; what is timed is left out of births."""

    births: tuple[Birth, ...] = ()
    heats: tuple[Heat, ...] = ()
    trainings: tuple[TrainingRow, ...] = ()
    trials: tuple[TrialRow, ...] = ()
    elapsed_s: float = 0.0

    @classmethod
    def of(cls, folder: Path) -> Contents:
        """Read a run; where there is none nothing is committed."""
        if not (folder / "run.sqlite").exists():
            return cls()
        with RunStore.open(folder) as store, store.reading():
            return cls(
                tuple(replace(birth, created_s=0.0) for birth in store.births()),
                tuple(store.heats()),
                tuple(store.trainings()),
                tuple(store.trials()),
                store.elapsed_s(),
            )

    def keys(self) -> set[str]:
        """Return what is there as the store's acknowledgements name it (``points``)."""
        return {
            *(f"birth {birth.id}" for birth in self.births),
            *(f"heat {heat.id}" for heat in self.heats),
            *(f"training {row.birth_id} {row.rung} {row.seed}" for row in self.trainings),
            *(f"trial {row.task} {row.split} {row.seed} {row.formula}" for row in self.trials),
        }

    def trained(self) -> set[str]:
        """Return the trainings that are there as the task's trace names them."""
        return {
            *(
                f"{row.rung} {row.seed} {self.births[row.birth_id].formula}"
                for row in self.trainings
            ),
            *(f"full {row.seed} {row.formula}" for row in self.trials),
        }

    def begins(self, later: Contents) -> bool:
        """Tell whether this is what ``later`` was at an earlier moment."""
        return (
            self.births == later.births[: len(self.births)]
            and self.heats == later.heats[: len(self.heats)]
            and set(map(repr, self.trainings)) <= set(map(repr, later.trainings))
            and set(map(repr, self.trials)) <= set(map(repr, later.trials))
        )


class Campaign:
    """One run in ``folder``; each attempt goes on with it and is ended at some place.

    Args:
        reference: a whole run of the same kind, that nothing interrupted.
        begin: the command that makes the run, and its options.
        again: the command that goes on with it, and its options.
    """

    def __init__(
        self,
        drivers: Drivers,
        folder: Path,
        reference: Path,
        begin: Sequence[str],
        again: Sequence[str] = ("resume", "--confirm", "none"),
    ) -> None:
        self.folder = folder
        self.n_kills = 0
        self._drivers = drivers
        self._reference = reference
        self._whole = Contents.of(reference)
        self._begin, self._again = tuple(begin), tuple(again)
        self._seen = Contents.of(folder)
        self._all: list[Driver] = []

    def start(self, workers: Sequence[str] = ALONE, **options: Any) -> Driver:
        """Begin the run or go on with it; ``check`` is to be called after the end."""
        argv = command(self.folder, self._begin, self._again)
        driver = self._drivers.start(*argv, *workers, **options)
        self._all.append(driver)
        return driver

    def end_at(
        self,
        place: Fuse | Call,
        workers: Sequence[str] = ALONE,
        *,
        delay_s: float = 0.0,
        code: int = KILLED,
    ) -> None:
        """Let an attempt be ended at a place, which it has to reach."""
        where: dict[str, Any] = {"fuses": [place]} if isinstance(place, Fuse) else {"call": place}
        driver = self.start(workers, delay_s=delay_s, **where)
        got = driver.wait()
        said = driver.log.read_text(encoding="utf-8", errors="replace")
        assert got == code, f"{place} was not reached, or not the end ({got}): {said}"
        self.n_kills += 1
        self.check(driver)

    def check(self, driver: Driver, *, workers_lived: bool = True) -> None:
        """See that nothing is lost, doubled, or other than in the whole run."""
        before, now = self._seen, Contents.of(self.folder)
        assert before.begins(now), "something that was committed is gone or changed"
        assert now.begins(self._whole), "something is there that is not in the whole run"
        assert now.elapsed_s >= before.elapsed_s
        said = set(driver.lines(driver.acknowledged))
        assert said <= now.keys(), f"said to be durable, and lost: {said - now.keys()}"
        unsaid = Counter(key.split()[0] for key in now.keys() - before.keys() - said)
        # One transaction may have been committed and not come to be said.
        assert unsaid["training"] + unsaid["trial"] <= 1, unsaid
        assert not unsaid["training"] or not unsaid["birth"] + unsaid["heat"], unsaid
        begun = driver.lines(driver.trace)
        assert not set(begun) & before.trained(), "what was committed was trained again"
        if workers_lived:
            assert max(Counter(begun).values(), default=1) == 1, "trained twice in one session"
        self._seen = now

    def finish(self, workers: Sequence[str] = ALONE) -> Driver:
        """Go on to the end: the run is as if nothing had happened, and nothing else is left."""
        driver = self.start(workers)
        driver.wait(0)
        self.check(driver)
        self.check_whole()
        return driver

    def check_whole(self) -> None:
        """See that the run is the whole one, and that no process goes on."""
        assert log_of(self.folder) == log_of(self._reference)
        assert Contents.of(self.folder).trials == self._whole.trials
        assert holder(self.folder) is None
        for one in self._all:
            one.check_nothing_is_left()


def command(folder: Path, begin: Sequence[str], again: Sequence[str]) -> tuple[str, ...]:
    """Return ``again`` for a run that there is, else ``begin``, with where the run is."""
    where = (folder.name, "--runs-dir", str(folder.parent), *QUIETLY)
    return (*again, *where) if (folder / "run.sqlite").exists() else (*begin, "--run", *where)


QUIETLY = ("--no-report", "--quiet")


def log_of(folder: Path) -> list[str]:
    """Return the log of a run's events."""
    with RunStore.open(folder) as store:
        return event_log(store)


#: Places that every session passes, and up to how manieth pass a kill may wait there.
PLACES = {
    "open:after": 1,
    "replace:before": 1,
    "replace:after": 1,
    "load:before": 1,
    "load:after": 1,
    "begin_session:before": 1,
    "begin_session:after": 1,
    "begin:after": 6,
    "insert:after": 6,
    "update:after": 6,
    "commit:before": 6,
    "commit:after": 6,
    "compile:before": 2,
    "compile:after": 2,
    "dispatch:before": 4,
    "dispatch:after": 4,
    "collect:received": 4,
    "collect:done": 4,
    "add_births:before": 3,
    "add_births:after": 3,
    "add_training:before": 4,
    "add_training:after": 4,
}
#: Places that only the making of a run passes, in their order; the last leaves a run.
MAKING = (
    Fuse("make:before"),
    Fuse("create:after", 3),
    Fuse("commit:before"),
    Fuse("commit:after"),
    Fuse("insert:after", 2),
    Fuse("fsync:before"),
    Fuse("fsync:after", 2),
    Fuse("rename:before"),
    Fuse("rename:after"),
)
#: What comes at the end of a run.
ENDING = ("end_session:before", "end_session:after", "close:before", "close:after")


def shuffled(seed: int) -> list[Fuse]:
    """Return a kill at each place, in an order that a run can have, at passes drawn by the seed."""
    draw = random.Random(seed)
    midst = [Fuse(place, draw.randint(1, most)) for place, most in PLACES.items()]
    midst.append(Fuse("load:midway", draw.randint(1, 3)))
    draw.shuffle(midst)
    midst.sort(key=lambda fuse: fuse.point == "load:midway")  # there must be something to load
    return [*MAKING, *midst, *map(Fuse, ENDING)]
