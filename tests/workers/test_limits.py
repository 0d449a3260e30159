"""Limits of time and memory: what is accepted, what they come to, and when workers have stalled."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.tasks.protocol import Record, Rung
from actsearch.workers import memory
from actsearch.workers.devices import resolve
from actsearch.workers.limits import AT_FIRST_S, TrainingLimit, parse_training_limit
from actsearch.workers.memory import family_bytes, machine_bytes, parse_memory_limit, taken_bytes
from actsearch.workers.watchdog import Watchdog

RUNGS = (Rung("short", 10, (0,)), Rung("full", 100, (0,)))
GB = 2**30


def record(rung: str, time_s: float, status: str = "ok") -> Record:
    return Record("x", rung, 0, status, 0.5, {}, (), time_s, "cpu")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("auto", "auto"), (" None ", None), ("90s", 90.0), ("1h30m", 5400.0), (2, 2.0), (0.5, 0.5)],
)
def test_limits_of_a_training(text: str | float, expected: float | str | None) -> None:
    assert parse_training_limit(text) == expected


@pytest.mark.parametrize("text", ["", "90", "0s", "soon", 0, -1.0, float("nan"), float("inf")])
def test_what_is_no_limit_of_a_training(text: str | float) -> None:
    with pytest.raises(BadInput, match="training"):
        parse_training_limit(text)
    with pytest.raises(BadInput, match="training"):
        resolve(1, "cpu", training_limit=text)


def test_the_limit_learns_from_the_longest() -> None:
    limit = TrainingLimit("auto", RUNGS)
    assert limit.of("full") == AT_FIRST_S
    limit.saw(record("short", 4.0))
    limit.saw(record("short", 2.0))
    assert limit.of("short") == 80.0
    assert limit.of("full") == 800.0  # ten times the steps
    limit.saw(record("full", 5.0))
    assert limit.of("full") == 100.0
    assert limit.of("another") == AT_FIRST_S


@pytest.mark.parametrize("status", ["crashed", "timeout", "stopped"])
def test_what_was_cut_short_teaches_nothing(status: str) -> None:
    limit = TrainingLimit("auto", RUNGS)
    limit.saw(record("short", 500.0, status))
    assert limit.of("short") == AT_FIRST_S


@given(st.lists(st.floats(0, 1e4), min_size=1), st.sampled_from(["short", "full"]))
def test_the_limit_is_never_short(times: list[float], rung: str) -> None:
    limit = TrainingLimit("auto", RUNGS)
    for time_s in times:
        limit.saw(record("short", time_s))
    found = limit.of(rung)
    assert found is not None
    assert found >= max(60.0, 20 * max(times))


def test_a_limit_that_was_given_stays() -> None:
    fixed, none = TrainingLimit(7.0, RUNGS), TrainingLimit(None, RUNGS)
    for limit in (fixed, none):
        limit.saw(record("short", 1000.0))
    assert fixed.of("short") == 7.0
    assert none.of("short") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4GB", 4 * GB), ("4 gib", 4 * GB), ("1.5g", 3 * GB // 2), ("800MB", 800 * 2**20),
     ("none", None), (2**21, 2**21)],
)  # fmt: skip
def test_limits_of_memory(text: str | int, expected: int | None) -> None:
    assert parse_memory_limit(text, 3) == expected


@pytest.mark.parametrize("text", ["", "4", "4XB", "-4GB", "0", "many", "1e9", "4GB4", "12kB"])
def test_what_is_no_limit_of_memory(text: str) -> None:
    with pytest.raises(BadInput, match=r"not a limit of memory.*800MB or 4GB"):
        resolve(1, "cpu", memory_limit=text)


@pytest.mark.parametrize(
    ("there", "workers", "expected"),
    [(10 * GB, 1, 8 * GB), (10 * GB, 4, 2 * GB), (10 * GB, 100, GB), (None, 4, None)],
)
def test_a_fair_share(
    monkeypatch: pytest.MonkeyPatch, there: int | None, workers: int, expected: int | None
) -> None:
    monkeypatch.setattr(memory, "machine_bytes", lambda: there)
    assert parse_memory_limit("auto", workers) == expected


def test_this_machine_and_this_process() -> None:
    import os

    there, taken = machine_bytes(), taken_bytes(os.getpid())
    assert there is not None
    assert taken is not None
    assert 2**20 < taken < there
    assert taken_bytes(2**30) is None


#: Orphans come to whom this was said: 36 is PR_SET_CHILD_SUBREAPER.
SUBREAPER = "import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0);"
#: Fills memory, forks, and fills some more in the fork's orphan where that is asked for.
FAMILY = """
import os, sys
mine = os.urandom(60 * 2**20)
if not os.fork():
    if sys.argv[1] == "more":
        if os.fork():
            os._exit(0)
        other = os.urandom(60 * 2**20)
    print(flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("word", "n_parts"), [("same", 1), ("more", 2)])
