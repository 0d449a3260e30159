"""The contract that every pool holds; what only processes can do is in test_processes.py."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from actsearch.workers import WAIT, Pool, make_pool
from actsearch.workers.devices import Slots

Jobs = Callable[..., list[Any]]
HandOut = Callable[[Any], Callable[[], Any]]

pytestmark = pytest.mark.usefixtures("no_child_is_left")


def test_every_job_is_answered_once_whatever_it_does(
    pool: Pool, jobs: Jobs, hand_out: HandOut
) -> None:
    orders = ["x", "sleep 0.05", "raise", "exit 3", "x", "sleep 0.01", "raise-unprintable", "x"]
    given = jobs(orders * 2)
    answers = list(pool.stream(hand_out(given)))
    assert sorted(job.key for job, _ in answers) == sorted(job.key for job in given)
    for job, record in answers:
        assert (record.formula, record.seed) == (job.training.formula, job.training.seed)
        fails = record.formula.startswith(("raise", "exit"))
        assert record.status == ("failed" if fails else "ok")
        assert record.score == (None if fails else record.seed / 7)
        assert record.device == "cpu"


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("raise", "RuntimeError: as told"),
        ("raise " + "far too long " * 100, None),
        ("raise caf\udce9", "RuntimeError: caf?"),
        ("raise-unprintable", "_Unprintable: (no message)"),
        ("exit 3", "SystemExit: 3"),
    ],
)
def test_an_exception_is_a_record_that_says_what(
    task: Any, jobs: Jobs, hand_out: HandOut, order: str, message: str | None
) -> None:
    with make_pool(task, workers=1) as pool:
        ((_, record),) = pool.stream(hand_out(jobs([order])))
    assert record.status == "failed"
    assert record.time_s > 0
    assert len(record.message) <= 500
    assert record.message == message or message is None


@pytest.mark.parametrize(
    "answer", ["none", "nan", "no-score", "odd-status", "other-seed", "flat-curve", "text-metric"]
)
def test_an_answer_of_the_wrong_shape_is_a_failure(
    task: Any, jobs: Jobs, hand_out: HandOut, answer: str
) -> None:
    with make_pool(task, workers=1) as pool:
        ((_, record),) = pool.stream(hand_out(jobs([f"answer {answer}"])))
    assert (record.status, record.score) == ("failed", None)
    assert record.message


def test_answers_are_plain_values(pool: Pool, jobs: Jobs, hand_out: HandOut) -> None:
    answers = dict(pool.stream(hand_out(jobs(["answer surrogate", "answer lambda"]))))
    assert {record.status for record in answers.values()} == {"ok"}
    assert sorted(record.message for record in answers.values())[1] == "caf?"


def test_wait_is_asked_again(pool: Pool, jobs: Jobs, hand_out: HandOut) -> None:
    one, other = jobs(["x", "x"])
    next_job = hand_out([WAIT, WAIT, one, WAIT, WAIT, WAIT, other, WAIT])
    assert {job.key for job, _ in pool.stream(next_job)} == {one.key, other.key}


def test_a_job_may_depend_on_an_answer(pool: Pool, jobs: Jobs) -> None:
    given = jobs(["x"] * 4)
    ready, n_answered = [given[0]], 0

    def next_job() -> Any:
        if ready:
            return ready.pop()
        return None if n_answered == len(given) else WAIT

    seen = []
    for job, _ in pool.stream(next_job):
        seen.append(job)
        n_answered += 1
        ready += given[n_answered : n_answered + 1]
    assert seen == given


def test_no_jobs_is_an_end(pool: Pool, hand_out: HandOut) -> None:
    assert list(pool.stream(hand_out([]))) == []
    assert list(pool.stream(hand_out([WAIT]))) == []


def test_a_pool_can_stream_again(pool: Pool, jobs: Jobs, hand_out: HandOut) -> None:
    for _ in range(2):
        assert len(list(pool.stream(hand_out(jobs(["x", "x"]))))) == 2


def test_the_deadline_reaches_the_training(pool: Pool, jobs: Jobs, hand_out: HandOut) -> None:
    end = time.time() + 0.2
    answers = list(pool.stream(hand_out(jobs(["until-deadline"] * 3)), deadline=lambda: end))
    assert [record.status for _, record in answers] == ["stopped"] * 3


def test_an_error_of_the_driver_reaches_the_driver(pool: Pool, jobs: Jobs) -> None:
    given = iter(jobs(["x"]))

    def next_job() -> Any:
        for job in given:
            return job
        raise LookupError("of the search")

    with pytest.raises(LookupError, match="of the search"):
        list(pool.stream(next_job))


def test_closing_ends_what_runs(pool: Pool, jobs: Jobs, hand_out: HandOut) -> None:
    begin = time.monotonic()
    answers = pool.stream(hand_out(jobs(["x"] + ["sleep 60"] * 5)))
    next(answers)
    pool.close()
    assert list(answers) == []
    assert time.monotonic() - begin < 30  # one of the sleeps would take longer


def test_scores_and_threads_are_those_of_any_other_pool(
    pool: Pool, task: Any, jobs: Jobs, hand_out: HandOut
) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        got = {job.key: record for job, record in pool.stream(hand_out(jobs(["torch"] * 3)))}
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        expected = {job.key: task.train([job.training])[0].score for job in jobs(["torch"] * 3)}
    finally:
        torch.set_num_threads(before)
    assert {key: record.score for key, record in got.items()} == expected
    assert {record.metrics["threads"] for record in got.values()} == {1.0}


def test_a_pool_says_what_it_has(pool: Pool, pool_kind: str) -> None:
    assert Slots(pool.n_workers, pool.devices) == Slots(
        2 if pool_kind in ("processes", "cluster") else 1, ("cpu",)
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"workers": 0}, "at least one worker"),
        ({"workers": 1, "threads": 0}, "one thread"),
        ({"workers": 2, "devices": ("cuda:0",)}, "2 workers and only 1 devices"),
        ({"workers": 2, "devices": ("cuda:0", "cuda:0")}, "different"),
        ({"workers": 2, "devices": ("cpu", "cuda:0")}, "either"),
        ({"workers": 1, "devices": ()}, "only 0 devices"),
        ({"workers": 2, "processes": False}, "need processes"),
    ],
)
def test_what_does_not_go_together_is_refused(
    task: Any, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        make_pool(task, **arguments)


def test_a_record_survives_as_it_was(task: Any, jobs: Jobs, hand_out: HandOut) -> None:
    (job,) = jobs(["x"])
    with make_pool(task, workers=1) as pool:
        ((got, record),) = pool.stream(hand_out([job]))
    assert got == job
    assert record.curve == () or math.isfinite(record.curve[0][1])
    assert record.time_s == 0.125
