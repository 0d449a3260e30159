"""Processes: deaths, leases, renewal, Ctrl-C, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.workers import make_pool

Jobs = Callable[..., list[Any]]
HandOut = Callable[[Any], Callable[[], Any]]

pytestmark = pytest.mark.usefixtures("no_child_is_left")


def test_killers_are_found_and_all_others_are_answered(
    two: Any, jobs: Jobs, hand_out: HandOut, capfd: pytest.CaptureFixture[str]
) -> None:
    given = jobs(["x", "sleep 0.02", "die 7", "x", "sleep 0.02", "x", "segfault", "x", "x"])
    answers = list(two().stream(hand_out(given)))
    assert sorted(job.key for job, _ in answers) == [job.key for job in given]
    by_formula = {record.formula: record for _, record in answers}
    for formula, how in (
        ("die 7", "it ended with exit code 7"),
        ("segfault", "it was ended by SIGSEGV: Fatal Python error: Segmentation fault; File "),
    ):
        record = by_formula[formula]
        assert (record.status, record.score) == ("crashed", None)
        assert record.message.startswith(f"the process that trains is gone: {how}")
        assert record.message.endswith(" (tried 3 times)")
    assert [r.status for _, r in answers].count("ok") == len(given) - 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_run_of_killers_ends(two: Any, jobs: Jobs, hand_out: HandOut) -> None:
    answers = list(two().stream(hand_out(jobs(["die 1"] * 3))))
    assert [record.status for _, record in answers] == ["crashed"] * 3


def test_one_process_is_enough_to_survive_a_killer(
    task: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    with make_pool(task, workers=1, processes=True) as pool:
        answers = list(pool.stream(hand_out(jobs(["x", "die 1", "x"]))))
    assert sorted(record.status for _, record in answers) == ["crashed", "ok", "ok"]
    spans = sorted((r.metrics["begin"], r.metrics["end"]) for _, r in answers if r.status == "ok")
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_a_worker_killed_from_outside_costs_nothing(
    two: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    answers = two().stream(hand_out(jobs(["x", "sleep 0.5", "sleep 0.5", "x"])))
    _, first = next(answers)
    os.kill(int(first.metrics["pid"]), signal.SIGKILL)
    rest = [record for _, record in answers]
    assert [record.status for record in rest] == ["ok"] * 3


def test_both_workers_work_at_once(two: Any, jobs: Jobs, hand_out: HandOut, tmp_path: Path) -> None:
    # Each of the two waits until the other has begun.
    answers = list(two().stream(hand_out(jobs([f"meet {tmp_path}"] * 2))))
    assert [record.status for _, record in answers] == ["ok"] * 2
    assert len({record.metrics["pid"] for _, record in answers}) == 2


@pytest.mark.parametrize("workers", [2, 3])
def test_a_device_is_never_leased_twice_at_once(
    task: Any, jobs: Jobs, hand_out: HandOut, workers: int
) -> None:
    devices = tuple(f"fake:{k}" for k in range(workers))
    orders = [f"sleep {0.01 * (1 + k % 4)}" for k in range(12)] + ["raise"]
    with make_pool(task, workers=workers, devices=devices) as pool:
        answers = list(pool.stream(hand_out(jobs(orders))))
    assert len(answers) == 13
    spans: dict[str, list[tuple[float, float]]] = {}
    for _, record in answers:
        if record.status == "ok":
            span = (record.metrics["begin"], record.metrics["end"])
            spans.setdefault(record.device, []).append(span)
    assert sorted(spans) == list(devices)
    for one in spans.values():
        assert all(end <= begin for (_, end), (begin, _) in pairwise(sorted(one)))


def test_a_lease_survives_a_crash(task: Any, jobs: Jobs, hand_out: HandOut) -> None:
    with make_pool(task, workers=2, devices=("fake:0", "fake:1")) as pool:
        answers = list(pool.stream(hand_out(jobs(["sleep 0.1", "die 1", *["sleep 0.1"] * 3]))))
    assert sorted(record.status for _, record in answers) == ["crashed"] + ["ok"] * 4
    assert {record.device for _, record in answers} == {"fake:0", "fake:1"}


def test_workers_are_renewed(task: Any, jobs: Jobs, hand_out: HandOut) -> None:
    with make_pool(task, workers=2, renew_after=2) as pool:
        answers = list(pool.stream(hand_out(jobs(["sleep 0.01"] * 9))))
    assert {record.status for _, record in answers} == {"ok"}
    by_pid: dict[float, int] = {}
    for _, record in answers:
        by_pid[record.metrics["pid"]] = by_pid.get(record.metrics["pid"], 0) + 1
    assert len(by_pid) > 2
    assert max(by_pid.values()) <= 2


def test_a_training_that_hangs_past_the_deadline_is_ended(
    task: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    end = time.time() + 1
    with make_pool(task, workers=2, grace_s=0.1) as pool:
        answers = pool.stream(hand_out(jobs(["hang", "hang"])), deadline=lambda: end)
        found = [(record.status, record.message) for _, record in answers]
    assert found == [("stopped", "it did not stop at its deadline")] * 2


def test_ctrl_c_reaches_the_driver_alone(two: Any, jobs: Jobs, hand_out: HandOut) -> None:
    answers = list(two().stream(hand_out(jobs(["interrupt-me"] * 3))))
    assert [record.status for _, record in answers] == ["ok"] * 3


def test_standard_output_belongs_to_the_driver(
    two: Any, jobs: Jobs, hand_out: HandOut, capfd: pytest.CaptureFixture[str]
) -> None:
    list(two().stream(hand_out(jobs(["print"]))))
    assert capfd.readouterr().out == ""


def test_a_stream_can_be_read_in_another_thread(two: Any, jobs: Jobs, hand_out: HandOut) -> None:
    answers: list[Any] = []
    stream = two().stream(hand_out(jobs(["x"] * 3)))
    thread = threading.Thread(target=lambda: answers.extend(stream))
    thread.start()
    thread.join()
    assert len(answers) == 3


def test_workers_that_cannot_start_are_an_error_and_no_verdict(
    two: Any, jobs: Jobs, hand_out: HandOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Called with too many arguments, it raises in the worker, which then ends.
    monkeypatch.setattr("actsearch.workers.processes.initialize_process", os.getpid)
    pool = two()
    with pytest.raises(ActsearchError, match="die as they start") as caught:
        list(pool.stream(hand_out(jobs(["x", "x"]))))
    assert caught.value.exit_code == 1


def test_a_task_that_cannot_be_sent_is_bad_input(task: Any) -> None:
    class Holding(type(task)):  # type: ignore[misc]
        name = "holding"

        def __reduce__(self) -> Any:
            raise TypeError("cannot pickle an open file")

    with pytest.raises(BadInput, match=r"'holding' can't be sent .* open file.*--workers 1"):
        make_pool(Holding(), workers=2)


TASK_FILE = """
    import importlib.util
    from actsearch.tasks.protocol import Record, Rung

    HELP = 0.25

    def helper():
        return HELP

    class Mine:
        name, score_name, rungs = "mine", "score", (Rung("full", 1, (0,)),)

        def prepare(self):
            pass

        def settings(self):
            return {}

        def train(self, trainings, *, device="cpu", deadline=None):
            (t,) = trainings
            score = helper()
            return [Record(t.formula, t.rung, t.seed, "ok", score, {}, (), 0.1, device)]

        def __setstate__(self, state):
            if state.get("breaks"):
                raise ImportError("no module named antigravity_2")
            self.__dict__.update(state)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A task from a file that was loaded by its path."""
    import importlib.util

    path = tmp_path / "mytask.py"
    path.write_text(textwrap.dedent(TASK_FILE))
    spec = importlib.util.spec_from_file_location("actsearch_user_task", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module.Mine()


def test_a_task_from_a_users_file_reaches_the_workers(
    mine: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    with make_pool(mine, workers=2) as pool:
        answers = list(pool.stream(hand_out(jobs(["x", "x"]))))
    assert [(record.status, record.score) for _, record in answers] == [("ok", 0.25)] * 2


def test_a_task_that_cannot_be_loaded_there_is_an_error_and_no_verdict(
    mine: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    mine.breaks = True
    with (
        make_pool(mine, workers=2) as pool,
        pytest.raises(ActsearchError, match=r"can't load the task: ImportError: no module .*_2"),
    ):
        list(pool.stream(hand_out(jobs(["x", "x"]))))


DRIVER = """
    import sys
    import time
    from actsearch.tasks.protocol import Record, Rung, Training
    from actsearch.workers import Job, make_pool

    class Sleepy:
        name, score_name, rungs = "sleepy", "score", (Rung("full", 1, (0,)),)

        def train(self, trainings, *, device="cpu", deadline=None):
            import os
            (t,) = trainings
            # Long enough that each worker takes one: else the second may be starting still.
            time.sleep(2 if t.formula == "first" else 120)
            metrics = {"pid": os.getpid()}
            return [Record(t.formula, t.rung, t.seed, "ok", 1.0, metrics, (), 0.1, device)]

    def next_job():
        global n
        n += 1
        return Job((n, 0), Training("first" if n < 3 else "other", "full", 0))

    n = 0
    if __name__ == "__main__":
        try:
            with make_pool(Sleepy(), workers=2) as pool:
                for job, record in pool.stream(next_job):
                    print(int(record.metrics["pid"]), flush=True)
        except KeyboardInterrupt:
            sys.exit(130)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_driver(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "driver.py"
    path.write_text(textwrap.dedent(DRIVER))
    driver = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        start_new_session=True,
    )
    with driver:
        assert driver.stdout is not None
        assert driver.stderr is not None
        workers = {int(driver.stdout.readline()), int(driver.stdout.readline())}
        assert len(workers) == 2
        begin = time.monotonic()
        if how == signal.SIGINT:
            os.killpg(driver.pid, how)  # as a terminal does it
        else:
            driver.send_signal(how)
        assert driver.wait(timeout=60) == (130 if how == signal.SIGINT else -how)
        while any(Path(f"/proc/{pid}").exists() for pid in workers):
            assert time.monotonic() - begin < 60
            time.sleep(0.05)
        if how == signal.SIGINT:
            assert driver.stderr.read() == ""
