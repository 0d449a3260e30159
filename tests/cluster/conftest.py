"""A cluster of real processes that tests share; those that end some of it have their own.

A worker can't import this folder by name, so what tasks need travels by value.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError
from actsearch.tasks.protocol import OK, STOPPED, Record, Rung, Training
from actsearch.workers import Cluster, Job
from actsearch.workers.cluster.link import Link
from actsearch.workers.cluster.pool import ClusterPool
from actsearch.workers.cluster.remote import Terms
from actsearch.workers.cluster.stream import Stream
from actsearch.workers.desk import Desk
from actsearch.workers.limits import TrainingLimit
from tests.cluster.dask_processes import Dask

pytest.importorskip("distributed")

MakePool = Callable[..., ClusterPool]


@dataclass(frozen=True)
class Told:
    """A task that does what its formula says; its scores depend on the training alone."""

    name: str = "told"
    score_name: str = "score"
    rungs: tuple[Rung, ...] = (Rung("full", 1, (0,)),)
    digest: Path | None = None  # a file that stands for the data: its text is in the settings
    lacks_at: Path | None = None  # a file that names the workers without the data

    def prepare(self) -> None:
        if self.lacks_at is not None and str(_grandparent()) in self.lacks_at.read_text().split():
            raise ActsearchError("the data are not here")

    def settings(self) -> dict[str, Any]:
        return {"data": {"digest": self.digest.read_text() if self.digest else "none"}}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        return [self._one(training, device, deadline) for training in trainings]

    def _one(self, training: Training, device: str, deadline: float | None) -> Record:
        order, _, argument = training.formula.partition(" ")
        begin, status = time.time(), OK
        if order == "sleep":
            time.sleep(float(argument))
        elif order == "until-deadline":
            while deadline is not None and time.time() < deadline:
                time.sleep(0.01)
            status = STOPPED
        elif order == "mark":  # say where this is, and take long the first time
            before = list(Path(argument).iterdir())
            (Path(argument) / str(_grandparent())).touch()
            time.sleep(0 if before else 60)
        elif order == "kill-worker":
            os.kill(_grandparent(), signal.SIGKILL)
            time.sleep(60)
        elif order == "no-disk-at":  # the workers that a file names
            if str(_grandparent()) in Path(argument).read_text().split():
                raise OSError(28, "No space left on device")
            time.sleep(0.02)
        elif order == "no-disk":
            raise OSError(28, "No space left on device")
        metrics = {
            "begin": begin,
            "end": time.time(),
            "guard": float(_grandparent()),
            "left": float("inf") if deadline is None else deadline - begin,
        }
        return Record(
            formula=training.formula,
            rung=training.rung,
            seed=training.seed,
            status=status,
            score=training.seed / 7 if status == OK else None,
            metrics={key: value for key, value in metrics.items() if value != float("inf")},
            curve=(),
            time_s=0.125,
            device=device,
        )


def _grandparent() -> int:
    """Return the worker of Dask: it starts the keeper, which forks the process that trains."""
    return int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """A scheduler with two workers, which tests leave as they were."""
    with contextlib.closing(Dask(tmp_path_factory.mktemp("dask"))) as made:
        made.work()
        made.work()
        yield made


@pytest.fixture
def own_dask(tmp_path: Path) -> Iterator[Dask]:
    """A scheduler of a test's own, without workers."""
    with contextlib.closing(Dask(tmp_path / "dask")) as made:
        yield made


@pytest.fixture(scope="session")
def link(dask: Dask) -> Iterator[Link]:
    with Link(Cluster(dask.address, wait_s=60)) as made:
        wait_for_workers(made, 2)
        yield made


@pytest.fixture
def pool_on() -> Iterator[MakePool]:
    """Make pools on a link."""
    with ExitStack() as stack:

        def make(link: Link, task: Any = None, **changes: Any) -> ClusterPool:
            task = Told() if task is None else task
            limit = TrainingLimit(None, task.rungs)
            terms = Terms(memory_limit="none", grace_s=changes.pop("grace_s", 60.0))
            made = ClusterPool(task, link, limit, **{"workers": 64, "terms": terms, **changes})
            return stack.enter_context(made)

        yield make


@pytest.fixture
def jobs() -> Callable[[Sequence[str]], list[Job]]:
    def make(orders: Sequence[str]) -> list[Job]:
        return [Job((k, k), Training(order, "full", k)) for k, order in enumerate(orders)]

    return make


@pytest.fixture
def hand_out() -> Callable[[Sequence[Any]], Callable[[], Any]]:
    def make(sequence: Sequence[Any]) -> Callable[[], Any]:
        rest = iter([*sequence, None])
        return lambda: next(rest)

    return make


def wait_for_workers(link: Link, n: int) -> list[str]:
    """Wait until the scheduler knows so many workers."""
    until = time.monotonic() + 60
    while len(there := link.workers()) != n:
        assert time.monotonic() < until, there
        time.sleep(0.05)
    return list(there)


def stream_of(
    link: Any, roster: Any, desk: Desk, most: int, limit_s: float | None = None
) -> Stream:
    """Return a stream with short patience that hands out what a desk has."""
    return Stream(
        *(link, roster, desk, queue.SimpleQueue(), lambda: None),
        key="k",
        most=most,
        limit=TrainingLimit(limit_s, Told().rungs),
        grace_s=1.0,
        patience_s=1.0,
    )
