"""A guard that is closed while it trains, and one whose system starts no process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from actsearch.tasks.protocol import Record
from actsearch.workers import guard as module
from actsearch.workers.charge import Charge, Lost, Setup
from actsearch.workers.guard import Faulty, Guard, Unavailable
from actsearch.workers.shipping import pack
from tests.workers.conftest import ObedientTask
from tests.workers.test_guard import OK, READY, TRAINING, Made, Script, guard

CLOSED = Unavailable("the workers were closed")


class Patient(Made):
    """Says nothing until somebody looks and raises; knows who ended it."""

    def __init__(self) -> None:
        super().__init__([])
        self.is_asked = threading.Event()
        self.enders: list[int] = []

    def ask(self, *_: Any) -> None:
        self.is_asked.set()

    def receive(self, look: Callable[[], None]) -> dict[str, Any]:
        while True:
            look()
            time.sleep(0.002)

    def end(self) -> None:
        self.enders.append(threading.get_ident())


def test_what_trains_in_another_thread_is_ended_by_that_thread() -> None:
    made = Patient()
    one = Guard(Setup(b""), start=lambda _: cast(Charge, made))
    with ThreadPoolExecutor(1) as pool:
        thread = pool.submit(threading.get_ident).result()
        answer = pool.submit(one.train, TRAINING)
        assert made.is_asked.wait(10)
        one.close()
        assert answer.result(10) == CLOSED
    assert set(made.enders) == {thread}


def test_one_that_is_closed_as_it_starts_a_process_ends_it() -> None:
    made, starts, may_start = Patient(), threading.Event(), threading.Event()

    def start(_: Setup) -> Charge:
        starts.set()
        assert may_start.wait(10)
        return cast(Charge, made)

    one = Guard(Setup(b""), start=start)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(one.train, TRAINING)
        assert starts.wait(10)
        one.close()
        may_start.set()
        assert answer.result(10) == CLOSED
    assert made.enders
    assert not made.is_asked.is_set()


def test_one_that_is_closed_starts_nothing_more() -> None:
    script = Script([READY])
    one = guard(script)
    one.train(TRAINING)
    one.close()
    assert script.made[0].ended
    assert one.train(TRAINING) == CLOSED
    assert len(script.made) == 1


@pytest.mark.usefixtures("no_child_is_left")
def test_a_real_process_ends_with_its_guard() -> None:
    one = Guard(Setup(pack(ObedientTask())))
    hangs = module.replace(TRAINING, formula="hang")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(one.train, hangs)
        time.sleep(0.1)  # it starts, or hangs by now
        one.close()
        assert answer.result(20) == CLOSED


class Lacking(Script):
    """A system that lacks something, as often as was said."""

    def __init__(self, code: int, n_times: int) -> None:
        super().__init__([READY])
        self.left, self.error = n_times, OSError(code, os.strerror(code))
        self.n_asked = 0

    def __call__(self, setup: Setup) -> Charge:
        self.n_asked += 1
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return super().__call__(setup)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES_S", (0.0, 0.0))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EAGAIN, "ulimit -u"),
        (errno.ENOMEM, "no memory left: try fewer --workers"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "too many open files on this machine: try fewer --workers"),
    ],
)
def test_what_the_system_lacks_may_be_there_in_a_moment(code: int, says: str) -> None:
    answer = guard(Lacking(code, 2)).train(TRAINING)
    assert isinstance(answer, Record)
    assert answer.status == "ok"
    lacking = Lacking(code, 100)
    answer = guard(lacking).train(TRAINING)
    assert isinstance(answer, Faulty)
    assert answer.reason.startswith("no process can be started: ")
    assert says in answer.reason
    assert lacking.n_asked == 3


def test_what_will_not_pass_is_told_at_once() -> None:
    lacking = Lacking(errno.ENOENT, 100)
    answer = guard(lacking).train(TRAINING)
    assert answer == Faulty("no process can be started: No such file or directory")
    assert lacking.n_asked == 1


def test_nobody_waits_longer_than_the_session_for_what_the_system_lacks() -> None:
    deadline = time.time() + 0.1
    answer = guard(Lacking(errno.EAGAIN, 100)).train(TRAINING, deadline=deadline)
    assert time.time() >= deadline  # what is stopped earlier goes out again
    assert isinstance(answer, Record)
    assert answer.status == "stopped"


def test_nor_longer_than_the_guard_is_open() -> None:
    lacking = Lacking(errno.EAGAIN, 100)
    one = guard(lacking)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(one.train, TRAINING)
        while not lacking.n_asked:
            time.sleep(0.002)
        one.close()
        assert answer.result(10) == CLOSED
    assert lacking.n_asked < 3


def test_an_error_of_the_channel_is_no_failure_to_start() -> None:
    error = OSError(errno.EBADF, "Bad file descriptor")
    answer = guard(Script([READY, error], [READY, OK])).train(TRAINING)
    assert isinstance(answer, Record)
    assert answer.status == "ok"
    script = Script([READY, error])
    answer = guard(script).train(TRAINING)
    assert answer == Faulty("a process that trains can't be spoken with: Bad file descriptor")
    assert all(made.ended for made in script.made)


@pytest.mark.usefixtures("no_child_is_left")
def test_a_number_that_is_in_use_again_is_let_be() -> None:
    charge = Charge(Setup(b"no task"))
    assert charge.receive(lambda: None)["kind"] == "unavailable"
    with pytest.raises(Lost):
        charge.receive(lambda: None)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, start_new_session=True)
    charge.pid, charge._has_ended = other.pid, False
    charge.end()
    other.communicate(b"\n", timeout=20)
    assert other.returncode == 0
