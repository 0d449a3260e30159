"""The verdict on a run's trials: a pure function of the rows in its store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from actsearch.paths import command
from actsearch.results.hall import was_given
from actsearch.results.looks import LOOKS, replay
from actsearch.results.unscored import unscored
from actsearch.results.verdict import Judgement, Row, judge
from actsearch.runs import RunStore, TrialRow
from actsearch.runs.records import ACCEPTED
from actsearch.tasks.protocol import Task
from actsearch.trials.arena import VALIDATION, Arena, arena_of
from actsearch.trials.saved import rivals_of, said_of

#: Seeds of trials begin here; those of a search are small.
FIRST_SEED = 1_000_000
SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + LOOKS[-1]))


#: What is said of a winner that nobody found.
GIVEN = "It was given to the search, not found by it"


@dataclass(frozen=True)
class OnTask:
    """The verdict on one task.

    ``n_trials``, how many of them gave no score (``n_failed``) and their time are those of the
    present finalists and the known ones, in all sessions together. ``sentence`` ends with the
    ``caveat``: what a win has to be taken with, "" for nothing. ``unscored`` says which trials gave
    no score, and why.
    """

    task: str
    split: str
    score_name: str
    judgement: Judgement
    sentence: str
    n_trials: int
    time_s: float
    n_failed: int = 0
    caveat: str = ""
    unscored: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row a formula, the leading finalist first."""
        return self.judgement.rows


@dataclass(frozen=True)
class Confirmation:
    """What confirming a run came to: the verdict on its own task, then those on others.

    ``ids`` are the finalists' births.
    """

    run: str
    main: OnTask
    transfer: tuple[OnTask, ...]
    ids: Mapping[str, int]

    @property
    def judgement(self) -> Judgement:
        """The verdict on the run's own task."""
        return self.main.judgement

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row a formula, on the run's own task."""
        return self.main.rows

    @property
    def split(self) -> str:
        """The split that was scored on: "test", or "validation" for a task that has no other."""
        return self.main.split

    @property
    def sentence(self) -> str:
        """The verdict on the run's own task in words."""
        return self.main.sentence

    @property
    def is_clear(self) -> bool:
        """Whether more trials would change nothing, on any of the tasks."""
        return all(one.judgement.is_clear for one in (self.main, *self.transfer))


def is_clear(store: RunStore, tasks: Iterable[Task], finalists: Sequence[str]) -> bool:
    """Tell whether more trials would change nothing, on any of the tasks."""
    for task in tasks:
        known = rivals_of(store, task, finalists)
        rows = rows_of(store, arena_of(task, curve=False))
        (scores, failed), earlier = scores_of(rows), earlier_finalists(rows, finalists, known)
        looked = replay(scores, finalists, known, seeds=SEEDS, failed=failed, earlier=earlier)
        if not looked.is_clear:
            return False
    return True


def judged(
    store: RunStore, task: Task, transfer: Iterable[Task], finalists: Sequence[str]
) -> Confirmation:
    """Return the verdicts on a run's task and on those that its finalists were taken to."""
    main = judged_on(arena_of(task, curve=False), store, finalists)
    others = [
        judged_on(arena_of(one, curve=False), store, finalists, lead=True) for one in transfer
    ]
    ids: dict[str, int] = {}
    for birth in store.births():
        if birth.status == ACCEPTED and birth.formula in finalists:
            ids.setdefault(birth.formula, birth.id)
    return Confirmation(store.name, main, tuple(others), ids)


def judged_on(
    arena: Arena,
    store: RunStore,
    finalists: Sequence[str],
    *,
    lead: bool = False,
) -> OnTask:
    """Return the verdict on one task.

    Args:
        arena: Where the trials were made.
        store: The run.
        finalists: Formulas.
        lead: Begin the sentence with the task, as one that the search did not use.
    """
    known = rivals_of(store, arena.task, finalists)
    rows = rows_of(store, arena)
    earlier = earlier_finalists(rows, finalists, known)
    rows = [row for row in rows if row.formula in known or row.formula in finalists]
    scores, failed = scores_of(rows)
    judgement = judge(
        scores,
        finalists,
        known,
        seeds=SEEDS,
        failed=failed,
        earlier=earlier,
        score_name=arena.task.score_name,
    )
    sentence = judgement.sentence
    caveat = (said_of(judgement.winner, arena.task) or "") if judgement.winner else ""
    if judgement.winner and was_given(store.births(), judgement.winner):
        sentence += f". {GIVEN}"
    if caveat:
        sentence += f". {caveat}"
    if lead:
        sentence = f"On {arena.name}, which the search did not use: {sentence}"
    if arena.split == VALIDATION:
        sentence = sentence.rstrip(".") + (
            ". These are scores on the validation split, by which the search chose too, with fresh "
            f"seeds: task {arena.name} has no test split."
        )
    return OnTask(
        task=arena.name,
        split=arena.split,
        score_name=arena.task.score_name,
        judgement=judgement,
        sentence=sentence,
        n_trials=len(rows),
        time_s=sum(row.time_s for row in rows),
        n_failed=sum(row.score is None for row in rows),
        caveat=caveat,
        unscored=unscored(rows, lambda row: _shown_by(store, row.formula)),
    )


def _shown_by(store: RunStore, formula: str) -> str:
    """Return the command that shows the trials of a formula; "" where the run has no such birth."""
    ids = (birth.id for birth in store.births() if birth.formula == formula)
    found = next(ids, None)
    return "" if found is None else command("inspect", store.folder, str(found))


def rows_of(store: RunStore, arena: Arena) -> list[TrialRow]:
    """Return the trials of a store that were made in an arena, with seeds of trials."""
    return [
        row
        for row in store.trials()
        if row.task == arena.name and row.split == arena.split and row.seed in SEEDS
    ]


def earlier_finalists(
    rows: Iterable[TrialRow], finalists: Collection[str], known: Collection[str]
) -> tuple[str, ...]:
    """Return the formulas that were finalists before and are none now."""
    tried = dict.fromkeys(row.formula for row in rows)
    return tuple(one for one in tried if one not in finalists and one not in known)


def scores_of(
    rows: Iterable[TrialRow],
) -> tuple[dict[str, dict[int, float]], dict[str, Collection[int]]]:
    """Return formula -> seed -> score, and formula -> the seeds that gave none."""
    scores: dict[str, dict[int, float]] = {}
    failed: dict[str, set[int]] = {}
    for row in rows:
        if row.score is not None:
            scores.setdefault(row.formula, {})[row.seed] = row.score
        else:
            failed.setdefault(row.formula, set()).add(row.seed)
    return scores, dict(failed)
