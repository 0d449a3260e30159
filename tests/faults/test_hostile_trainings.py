"""Every hostile training is recorded as what it was, and no innocent one beside it is touched."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import train_all
from tests.faults.hostile import ACTS, AT_WORKERS, WITH_TORCH

#: One of each kind, for one worker by day.
SOME = [
    "raises",
    "raises-timeout",
    "exits-at-once",
    "segfaults",
    "kills-its-parent",
    "writes-rubbish-to-everything",
    "hangs-deaf-to-signals",
    "prints-from-c",
    "answers-two-records",
    "has-another-eat-memory",
    "forks-a-daemon",
    "changes-everything",
]
ALL = [name for name in ACTS if name not in WITH_TORCH | AT_WORKERS]

Alive = Callable[[], list[int]]


def check(names: list[str], workers: int, alive: Alive, limit_s: float = 1.5) -> None:
    """Train each act between two innocents, and look at every answer and at what is left."""
    formulas = ["innocent", *(word for name in names for word in (name, "innocent"))]
    answers = train_all(
        formulas, workers=workers, training_limit=limit_s, memory_limit="400MB", grace_s=1.0
    )
    assert sorted(job.key[0] for job, _ in answers) == list(range(len(formulas)))
    wrong = {}
    for job, record in answers:
        training = job.training
        assert (record.formula, record.seed) == (training.formula, training.seed)
        if training.formula == "innocent":
            expected, says = "ok", ""
        else:
            expected, says = ACTS[training.formula].status, ACTS[training.formula].says
        score = training.seed / 7 if expected == "ok" else None
        if (record.status, record.score) != (expected, score) or says not in record.message:
            wrong[training.formula, training.seed] = (record.status, record.score, record.message)
    assert wrong == {}
    until = time.monotonic() + 10
    while alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert alive() == []


def test_two_workers(marked: Alive, capfd: pytest.CaptureFixture[str]) -> None:
    check(ALL, 2, marked)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")  # not a word of 150 MB


def test_one_worker(marked: Alive) -> None:
    check(SOME, 1, marked)


@pytest.mark.slow
def test_torch_is_set_back(marked: Alive) -> None:
    check(sorted(WITH_TORCH), 1, marked, limit_s=60.0)  # to import it takes seconds


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_of_it_over_and_over(marked: Alive, workers: int) -> None:
    check(ALL * 3, workers, marked)
