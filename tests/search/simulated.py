"""A task whose scores come from a formula's text, and a pool that ends jobs in any order.

Only for tests of the engine that need thousands of trainings; nothing is trained.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any

from actsearch.tasks.protocol import Record, Rung, Task, Training
from actsearch.workers import Wait


def number_of(*key: object) -> float:
    """A number in [0, 1) that depends on the key alone."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def score_of(training: Training) -> float:
    """A score in [0, 1): how good the formula is, and noise that is smaller in longer trainings."""
    noise = {"short": 0.2, "medium": 0.1, "full": 0.05}[training.rung]
    quality = number_of(training.formula)
    luck = number_of(training.formula, training.rung, training.seed)
    return (1 - noise) * quality + noise * luck


class SimulatedTask:
    """Implements ``Task`` without training anything; the worst formulas diverge.

    It heeds the pace: half-way a curve is at half of its score.
    """

    name = "simulated"
    score_name = "simulated score"
    rungs = (Rung("short", 2, (0,)), Rung("medium", 6, (0, 1)), Rung("full", 18, (0, 1, 2, 3)))

    def prepare(self) -> None:
        pass

    def settings(self) -> dict[str, Any]:
        return {"simulated": 1}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        return [self._record(training, device) for training in trainings]

    def _record(self, training: Training, device: str) -> Record:
        score = score_of(training)
        status = "ok" if score > 1 / 12 else "diverged"
        steps = {rung.name: rung.steps for rung in self.rungs}[training.rung]
        half = steps // 2
        curve: tuple[tuple[int, float, float], ...] = ((half, 1.0, score / 2), (steps, 1.0, score))
        if status != "ok":
            curve = ()
        elif any(step == half and score / 2 < least for step, least in training.pace):
            status, curve = "pruned", curve[:1]
        ok = status == "ok"
        return Record(
            formula=training.formula,
            rung=training.rung,
            seed=training.seed,
            status=status,
            score=score if ok else None,
            metrics={},
            curve=curve,
            time_s=0.0,
            device=device,
        )


class PoolWithoutProcesses:
    """What pools have that end nothing."""

    devices: tuple[str, ...] = ("cpu",)

    def close(self) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class ShuffledPool(PoolWithoutProcesses):
    """Implements ``Pool``: keeps ``n_workers`` jobs in flight and ends a random one of them.

    Instead of a seed it takes what chooses, of so many in flight, which ends.
    """

    def __init__(
        self, n_workers: int, seed: int | Callable[[int], int], task: Task | None = None
    ) -> None:
        self.n_workers = n_workers
        self._choose = random.Random(seed).randrange if isinstance(seed, int) else seed
        self._task = SimulatedTask() if task is None else task
        self.most_in_flight = 0

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        task, ended = self._task, False
        in_flight: list[Any] = []
        while True:
            while not ended and len(in_flight) < self.n_workers:
                job = next_job()
                if isinstance(job, Wait):
                    break
                if job is None:
                    ended = True
                else:
                    in_flight.append(job)
            self.most_in_flight = max(self.most_in_flight, len(in_flight))
            if not in_flight:
                assert ended, "the engine waits and nothing is in flight"
                return
            job = in_flight.pop(self._choose(len(in_flight)))
            yield job, task.train([job.training])[0]
