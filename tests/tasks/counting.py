"""A task that trains nothing: scores are sums, and every training is noted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from actsearch.tasks.protocol import OK, STOPPED, Record, Rung, Training

LADDER = (Rung("short", 10, (0, 1)), Rung("full", 40, (0, 1, 2, 3, 4, 5)))


@dataclass
class CountingTask:
    """Score: ``level`` + ``spread`` * seed + a hundredth of the formula's length beyond ReLU's."""

    name: str = "a"
    level: float = 0.5
    spread: float = 0.01
    rungs: tuple[Rung, ...] = LADDER
    statuses: dict[tuple[str, int], str] = field(default_factory=dict)  # (formula, seed) -> status
    n_points: int = 2
    score_name: str = "points"
    asked: list[Training] = field(default_factory=list)
    prepared: int = 0

    def prepare(self) -> None:
        self.prepared += 1

    def settings(self) -> dict[str, Any]:
        return {"name": self.name, "level": self.level, "spread": self.spread}

    def score(self, formula: str, seed: int) -> float:
        return self.level + self.spread * seed + 0.01 * (len(formula) - len("relu(x)"))

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        self.asked += trainings
        return [self._record(training, device, deadline) for training in trainings]

    def _record(self, training: Training, device: str, deadline: float | None) -> Record:
        status = self.statuses.get((training.formula, training.seed), OK)
        if deadline is not None and deadline < time.time():
            status = STOPPED
        score = self.score(training.formula, training.seed) if status == OK else None
        steps = next(rung.steps for rung in self.rungs if rung.name == training.rung)
        points = range(1, self.n_points + 1)
        last = 0.0 if score is None else score
        curve = tuple((steps * k // self.n_points, 2.0 / k, last * k / points[-1]) for k in points)
        return Record(
            formula=training.formula,
            rung=training.rung,
            seed=training.seed,
            status=status,
            score=score,
            metrics={"train_loss": 1.0, "p0[0]": 0.25},
            curve=curve,
            time_s=0.5,
            device=device,
            message="" if status == OK else f"this is {status}",
        )
