"""Named places in a driver, at each of which it can be ended, stopped or interrupted.

They are put around the doors of the real program from outside (SQLite's connection, the renames of
the operating system, the pool, the store, the compiler), so that nothing in it knows of them. Each
is counted as it is passed; ``Fuse`` says at which pass of which place something happens.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.runs import RunStore
from actsearch.search import api
from actsearch.search.ledger import Ledger
from actsearch.trials import arena
from actsearch.workers import Job

ACTIONS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "interrupt": signal.SIGINT,
    "terminate": signal.SIGTERM,
}


@dataclass(frozen=True)
class Fuse:
    """At the ``nth`` pass of ``point`` (from 1), ``delay_s`` later, the process gets a signal.

    The point "any" is passed with each of the others.
    """

    point: str
    nth: int = 1
    action: str = "kill"
    delay_s: float = 0.0


class Points:
    """Counts passes and burns fuses."""

    def __init__(self, fuses: Sequence[Fuse], acknowledged: str | None = None) -> None:
        self.passes: Counter[str] = Counter()
        self._fuses = list(fuses)
        self._lock = threading.Lock()
        self._acknowledged = acknowledged

    def __call__(self, point: str) -> None:
        with self._lock:
            for name in (point, "any"):
                self.passes[name] += 1
                for fuse in self._fuses:
                    if (fuse.point, fuse.nth) == (name, self.passes[name]):
                        _burn(fuse)

    def acknowledge(self, what: str) -> None:
        """Note, where no kill can take it back, that the store said something to be durable."""
        if self._acknowledged is not None:
            fd = os.open(self._acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(fd, f"{what}\n".encode())
            os.close(fd)


def _burn(fuse: Fuse) -> None:
    def act() -> None:
        time.sleep(fuse.delay_s)
        os.kill(os.getpid(), ACTIONS[fuse.action])

    if fuse.delay_s:
        threading.Thread(target=act, daemon=True).start()
    else:
        act()


def install(points: Points) -> None:
    """Put the points around the doors of this process, which is to end afterwards."""
    _around_sqlite(points)
    for name in ("rename", "replace", "link", "fsync"):
        setattr(os, name, _watched(points, name, getattr(os, name)))
    _around_store(points)
    _around_pools(points)
    _around_load(points)
    _around_compiler(points)


def _watched(points: Points, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def watched(*args: Any, **kwargs: Any) -> Any:
        points(f"{name}:before")
        result = call(*args, **kwargs)
        points(f"{name}:after")
        return result

    return watched


def _around_sqlite(points: Points) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, query: str, *values: Any) -> sqlite3.Cursor:
            kind = query.split()[0].lower()
            if kind not in ("begin", "commit", "create", "insert", "update"):
                return super().execute(query, *values)
            points(f"{kind}:before")
            cursor = super().execute(query, *values)
            points(f"{kind}:after")
            return cursor

    sqlite3.connect = functools.partial(sqlite3.connect, factory=Connection)  # type: ignore[assignment]


#: Method of the store -> what it makes durable.
_SAID: dict[str, Callable[..., Iterable[str]]] = {
    "add_births": lambda births, heat=None: (
        *(f"birth {birth.id}" for birth in births),
        *(() if heat is None else (f"heat {heat.id}",)),
    ),
    "add_heats": lambda heats: (f"heat {heat.id}" for heat in heats),
    "add_training": lambda row: (f"training {row.birth_id} {row.rung} {row.seed}",),
    "add_trial": lambda row: (f"trial {row.task} {row.split} {row.seed} {row.formula}",),
}


def _around_store(points: Points) -> None:
    for name, said in _SAID.items():
        setattr(RunStore, name, _saying(points, name, getattr(RunStore, name), said))
    for name in ("begin_session", "end_session", "close"):
        setattr(RunStore, name, _watched(points, name, getattr(RunStore, name)))
    for point, name in (("make", "create"), ("open", "open")):
        method = _watched(points, point, getattr(RunStore, name))
        setattr(RunStore, name, staticmethod(method))


def _saying(
    points: Points, name: str, method: Callable[..., Any], said: Callable[..., Iterable[str]]
) -> Callable[..., Any]:
    def call(store: RunStore, *rows: Any) -> None:
        points(f"{name}:before")
        method(store, *rows)
        for one in said(*rows):
            points.acknowledge(one)
        points(f"{name}:after")

    return call


def _around_pools(points: Points) -> None:
    """Watch what is dispatched and what comes back, whichever pool it is."""

    def watched(pool_for: Callable[..., Any]) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            pool = pool_for(*args, **kwargs)
            stream = pool.stream

            def watched_stream(next_job: Callable[[], Any], **options: Any) -> Iterator[Any]:
                def pulled() -> Any:
                    points("dispatch:before")
                    job = next_job()
                    if isinstance(job, Job):
                        points("dispatch:after")
                    return job

                with contextlib.closing(stream(pulled, **options)) as answers:
                    for answer in answers:
                        points("collect:received")
                        yield answer
                        points("collect:done")

            pool.stream = watched_stream
            return pool

        return make

    api.pool_for = watched(api.pool_for)
    arena.pool_for = watched(arena.pool_for)


def _around_load(points: Points) -> None:
    add_heat = Ledger.add_heat
    load = api.loaded
    is_loading = False

    def watched_heat(ledger: Ledger, heat: Any) -> None:
        if is_loading:
            points("load:midway")
        add_heat(ledger, heat)

    def watched_load(*args: Any) -> Ledger:
        nonlocal is_loading
        points("load:before")
        is_loading = True
        ledger = load(*args)
        is_loading = False
        points("load:after")
        return ledger

    for owner, name, watched in ((Ledger, "add_heat", watched_heat), (api, "loaded", watched_load)):
        setattr(owner, name, watched)


def _around_compiler(points: Points) -> None:
    def watched(compiling_ahead: Callable[..., Any]) -> Callable[..., Any]:
        def make(*args: Any) -> Any:
            compile = compiling_ahead(*args)
            return None if compile is None else _watched(points, "compile", compile)

        return make

    api.compiling_ahead = watched(api.compiling_ahead)
    arena.compiling_ahead = watched(arena.compiling_ahead)
