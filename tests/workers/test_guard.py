"""What a guard makes of a process that dies, hangs, lies or grows; the process is made up here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.tasks.protocol import Record, Training
from actsearch.workers.charge import Charge, Lost, Setup
from actsearch.workers.guard import GROWN_BYTES, Faulty, Guard, Unavailable

TRAINING = Training("x", "full", 3)
READY = {"kind": "ready"}
PLAIN = {
    "status": "ok",
    "score": 0.5,
    "metrics": {"a": 1.0},
    "curve": [[1, 0.5, 0.25]],
    "time_s": 0.1,
    "device": "cpu",
    "message": "",
}
FAULT = {"kind": "fault", "reason": "OSError: no space"}
OK = {"kind": "record", "record": PLAIN}
DEATH = Lost("it was ended by SIGSEGV")


class Script:
    """Processes that say what was written for them, one list each; the last is used again."""

    def __init__(self, *lists: Sequence[Any]) -> None:
        self._lists = list(lists)
        self.made: list[Made] = []

    def __call__(self, setup: Setup) -> Charge:
        said = self._lists[min(len(self.made), len(self._lists) - 1)]
        if isinstance(said, BaseException):
            raise said
        self.made.append(Made(list(said)))
        return cast(Charge, self.made[-1])


class Made:
    """Stands for a ``Charge``."""

    def __init__(self, says: list[Any]) -> None:
        self.pid, self.keeper = 1, 2**30
        self.n_trained = 0
        self.ended = False
        self._says = says
        self._number = 0

    def ask(self, training: Training, number: int, device: str, deadline: float | None) -> None:
        self._number = number

    def receive(self, look: Callable[[], None]) -> dict[str, Any]:
        look()
        says = self._says.pop(0) if self._says else OK
        if isinstance(says, BaseException):
            raise says
        if callable(says):
            says()
            return self.receive(look)
        return {"number": self._number, **says}

    def end(self) -> None:
        self.ended = True


def guard(script: Script, **changes: Any) -> Guard:
    return Guard(Setup(b"", **changes), start=script)


def record(answer: object) -> Record:
    assert isinstance(answer, Record), answer
    return answer


def test_an_answer_is_the_record() -> None:
    answer = record(guard(Script([READY, OK])).train(TRAINING))
    expected = {**PLAIN, "curve": ((1, 0.5, 0.25),)}
    assert dataclasses.asdict(answer) == {"formula": "x", "rung": "full", "seed": 3} | expected


def test_a_process_stays_for_many_trainings_and_is_renewed_then() -> None:
    script = Script([READY])
    one = guard(script, renew_after=3)
    assert [record(one.train(TRAINING)).status for _ in range(7)] == ["ok"] * 7
    assert [made.n_trained for made in script.made] == [3, 3, 1]
    assert [made.ended for made in script.made] == [True, True, False]
    one.close()
    assert script.made[-1].ended


@pytest.mark.parametrize(
    ("lists", "status", "says", "n_made"),
    [
        (([READY, DEATH], [READY, OK]), "ok", "", 2),
        (([READY, DEATH], [READY, DEATH], [READY, OK]), "ok", "", 3),
        (([READY, DEATH],), "crashed", "gone: it was ended by SIGSEGV (tried 3 times)", 3),
        (([DEATH], [READY, OK]), "ok", "", 2),
        (([DEATH], [READY, DEATH], [READY, DEATH]), "crashed", "SIGSEGV", 3),
        (([READY, {"kind": "ready"}],), "crashed", "no proper record", 3),
        (([READY, {**OK, "number": 77}],), "crashed", "it answered another training", 3),
        (([OK], [READY, OK]), "ok", "", 2),
    ],
)
def test_deaths_are_tried_again(lists: Sequence[Any], status: str, says: str, n_made: int) -> None:
    script = Script(*lists)
    answer = record(guard(script).train(TRAINING))
    assert answer.status == status
    assert says in answer.message
    assert len(script.made) == n_made
    assert all(made.ended for made in script.made[: 3 if status == "crashed" else -1])


def test_a_task_that_cannot_be_opened_is_no_verdict() -> None:
    refused = {"kind": "unavailable", "reason": "ImportError: no module"}
    assert guard(Script([refused])).train(TRAINING) == Unavailable("ImportError: no module")
    answer = guard(Script([DEATH])).train(TRAINING)
    assert answer == Unavailable(f"the process that trains dies as it starts: {DEATH}")


def test_a_fault_of_the_machine_is_believed_from_a_new_process_alone() -> None:
    assert guard(Script([READY, FAULT])).train(TRAINING) == Faulty("OSError: no space")
    script = Script([READY, OK, FAULT], [READY, OK])  # its files were used up, say
    one = guard(script)
    assert [record(one.train(TRAINING)).status for _ in range(2)] == ["ok", "ok"]
    assert len(script.made) == 2
    one = guard(Script([READY, OK, FAULT], [READY, FAULT]))
    one.train(TRAINING)
    assert one.train(TRAINING) == Faulty("OSError: no space")


def test_one_that_hangs_is_tried_once_more_for_twice_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> Callable[[], None]:
        return lambda: now.__setitem__(0, now[0] + seconds)

    script = Script([READY, wait(11)], [READY, wait(21)])
    answer = record(guard(script).train(TRAINING, limit_s=10))
    assert answer.status == "timeout"
    assert answer.message == "it took longer than 20s, as before with half of that"
    assert len(script.made) == 2
    # The second time it is done in time; to open the task does not count.
    script = Script([READY, wait(11)], [wait(500), READY, wait(19), OK])
    assert record(guard(script).train(TRAINING, limit_s=10)).status == "ok"
    assert record(guard(Script([READY, wait(10**6), OK])).train(TRAINING)).status == "ok"


def test_a_task_that_is_never_opened_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    answer = guard(Script([lambda: now.__setitem__(0, now[0] + 601), READY])).train(TRAINING)
    assert isinstance(answer, Unavailable)
    assert "did not open the task in 10m" in answer.reason


def test_the_end_of_the_session_is_no_verdict() -> None:
    past = time.time() - 100
    answer = record(guard(Script([READY])).train(TRAINING, deadline=past))
    assert (answer.status, answer.message) == ("stopped", "it did not stop at its deadline")
    script = Script([READY, DEATH])
    answer = record(guard(script).train(TRAINING, deadline=time.time() - 1))
    assert answer.status == "stopped"
    assert len(script.made) == 1


@pytest.mark.parametrize(("is_fresh", "n_made"), [(True, 1), (False, 2)])
def test_one_that_takes_too_much_memory_is_tried_again_where_others_may_have_taken_it(
    monkeypatch: pytest.MonkeyPatch, is_fresh: bool, n_made: int
) -> None:
    taken = [0]
    monkeypatch.setattr("actsearch.workers.guard.taken_bytes", lambda _pid: taken[0])
    script = Script([READY])
    one = guard(script, memory_bytes=100)
    if not is_fresh:
        one.train(TRAINING)
    taken[0] = 101
    answer = record(one.train(TRAINING))
    assert answer.status == "crashed"
    assert "MB of memory, and the limit is 0 MB (--memory-limit)" in answer.message
    assert len(script.made) == n_made


@pytest.mark.parametrize(
    ("limit", "grown", "n_made"),
    [
        (None, GROWN_BYTES, 1),
        (None, GROWN_BYTES + 1, 2),
        (1000 + 2**20, 2**19 + 1, 2),
        (1000 + 2**20, 2**19, 1),
    ],
)
def test_a_process_that_grows_is_renewed_between_trainings(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, grown: int, n_made: int
) -> None:
    taken = [1000]
    monkeypatch.setattr("actsearch.workers.guard.taken_bytes", lambda _pid: taken[0])
    script = Script([READY])
    one = guard(script, memory_bytes=limit)
    for _ in range(4):  # the first trainings import and open what they need
        one.train(TRAINING)
    taken[0] += grown
    assert [record(one.train(TRAINING)).status for _ in range(2)] == ["ok"] * 2
    assert len(script.made) == n_made


def test_ctrl_c_ends_the_process() -> None:
    script = Script([READY, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        guard(script).train(TRAINING)
    assert script.made[0].ended


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(PLAIN)), ANYTHING)
def test_no_field_of_a_record_is_taken_on_trust(name: str, value: object) -> None:
    says = {"kind": "record", "record": {**PLAIN, name: value}}
    answer = record(guard(Script([READY, says])).train(TRAINING))
    assert (answer.status == "ok") == (answer.score is not None)
    assert (answer.formula, answer.rung, answer.seed) == ("x", "full", 3)
    assert isinstance(answer.message, str)
    assert 0 <= answer.time_s < 3600 or name == "time_s"


@given(ANYTHING)
def test_no_message_is_taken_on_trust(value: Any) -> None:
    says = {"kind": "record", "record": value}
    assert record(guard(Script([READY, says])).train(TRAINING)).status == "crashed"
