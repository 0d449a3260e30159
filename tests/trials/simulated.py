"""Tasks whose scores are a formula's worth plus noise, a pool without processes, and runs by hand.

For the statistics of whole trials: nothing is trained and torch is not imported.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch.expressions import parse
from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.trials.confirm import confirm_store
from actsearch.trials.entries import Entry, entries_of
from actsearch.trials.judged import Confirmation
from actsearch.trials.saved import Contestant
from actsearch.workers import Job, Slots
from tests.search import simulated

SLOTS = Slots(2, ("cpu",))

#: formula -> the steps at which trainings reached a target, seed by seed; 0: never.
RACE = {
    "relu(x)": (400, 420, 0, 440, 460, 480),
    "gelu(x)": (200, 210, 220, 230, 240, 250),
    "sin(x)": (0,) * 6,
    "tanh(x)": (410, 400, 450, 430, 470, 490),
}


class NoisyTask:
    """Implements ``Task``: worth of the formula, plus noise of the formula and seed.

    ``fails`` are pairs (formula, seed), or formulas that fail at every seed.
    """

    score_name = "validation accuracy"

    def __init__(
        self,
        worth: Mapping[str, float] | None = None,
        noise: float = 0.01,
        fails: Sequence[Any] = (),
        name: str = "noisy",
        salt: int = 0,
    ) -> None:
        self.name = name
        self.rungs = (Rung("short", 1, (0,)), Rung("full", 2, (0, 1)))
        self.prepared = 0
        self._worth, self._noise, self._fails, self._salt = worth or {}, noise, fails, salt

    def prepare(self) -> None:
        self.prepared += 1

    def settings(self) -> dict[str, Any]:
        return {"noise": self._noise}

    def score(self, formula: str, seed: int) -> float:
        noise = random.Random(f"{self._salt} {formula} {seed}").gauss(0.0, self._noise)
        return self._worth.get(formula, 0.5) + noise

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        return [self._record(training, device) for training in trainings]

    def _record(self, asked: Training, device: str) -> Record:
        fails = asked.formula in self._fails or (asked.formula, asked.seed) in self._fails
        score = None if fails else self.score(asked.formula, asked.seed)
        return Record(
            formula=asked.formula,
            rung=asked.rung,
            seed=asked.seed,
            status="diverged" if fails else "ok",
            score=score,
            metrics={},
            curve=() if score is None else ((1, 1.0, score / 2), (2, 0.5, score)),
            time_s=0.25,
            device=device,
        )


class ShuffledPool(simulated.ShuffledPool):
    """Two jobs in flight, a random one ends; time is up after ``n_jobs``."""

    def __init__(self, task: Any, seed: int = 0, n_jobs: int | None = None) -> None:
        super().__init__(2, seed, task)
        self._left = n_jobs
        self.trained: list[tuple[str, int]] = []

    def stream(self, next_job: Any, *, deadline: Any = None) -> Any:
        def counted() -> Any:
            job = None if self._left == 0 else next_job()
            if isinstance(job, Job):
                self.trained.append((job.training.formula, job.training.seed))
                if self._left is not None:
                    self._left -= 1
            return job

        return super().stream(counted, deadline=deadline)


def make_run(
    folder: Path,
    bred: Mapping[str, float],
    given: Mapping[str, float],
    task: Any = None,
    spec: str | None = None,
) -> Path:
    """Make a run whose births have these formulas and scores; ``given`` are its seeds.

    Its task is an object (``task`` gives its settings), or is loaded again from ``spec``.
    """
    config: dict[str, Any] = {
        "space": "default",
        "task": spec or "noisy",
        "task_from": "name" if spec else "object",
        "seed": 0,
        "rung": "full",
        "rungs": [
            {"name": "short", "steps": 1, "seeds": [0], "learning_rate": 1.0},
            {"name": "full", "steps": 2, "seeds": [0, 1], "learning_rate": 1.0},
        ],
        "seeds": [0, 1],
        "data": None,
        "budget": "5m",
        "births": None,
    }
    if task is not None:
        config["task_settings"] = task.settings()
    births = [("seed", *pair) for pair in given.items()] + [("cross", *p) for p in bred.items()]
    with RunStore.create(folder, config, {}) as store, store.session({"budget": "5m"}):
        for id_, (operator, formula, score) in enumerate(births):
            expression = parse(formula)
            store.add_births(
                [
                    Birth(
                        id=id_,
                        operator=operator,
                        parents=(),
                        formula=formula,
                        fingerprint=expression.fingerprint(),
                        status="accepted",
                        size=expression.size,
                    )
                ]
            )
            for seed in (0, 1):
                row = TrainingRow(id_, "full", seed, "ok", score, {}, (), 1.0, "cpu")
                store.add_training(row)
    return folder


def race(reference: str | None = None) -> list[Entry]:
    """Return what is said of the trainings of ``RACE``, of which the slower score better."""
    records = {
        formula: {
            seed: Record(
                formula=formula,
                rung="full",
                seed=seed,
                status="ok",
                score=step / 1000 if step else 0.9,
                metrics={"reached_step": float(step), "reached_s": step / 100} if step else {},
                curve=(),
                time_s=1.0,
                device="cpu",
            )
            for seed, step in enumerate(steps)
        }
        for formula, steps in RACE.items()
    }
    entrants = [Contestant(formula, formula) for formula in RACE]
    return entries_of(entrants, records, {}, reference, has_target=True)


def run_trials(
    folder: Path, task: Any, seed: int = 0, n_jobs: int | None = None, **more: Any
) -> Confirmation:
    """Confirm a run with scores that a simulated task makes up."""
    with RunStore.open(folder, write=True) as store:
        return confirm_store(
            store,
            task,
            slots=SLOTS,
            pool_of=lambda one, _slots: ShuffledPool(one, seed, n_jobs),
            **more,
        )
