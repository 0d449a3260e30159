"""Tasks that do what their formula says, and the two pools that every test of the contract runs on.

A worker process can't import this file by its name, so the tasks travel by value, as those of a
user's file do.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actsearch.tasks.protocol import OK, STOPPED, Record, Rung, Training
from actsearch.workers import Cluster, Job, Pool, make_pool
from actsearch.workers.cluster.link import Link

MakePool = Callable[..., Pool]


@dataclass(frozen=True)
class ObedientTask:
    """Takes the formula as an order: "sleep 0.1", "raise", "exit" ...; any other is trained."""

    name = "obedient"
    score_name = "obedience"
    rungs = (Rung("full", 1, (0,)),)

    def prepare(self) -> None:
        pass

    def settings(self) -> dict[str, Any]:
        return {}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        return [self._obey(training, device, deadline) for training in trainings]

    def _obey(self, training: Training, device: str, deadline: float | None) -> Any:
        order, _, argument = training.formula.partition(" ")
        begin = time.time()
        if order == "sleep":
            time.sleep(float(argument))
        elif order == "until-deadline":
            while deadline is None or time.time() < deadline:
                time.sleep(0.01)
            return _record(training, device, status=STOPPED, score=None)
        elif order == "meet":
            (Path(argument) / str(training.seed)).touch()
            while len(list(Path(argument).iterdir())) < 2:
                if time.time() > begin + 60:
                    raise TimeoutError("nobody came")
                time.sleep(0.005)
        elif order == "hang":
            while True:
                time.sleep(0.01)
        elif order == "raise":
            raise RuntimeError(argument or "as told")
        elif order == "raise-unprintable":
            raise _Unprintable
        elif order == "exit":
            sys.exit(int(argument))
        elif order == "die":
            os._exit(int(argument))
        elif order == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif order == "interrupt-me":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        elif order == "print":
            print("a word on standard output")
        elif order == "answer":
            return _ANSWERS[argument](training, device)
        elif order == "torch":
            return self._torch(training, device)
        pid = float(os.getpid())
        metrics = {"begin": begin, "end": time.time(), "pid": pid}
        return _record(training, device, metrics=metrics, score=training.seed / 7)

    def _torch(self, training: Training, device: str) -> Record:
        import torch

        generator = torch.Generator().manual_seed(training.seed)
        x = torch.rand(700, 700, generator=generator)
        score = torch.linalg.norm(torch.softmax(x @ x.T, 0) @ x).item() + x.sum().item()
        threads = {"threads": float(torch.get_num_threads())}
        return _record(training, device, score=score, metrics=threads)


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


def _record(training: Training, device: str, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "formula": training.formula,
        "rung": training.rung,
        "seed": training.seed,
        "status": OK,
        "score": 0.5,
        "metrics": {},
        "curve": ((1, 0.5, 0.25),),
        "time_s": 0.125,
        "device": device,
    }
    return Record(**values | changes)


#: Answers that no task should give, but a user's may.
_ANSWERS: dict[str, Callable[[Training, str], Any]] = {
    "none": lambda training, device: None,
    "nan": lambda training, device: _record(training, device, score=float("nan")),
    "no-score": lambda training, device: _record(training, device, score=None),
    "odd-status": lambda training, device: _record(training, device, status="odd"),
    "other-seed": lambda training, device: _record(training, device, seed=training.seed + 1),
    "flat-curve": lambda training, device: _record(training, device, curve=(1, 2, 3)),
    "text-metric": lambda training, device: _record(training, device, metrics={"a": "b"}),
    "lambda": lambda training, device: _record(training, device, message=lambda: 0),
    "surrogate": lambda training, device: _record(training, device, message="caf\udce9"),
}


@pytest.fixture
def task() -> ObedientTask:
    return ObedientTask()


@pytest.fixture(scope="session")
def local_link() -> Iterator[Link]:
    """A cluster of two real worker processes, and a scheduler, for all tests of the session."""
    pytest.importorskip("distributed")
    with Link(Cluster("local:2")) as link:
        yield link


@pytest.fixture(params=["in-process", "guarded", "processes", "cluster"])
def pool_kind(request: pytest.FixtureRequest) -> str:
    if request.param == "cluster":
        request.getfixturevalue("local_link")
    return str(request.param)


@pytest.fixture
def pool(pool_kind: str, task: ObedientTask, request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Each of the pools in turn, with as many workers as it can have here."""
    n_workers = 2 if pool_kind in ("processes", "cluster") else 1
    link = request.getfixturevalue("local_link") if pool_kind == "cluster" else None
    processes = pool_kind != "in-process"
    with make_pool(task, workers=n_workers, processes=processes, link=link) as made:
        yield made


@pytest.fixture
def two(task: ObedientTask) -> Iterator[MakePool]:
    """Make pools of two processes."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Pool:
            return stack.enter_context(make_pool(task, **{"workers": 2, **changes}))

        yield make


def jobs_of(formulas: Sequence[str]) -> list[Job]:
    return [
        Job((birth_id, birth_id), Training(formula, "full", birth_id))
        for birth_id, formula in enumerate(formulas)
    ]


@pytest.fixture
def jobs() -> Callable[[Sequence[str]], list[Job]]:
    return jobs_of


@pytest.fixture
def hand_out() -> Callable[[Sequence[Any]], Callable[[], Any]]:
    """Make a ``next_job`` that hands out a sequence, then None, and must not be called again."""

    def make(sequence: Sequence[Any]) -> Callable[[], Any]:
        rest = iter([*sequence, None])

        def next_job() -> Any:
            for item in rest:
                return item
            raise AssertionError("asked for more after None")

        return next_job

    return make


def children() -> set[int]:
    """Return the ids of this process's children, loky's bookkeeper apart."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z" and b"tracker" not in command:
            found.add(int(stat.parent.name))
    return found


@pytest.fixture
def no_child_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    if "pool_kind" in request.fixturenames:
        request.getfixturevalue("pool_kind")  # a cluster is there before, and stays
    before = children()
    yield
    deadline = time.monotonic() + 10
    while children() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children() - before == set()
