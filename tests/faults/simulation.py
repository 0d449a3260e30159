"""The simulated task with hostile candidates; in a file that is imported fast, as processes do."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.tasks.protocol import Record, Training
from actsearch.workers.training import without_score
from tests.faults.acts import Act
from tests.faults.hostile import ACTS
from tests.search.simulated import SimulatedTask, number_of

#: What a hostile training does here: one of each end that a training can come to.
KINDS = ("raises", "segfaults", "exits-at-once", "kills-its-parent", "answers-nan", "prints-from-c")
SLOW_KINDS = (*KINDS, "hangs", "eats-memory")


class HostileSimulation(SimulatedTask):
    """The simulated task, with some hostile candidates."""

    def __init__(self, kinds: Sequence[str], *, told: bool) -> None:
        self._kinds = kinds
        self._told = told

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        (training,) = trainings
        act = self._act(training)
        if act is not None and self._told and act.status != "ok":
            return [without_score(training, act.status, "told", device, 0.0)]
        if act is not None and not self._told and (answer := act.do(training, "")) is not None:
            return list(answer)
        return super().train(trainings, device=device, deadline=deadline)

    def _act(self, training: Training) -> Act | None:
        luck = number_of(5, "hostile", training.formula)
        return None if luck >= 0.1 else ACTS[self._kinds[int(luck * 1e6) % len(self._kinds)]]
