"""The state of a search at a moment, for whoever watches it.

The search makes one after each training; who follows a run from outside makes the like from its
store. Whatever shows it need not know which.
"""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.runs.records import TrainingRow
from actsearch.runs.scores import Scored


@dataclass(frozen=True)
class Snapshot:
    """How many births there are, what became of them, who leads, and what is trained.

    ``n_by_rung`` counts the candidates with a training at each rung, the shortest rung first;
    ``best`` are the leaders, the best first; ``latest`` is the training that led to this state.
    ``n_workers`` is told where it changes: how many trainings a cluster has room for now.
    """

    run: str
    n_births: int
    n_trained: int
    n_duplicates: int
    n_rejected: int
    n_screened: int
    n_trainings: int
    n_by_rung: dict[str, int]
    best: tuple[Scored, ...]
    in_flight: tuple[str, ...]
    elapsed_s: float
    budget_s: float | None
    births_limit: int | None
    latest: TrainingRow | None = None
    n_workers: int | None = None
