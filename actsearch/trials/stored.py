"""The verdict that a run's store holds, without loading the run's task.

To load a task may mean to run its user's file, which nobody needs who only wants to read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from actsearch.expressions.node import INPUTS
from actsearch.runs import RunStore
from actsearch.trials.arena import TEST, VALIDATION, Arena
from actsearch.trials.judged import OnTask, judged_on, rows_of, scores_of


@dataclass(frozen=True)
class StoredVerdict:
    """What the trials of a run came to on its own task.

    Attributes:
        finalists: Formulas, those of the last session that confirmed.
        verdict: On them; ``judgement.n_looks`` is 0 as long as nothing can be said.
        scores: Formula -> seed -> score, of all trials.
        failed: Formula -> the seeds that gave no score.
    """

    finalists: tuple[str, ...]
    verdict: OnTask
    scores: Mapping[str, Mapping[int, float]]
    failed: Mapping[str, Collection[int]]


def stored_verdict(store: RunStore) -> StoredVerdict | None:
    """Return the verdict on a run's own task, None where nothing was tried."""
    with store.reading():  # its trials are asked for several times
        return _verdict(store)


def _verdict(store: RunStore) -> StoredVerdict | None:
    infos = [session.info for session in store.sessions()]
    last: Mapping[str, Any] = next((i for i in infos[::-1] if i.get("kind") == "confirm"), {})
    finalists, (name, *_) = last.get("finalists") or (), last.get("tasks") or ("",)
    splits = {row.split for row in store.trials() if row.task == name} if finalists else set()
    if not splits:
        return None
    split = TEST if TEST in splits else VALIDATION
    measure = str(store.config.get("score_name", "score")).replace(VALIDATION, split)
    task: Any = StoredTask(str(name), measure, store.config.get("known"), INPUTS)
    arena = Arena(task, "", split)
    verdict = judged_on(arena, store, tuple(finalists))
    scores, failed = scores_of(rows_of(store, arena))
    return StoredVerdict(tuple(finalists), verdict, scores, failed)


@dataclass(frozen=True)
class StoredTask:
    """A task as far as its run's configuration knows it: enough for a verdict, not for training."""

    name: str
    score_name: str
    known: Mapping[str, str] | None
    inputs: tuple[str, ...]
    rungs: tuple[()] = ()
