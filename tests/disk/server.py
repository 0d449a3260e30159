"""A process whose children work on a run while calls to the operating system fail.

All is imported once and each piece of work is a fork. On standard input comes a plan a line, out
goes what came of it a line: what was acknowledged, the error, and how many calls there were.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import actsearch
from actsearch.errors import ActsearchError
from actsearch.runs import Birth, Heat, RunStore, TrainingRow, filesystem
from actsearch.runs.repair import repair
from tests.search.simulated import SimulatedTask

SHIM = ctypes.CDLL(None)
N = 4


def birth(k: int) -> Birth:
    return Birth(k, "seed", (), f"x + {k}", None, "accepted")


def heat(k: int) -> Heat:
    return Heat(k, k, "full", (0,))


def training(k: int) -> TrainingRow:
    return TrainingRow(k, "full", 0, "ok", k / 7, {"a": 0.5}, ((1, 1.0, 0.5),), 0.5, "cpu")


def create(folder: Path, said: list[str], plan: dict[str, Any]) -> None:
    with RunStore.create(folder, {"task": "t"}, {}) as store:
        said.append("created")
        fill(store, said)


def write(folder: Path, said: list[str], plan: dict[str, Any]) -> None:
    with RunStore.open(folder, write=True) as store:
        fill(store, said)


def fill(store: RunStore, said: list[str]) -> None:
    with store.session({"n": N}):
        for k in range(store.n_births(), store.n_births() + N):
            store.add_births([birth(k)], heat(k))
            said.append(f"birth {k}")
            store.add_training(training(k))
            said.append(f"training {k}")


def mend(folder: Path, said: list[str], plan: dict[str, Any]) -> None:
    repair(folder)
    said.append("repaired")


def search(folder: Path, said: list[str], plan: dict[str, Any]) -> None:
    options: dict[str, Any] = {"task": SimulatedTask(), "workers": 1, "devices": "cpu"}
    options |= {"births": plan["births"], "runs_dir": folder.parent}
    if folder.exists():
        actsearch.resume(folder.name, **options)
    else:
        actsearch.search("default", seed=3, run=folder.name, **options)


WORK: dict[str, Callable[[Path, list[str], dict[str, Any]], None]] = {
    "create": create,
    "write": write,
    "repair": mend,
    "search": search,
}


def carry_out(plan: dict[str, Any]) -> dict[str, Any]:
    said: list[str] = []
    folder = Path(plan["folder"])
    error: tuple[str, str, int | None] | None = None
    warnings.simplefilter("ignore")
    if plan.get("shared"):
        filesystem.type_of = lambda _path: "nfs4"  # type: ignore[assignment]
    SHIM.faults_arm(
        str(folder.parent).encode(), ctypes.c_long(plan["nth"]), plan["for_good"], plan["errno"]
    )
    try:
        WORK[plan["work"]](folder, said, plan)
    except ActsearchError as one:
        error = (type(one).__name__, str(one), one.exit_code)
    except BaseException as one:  # noqa: BLE001 - the test is to see it
        error = (type(one).__name__, str(one), None)
    n_calls = SHIM.faults_count()
    SHIM.faults_arm(b"", ctypes.c_long(0), 0, 0)
    return {"said": said, "error": error, "n_calls": n_calls}


def serve() -> None:
    warm = False
    for line in sys.stdin:
        plan = json.loads(line)
        if (
            plan["work"] == "search" and not warm
        ):  # for what is imported, and kept, at the first one
            with tempfile.TemporaryDirectory() as folder:
                search(Path(folder, "r"), [], plan)
            warm = True
        if os.fork() == 0:
            answer = carry_out(plan)
            os.write(1, f"{json.dumps(answer)}\n".encode())
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    serve()
