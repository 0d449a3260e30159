"""A user's task file whose scores come from a formula's text; nothing is trained.

Beside the answer it leaves a trace of what it was asked for, so that a test sees what was trained
twice: a line for each training that began, in the file that ``KILLS_TRACE`` names. A training takes
``KILLS_DELAY_S`` on the average; how long one takes differs from time to time.
"""

from __future__ import annotations

import math
import os
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from actsearch.tasks.protocol import Record, Training
from tests.search.simulated import SimulatedTask, number_of

TRACE, DELAY = "KILLS_TRACE", "KILLS_DELAY_S"
_PARAMETER = re.compile(r"\bp[0-9]\b")


class TracedTask(SimulatedTask):
    """Learns parameters, names what it is compared with, and leaves a trace."""

    known = {"ReLU": "relu(x)", "GELU": "gelu(x)", "tanh": "tanh(x)"}  # noqa: RUF012
    n_places = 3

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Write a file for each formula, each by a rename, as the real thing does."""
        if os.environ.get(TRACE):
            folder = Path(os.environ[TRACE]).with_suffix(".compiled")
            folder.mkdir(exist_ok=True)
            for formula in formulas:
                made = folder / f"{os.getpid()}.part"
                made.write_text(formula, encoding="utf-8")
                made.replace(folder / f"{number_of(formula)}.txt")

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        for training in trainings:
            leave_trace(training)
        delay_s = float(os.environ.get(DELAY, "0"))
        if delay_s:
            time.sleep(min(20 * delay_s, delay_s * math.exp(random.SystemRandom().gauss(0, 0.8))))
        return [_with_metrics(record) for record in super().train(trainings, device=device)]


def leave_trace(training: Training) -> None:
    if os.environ.get(TRACE):
        line = f"{training.rung} {training.seed} {training.formula}\n".encode()
        # One write to the end of the file: those of several processes do not mix.
        fd = os.open(os.environ[TRACE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)


def _with_metrics(record: Record) -> Record:
    if record.score is None:
        return record
    learned: dict[str, Any] = {
        f"{name}[{layer}]": 4 * number_of(record.formula, name, layer, record.seed) - 2
        for name in sorted(set(_PARAMETER.findall(record.formula)))
        for layer in range(TracedTask.n_places)
    }
    return replace(record, metrics=learned | {"train_loss": 1 - record.score})


def make_task() -> TracedTask:
    return TracedTask()
