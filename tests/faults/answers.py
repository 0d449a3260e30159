"""Trainings that answer what no training may."""

from __future__ import annotations

import threading
from typing import Any

from actsearch.tasks.protocol import Training
from tests.faults.acts import act, record


@act("failed", "the score nan")
def answers_nan(training: Training, argument: str) -> Any:
    return [record(training, score=float("nan"))]


@act("failed", "the score inf")
def answers_infinity(training: Training, argument: str) -> Any:
    return [record(training, score=float("inf"))]


@act("failed", "the score 1e+308")
def answers_a_score_that_overflows(training: Training, argument: str) -> Any:
    return [record(training, score=1e308)]


@act("failed", "the time nan")
def answers_a_time_that_is_none(training: Training, argument: str) -> Any:
    return [record(training, time_s=float("nan"))]


@act("failed", "a list of one record")
def answers_two_records(training: Training, argument: str) -> Any:
    return [record(training)] * 2


@act("failed", "with a Record, not with None")
def answers_a_none(training: Training, argument: str) -> Any:
    return [None]


@act("failed", "the record of another training")
def answers_with_anothers_record(training: Training, argument: str) -> Any:
    return [record(training, seed=training.seed + 1)]


@act("failed", "TypeError")
def answers_nested_rubbish(training: Training, argument: str) -> Any:
    return [record(training, metrics={"a": {"b": [object()]}})]


@act("failed", "ValueError")
def answers_a_flat_curve(training: Training, argument: str) -> Any:
    return [record(training, curve=("abcd", "efgh"))]


@act("failed", "its answer can't be sent")
def answers_more_than_can_be_sent(training: Training, argument: str) -> Any:
    return [record(training, curve=((1, 0.12345678901234567, 1 / 3),) * 110_000)]


@act("ok")
def answers_what_cannot_be_pickled(training: Training, argument: str) -> Any:
    return [record(training, message=threading.Lock())]
