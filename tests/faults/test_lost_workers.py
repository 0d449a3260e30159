"""Guards that die or stall, drivers that are killed: nothing is lost, and nobody is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.tasks.protocol import Record, Training
from actsearch.workers import WAIT, Job, guard, make_pool, watchdog
from actsearch.workers.charge import Charge, Setup
from actsearch.workers.guard import Guard
from actsearch.workers.shipping import pack
from tests.faults.conftest import train_all
from tests.faults.hostile import ACTS, HostileTask

Alive = Callable[[], list[int]]


def wait_until_gone(alive: Alive) -> None:
    until = time.monotonic() + 20
    while alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert alive() == []


def test_a_training_that_takes_its_guard_along_is_found(marked: Alive) -> None:
    formulas = ["innocent"] * 3 + ["kills-its-guard"] + ["innocent"] * 4
    found = {job.key[0]: record for job, record in train_all(formulas, workers=2)}
    assert len(found) == len(formulas)
    culprit = found.pop(3)
    assert culprit.status == "crashed"
    assert ACTS["kills-its-guard"].says in culprit.message
    assert {record.status for record in found.values()} == {"ok"}
    wait_until_gone(marked)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers be taken for stalled after seconds."""
    for module in (watchdog, guard):
        monkeypatch.setattr(module, "START_S", 1.0)
    usual = {"bite": watchdog.end_workers, "margin_s": 0.5}
    monkeypatch.setattr(watchdog.Watchdog.__init__, "__kwdefaults__", usual)


@pytest.mark.usefixtures("soon")
def test_a_stalled_pool_is_renewed(marked: Alive, tmp_path: Path) -> None:
    stops = [f"stops-its-guard-once {tmp_path / name}" for name in "ab"]
    formulas = [*stops, *["innocent"] * 4]
    found = train_all(formulas, workers=2, training_limit=1.0)
    assert [record.status for _, record in found] == ["ok"] * len(formulas)
    assert len(list(tmp_path.iterdir())) == 2
    wait_until_gone(marked)


def stop_one_that_idles() -> None:
    workers = [one for one in multiprocessing.active_children() if "loky" in type(one).__module__]
    assert workers[0].pid is not None
    os.kill(workers[0].pid, signal.SIGSTOP)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("busy", [True, False])
def test_one_worker_of_two_that_stalls_is_noticed(
    marked: Alive, tmp_path: Path, busy: bool
) -> None:
    """While there is nothing else to hand out, as where the search waits for that very training."""
    first = f"stops-its-guard-once {tmp_path / 'a'}" if busy else "innocent"
    formulas = [first, *["innocent"] * 3]
    jobs = [Job((k, k), Training(name, "full", k)) for k, name in enumerate(formulas)]
    answered: list[str] = []
    rest, until = iter(jobs), time.monotonic() + 60

    def next_job() -> Any:
        if (job := next(rest, None)) is not None:
            return job
        assert time.monotonic() < until
        return WAIT if len(answered) < len(jobs) or time.monotonic() < idle_until else None

    idle_until = 0.0
    with make_pool(HostileTask(), workers=2, processes=True, training_limit=1.0) as pool:
        for _, record in pool.stream(next_job):
            answered.append(record.status)
            if len(answered) == len(jobs) and not busy:
                idle_until = time.monotonic() + 1.0
                stop_one_that_idles()
    assert answered == ["ok"] * len(jobs)
    wait_until_gone(marked)


DRIVER = """
    import os
    import sys
    from actsearch.tasks.protocol import Training
    from actsearch.workers import Job, make_pool
    from tests.faults.hostile import HostileTask

    def next_job():
        global n
        n += 1
        return Job((n, 0), Training(sys.argv[2] if n > 4 else "innocent", "full", 0))

    n = 0
    if __name__ == "__main__":
        with make_pool(HostileTask(), workers=int(sys.argv[1]), processes=True) as pool:
            for _ in pool.stream(next_job):
                print("x", flush=True)
"""


@pytest.mark.parametrize(
    ("workers", "how"), [(1, "hangs-in-c"), (2, "hangs-in-c"), (1, "stops-itself")]
)
def test_nobody_outlives_a_killed_driver(
    marked: Alive, tmp_path: Path, workers: int, how: str
) -> None:
    path = tmp_path / "driver.py"
    path.write_text(textwrap.dedent(DRIVER), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(path), str(workers), how],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as driver:
        assert driver.stdout is not None
        for _ in range(4):
            assert driver.stdout.readline() == b"x\n"
        time.sleep(0.2)  # now it hangs, or is about to
        assert len(marked()) > 2
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    wait_until_gone(marked)


def test_what_a_killed_keeper_left_goes_with_its_guard(marked: Alive) -> None:
    charges: list[Charge] = []

    def start(setup: Setup) -> Charge:
        charges.append(Charge(setup))
        return charges[-1]

    guard = Guard(Setup(pack(HostileTask())), start)
    answer = guard.train(Training("forks", "full", 1))
    assert isinstance(answer, Record)
    assert answer.status == "ok"
    os.kill(charges[0].keeper, signal.SIGKILL)
    while charges[0]._process.poll() is None:
        time.sleep(0.005)
    assert marked()  # what was forked: it belongs to nobody now
    guard.close()
    wait_until_gone(marked)


def test_a_killed_guard_takes_its_process_along(marked: Alive, tmp_path: Path) -> None:
    code = """
        import os, signal
        from actsearch.tasks.protocol import Training
        from actsearch.workers.charge import Setup
        from actsearch.workers.guard import Guard
        from actsearch.workers.shipping import pack
        from tests.faults.hostile import HostileTask

        guard = Guard(Setup(pack(HostileTask())))
        for act in ("innocent", "forks", "forks-a-daemon"):
            print(guard.train(Training(act, "full", 1)).status, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    assert done.stdout.split() == [b"ok"] * 3
    assert done.returncode == -signal.SIGKILL
    wait_until_gone(marked)