def test_what_a_process_started_counts_and_what_they_share_counts_once(
    word: str, n_parts: int
) -> None:
    part, room = 60 * 2**20, 40 * 2**20
    under_it = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FAMILY!r}, {word!r}])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", SUBREAPER + under_it], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"\n"
        taken = family_bytes(keeper.pid, 0)
        assert taken is not None
        assert n_parts * part < taken < n_parts * part + room
        # What is within the limit is not looked at so closely.
        assert (family_bytes(keeper.pid, 2**40) or 0) > 2 * part
        assert family_bytes(2**30, 0) is None


@pytest.mark.parametrize(
    ("workers", "given_object", "expected"),
    [
        ("inline", False, (1, True)),
        ("INLINE", True, (1, True)),
        (1, False, (1, False)),
        (1, True, (1, True)),
        (2, True, (2, False)),
        ("auto", False, (4, False)),
    ],
)
def test_who_trains_inline(
    workers: str | int, given_object: bool, expected: tuple[int, bool]
) -> None:
    slots = resolve(workers, "cpu", given_object=given_object, cpus=lambda: 4)
    assert (slots.workers, slots.inline) == expected
    assert dataclasses.replace(slots, inline=False) == resolve(slots.workers, "cpu")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def watchdog(deadline: float | None = None) -> Watchdog:
    return Watchdog(lambda: deadline, 60.0, 2, bite=lambda: None)


@pytest.mark.parametrize(
    ("limits", "silent_s", "expected"),
    [
        ((), 1e9, False),  # nobody owes an answer
        ((10.0,), 3 * 600 + 4 * 10 + 59, False),
        ((10.0,), 3 * 600 + 4 * 10 + 61, True),
        ((10.0, 100.0), 3 * 600 + 4 * 10 + 61, True),  # the other may take longer
        ((100.0, None), 3 * 600 + 4 * 100 + 59, False),
        ((None, None, 10.0), 1e9, False),  # as long as they take, and the last has not begun
    ],
)
def test_a_worker_has_stalled_when_its_limit_allows_no_such_silence(
    clock: list[float], limits: tuple[float | None, ...], silent_s: float, expected: bool
) -> None:
    one = watchdog()
    for number, limit_s in enumerate(limits):
        one.sent(number, limit_s)
    clock[0] += silent_s
    one.sent_tick(-1)
    one.heard(-1)  # the sign of life of another
    assert one.has_stalled() == expected
    one.forget()
    assert not one.has_stalled()


def test_what_waits_for_a_worker_has_time_from_then_on(clock: list[float]) -> None:
    one = watchdog()
    for number, limit_s in enumerate((None, None, 10.0)):
        one.sent(number, limit_s)
    clock[0] += 1e6
    one.heard(1)
    clock[0] += 3 * 600 + 4 * 10 + 59
    assert not one.has_stalled()
    clock[0] += 2
    assert one.has_stalled()


def test_a_driver_that_was_stopped_itself_bites_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    bites = []
    one = Watchdog(lambda: None, 60.0, 2, bite=lambda: bites.append(1))
    times = iter([0.0, 0.0, *[1e6] * 20])  # sent, begins to look; then a time has passed
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    one.sent(0, 1.0)
    looks = iter([False, False, True])
    monkeypatch.setattr(one._over, "wait", lambda timeout: next(looks))
    one._watch()
    assert bites == []


def test_long_after_the_deadline_everybody_should_have_answered(clock: list[float]) -> None:
    one = watchdog(deadline=time.time() - 500)
    one.sent(0, None)
    assert not one.has_stalled()
    clock[0] += 61
    assert one.has_stalled()
    one.forget()
    assert not one.has_stalled()
