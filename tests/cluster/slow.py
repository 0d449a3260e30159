"""The simulated task with trainings that take a moment, so that a kill finds one under way."""

from __future__ import annotations

import time
from collections.abc import Sequence

from actsearch.tasks.protocol import Record, Training
from tests.search.simulated import SimulatedTask, number_of


class SlowTask(SimulatedTask):
    """Takes up to 0.1 s a training."""

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        time.sleep(sum(0.1 * number_of(one.formula, one.seed) for one in trainings))
        return super().train(trainings, device=device, deadline=deadline)
