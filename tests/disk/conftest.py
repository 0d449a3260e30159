"""A server whose pieces of work meet a disk that is full or broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shim.library import compiled

ROOT = Path(__file__).resolve().parents[2]
Work = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """Return what carries out a piece of work on a run; skipped where there is no compiler."""
    library = compiled(tmp_path_factory.mktemp("shim"))
    if library is None:
        pytest.skip("the calls are made to fail by a C library, on Linux")
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.disk.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        told, heard = server.stdin, server.stdout

        def ask(
            what: str, folder: Path, nth: int = 0, fault: tuple[int, bool] = (0, False), **more: Any
        ) -> dict[str, Any]:
            plan = {
                "work": what,
                "folder": str(folder),
                "nth": nth,
                "errno": fault[0],
                "for_good": fault[1],
                **more,
            }
            told.write(json.dumps(plan) + "\n")
            told.flush()
            answer: dict[str, Any] = json.loads(heard.readline())
            return answer

        yield ask
        told.close()
        server.wait()
