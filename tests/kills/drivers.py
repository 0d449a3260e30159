"""Starting drivers, looking after the processes they leave, and reading what they did."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.kills.points import Fuse
from tests.kills.simulated_task import DELAY, TRACE

ROOT = Path(__file__).resolve().parents[2]
MARK = "KILLS_MARK"
#: How long a process may go on after the driver that it worked for.
GONE_WITHIN_S = 10.0
_ENDS_WITHIN_S = 240.0

#: The kind of a call to the operating system (write, sync, truncate), a pattern of the file's path,
#: which of those calls it is (from 1), and whether before, in the midst of, or after it.
Call = tuple[str, str, int, int]
BEFORE, MIDST, AFTER = range(3)


class Drivers:
    """Forks drivers of the real program, one at a time. A context manager.

    Args:
        home: a folder for what they leave behind: logs, traces.
        shim: the library of ``shim.c``, for those that are to be ended inside a call.
        ahead: further modules that are imported once.
    """

    def __init__(self, home: Path, shim: Path | None = None, ahead: Sequence[str] = ()) -> None:
        self.home = home
        self._numbers = itertools.count()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": ""}
        if shim is not None:
            environment["LD_PRELOAD"] = str(shim)
        names = ", ".join(map(repr, ahead))
        # Not by -m: the workers would import a main module that has a name.
        self._server = subprocess.Popen(
            [sys.executable, "-c", f"from tests.kills import driver; driver.serve({names})"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        *argv: str,
        fuses: Sequence[Fuse] = (),
        call: Call | None = None,
        folder: Path | None = None,
        record: Path | None = None,
        delay_s: float = 0.0,
        environment: dict[str, str] | None = None,
    ) -> Driver:
        """Start a command of the program.

        Args:
            argv: what stands behind ``actsearch``; or ``-c`` and a text in Python.
            fuses: where it is ended.
            call: inside of which call to the operating system it is ended.
            folder: changes below it are points, too.
            record: what is asked of the disk below this folder is kept, in ``Driver.recorded``.
            delay_s: how long a simulated training takes on the average.
            environment: variables that differ.
        """
        base = self.home / f"driver{next(self._numbers)}"
        driver = Driver(base, self._server)
        plan = {
            "argv": argv,
            "where": str(self.home),
            "log": str(driver.log),
            "fuses": [asdict(fuse) for fuse in fuses],
            "call": call,
            "folder": None if folder is None else str(folder),
            "record": [str(driver.recorded), str(record), str(driver.acknowledged)]
            if record is not None
            else None,
            "acknowledged": str(driver.acknowledged),
            "passes": str(driver.passes),
            "environment": {
                MARK: driver.mark,
                TRACE: str(driver.trace),
                DELAY: str(delay_s),
                "COLUMNS": "100",
                **(environment or {}),
            },
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(plan) + "\n")
        self._server.stdin.flush()
        driver.pid = int(self._server.stdout.readline())
        return driver

    def run(self, *argv: str, expect: int = 0, **options: object) -> Driver:
        """Start a command, wait for its end, and see that it ended as expected (as ``wait``)."""
        driver = self.start(*argv, **options)  # type: ignore[arg-type]
        driver.wait(expect)
        return driver

    def __enter__(self) -> Drivers:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:  # a test failed while a driver was going on
            self._server.kill()
            self._server.wait()
        self._server.stdout.close()


class Driver:
    """One command, going on or ended; its files are readable at any time."""

    def __init__(self, base: Path, server: subprocess.Popen[str]) -> None:
        self.pid = 0
        self.mark = str(base)
        self.log = base.with_suffix(".log")
        self.trace = base.with_suffix(".trace")
        self.acknowledged = base.with_suffix(".acknowledged")
        self.passes = base.with_suffix(".passes")
        self.recorded = base.with_suffix(".recorded")
        self._server = server
        self.status: int | None = None

    def wait(self, expect: int | None = None) -> int:
        """Wait for the end; the exit code, or minus the signal that ended it."""
        if self.status is None:
            assert self._server.stdout is not None
            line = self._server.stdout.readline()
            self.status = os.waitstatus_to_exitcode(int(line))
        said = self.log.read_text(encoding="utf-8", errors="replace")
        assert expect is None or self.status == expect, f"{self.status}, not {expect}: {said}"
        return self.status

    def lines(self, file: Path) -> list[str]:
        """Return the lines of one of its files; none where it was never made."""
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def counts(self) -> Counter[str]:
        """Return how often each point was passed, after an end that was not a kill."""
        return Counter(json.loads(self.passes.read_text(encoding="utf-8")))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it may have ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def processes(self) -> dict[int, str]:
        """Return the command lines of the processes that it started, at any remove, by their ids.

        They bear its mark in what they were started with, so those whose parents died are found.
        """
        return {
            pid: command for pid, command in marked(self.mark) if pid not in (self.pid, os.getpid())
        }

    def check_nothing_is_left(self) -> None:
        """See that all of its processes end in a while."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, left


def marked(mark: str) -> Iterator[tuple[int, str]]:
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    yield int(folder.name), command


def state_of(pid: int) -> str:
    """Return the state of a process as in ``R``, ``S``, ``T`` (stopped), ``Z``; empty: gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
