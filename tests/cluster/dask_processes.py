"""A real scheduler and real workers, as processes on loopback that a test can kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Without an address its pages would be open to all networks, dashboard or not.
_NO_DASHBOARD = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
#: Processes start slowly where many do at once.
_START_S = 60.0


class Dask:
    """A scheduler in a folder of its own, and the workers that were started for it."""

    def __init__(self, folder: Path, *, tls: Sequence[Path] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._tls = _tls_options(tls)
        self._file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            *("scheduler", "--host", f"{'tls' if tls else 'tcp'}://127.0.0.1:0", *_NO_DASHBOARD),
            *("--scheduler-file", str(self._file), *self._tls),
        )
        self.address = str(json.loads(_written(self._file, self.scheduler))["address"])

    def work(self, *options: str, nanny: bool = False) -> subprocess.Popen[bytes]:
        """Start a worker of one thread; it comes when it comes."""
        worker = self._start(
            *("worker", self.address, "--host", "127.0.0.1", *_NO_DASHBOARD),
            *("--nanny" if nanny else "--no-nanny", "--local-directory", str(self._folder)),
            *([] if "--nthreads" in options else ["--nthreads", "1"]),
            *self._tls,
            *options,
        )
        self.workers.append(worker)
        return worker

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{arguments[0]}-{len(list(self._folder.iterdir()))}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **_QUICK},
                start_new_session=True,
            )

    def close(self) -> None:
        """End all of it."""
        for process in (*self.workers, self.scheduler):
            end(process)


#: A connection that broke is noticed, and given up, sooner than between continents.
_QUICK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s", "OMP_NUM_THREADS": "1"}


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _written(file: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            text = file.read_text()
            json.loads(text)
            return text
        time.sleep(0.02)
    raise AssertionError(f"no scheduler: {[log.read_text() for log in file.parent.glob('*.log')]}")


def _tls_options(files: Sequence[Path]) -> list[str]:
    if not files:
        return []
    names = ("--tls-ca-file", "--tls-cert", "--tls-key")
    return [word for name, file in zip(names, files, strict=True) for word in (name, str(file))]
