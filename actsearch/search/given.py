"""Formulas that a search is given to start from: typed by the user, or the best of another run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from actsearch.errors import BadInput, counted
from actsearch.expressions import Candidate, parse_candidate, parts_of
from actsearch.expressions.known import formula_of
from actsearch.runs import RunStore, hall_of_fame, last_outcome
from actsearch.runs.outcomes import nothing_scored
from actsearch.search.space import SearchSpace
from actsearch.search.space.idle import learns_nothing
from actsearch.search.space.model import wrong_groups
from actsearch.tasks.protocol import Task, check_channels, check_inputs

#: The operator of births that were given to a run when it was gone on with.
ADDED = "added seed"
#: How many of another run's best formulas ``seed_run`` brings.
N_FROM_RUN = 10


def formulas_of(texts: Iterable[str]) -> list[Candidate]:
    """Read the user's seeds.

    Raises:
        BadInput: One is no formula, or would be turned away before training.
    """
    if isinstance(texts, str):
        texts = [texts]
    expressions = [parse_candidate(formula_of(text)) for text in texts]
    for expression in expressions:
        reason = expression.check()
        if reason is not None:
            raise BadInput(f"seed formula '{expression}' can't be trained: {reason}")
    return expressions


def check_readable(space: SearchSpace, given: Collection[Candidate], task: Task) -> None:
    """Refuse a space, or formulas to start from, that a task's network has not the places for.

    Otherwise they would fail one by one in training, and what is left would rank as if it were all.

    Raises:
        BadInput: they read what its layers don't give, are for more groups of layers than it has,
            or have parameters a channel where it does not say how many channels there are.
    """
    check_inputs(task, space.inputs, f"search space '{space.name}'")
    n_groups, n_places = len(space.shape.layers), getattr(task, "n_places", None)
    if n_places is not None and n_groups > n_places:
        raise BadInput(
            f"search space '{space.name}' has formulas for {n_groups} groups of layers "
            f"({', '.join(space.shape.layers)}), and task '{task.name}' has {n_places} activation "
            f"layer{'s' * (n_places != 1)}; take another task, or fewer groups"
        )
    for expression in given:
        check_inputs(task, expression.inputs, f"seed formula '{expression}'")
        if problem := wrong_groups(expression, space.shape.layers):
            raise BadInput(f"seed formula {problem}")
    _check_channels(space, given, task)


def _check_channels(space: SearchSpace, given: Collection[Candidate], task: Task) -> None:
    seeds = [*(parse_candidate(text) for text in space.seeds), *given]
    learned = [(seed, part) for seed in seeds for part in parts_of(seed) if part.parameters]
    if space.parameters.per == "channel" and (learned or not learns_nothing(space)):
        check_channels(
            task, f"search space '{space.name}'", 'give per = "layer" under [parameters]'
        )
    for seed, part in learned:
        if part.per_channel:
            check_channels(task, f"seed formula '{seed}'", "leave 'per channel' out of its text")


def best_of(folder: Path | None) -> list[Candidate]:
    """Return the best formulas of another run.

    Raises:
        BadInput: There is no such run, or it has no scores.
    """
    if folder is None:
        return []
    with RunStore.open(Path(folder)) as store, store.reading():
        best = hall_of_fame(store.births(), store.trainings(), N_FROM_RUN, ladder=store.ladder)
        if not best:
            raise nothing_scored(store.folder, last_outcome(store.sessions()))
    return [parse_candidate(scored.formula) for scored in best]


def still_waiting(store: RunStore) -> list[Candidate]:
    """Return what earlier sessions were given and did not come to add: they ended too early.

    Raises:
        BadInput: One is no formula.
    """
    given = [
        text
        for session in store.sessions()
        if session.outcome != BadInput.__name__  # it was refused, and so were they
        for text in _texts(session.info.get("added_seeds"))
    ]
    births = store.births() if given else []
    there = Counter(birth.formula for birth in births if birth.operator == ADDED)
    waiting = []
    for text in given:
        if there[text]:
            there[text] -= 1
        else:
            waiting.append(parse_candidate(text))
    return waiting


def _texts(value: object) -> list[str]:
    """Return the texts of a list that anyone may have written."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def seeds_to_add(
    store: RunStore,
    space: SearchSpace,
    n_births: int,
    n_seeds: int,
    limit: int | None,
    waiting: Collection[Candidate],
    given: Collection[Candidate],
) -> tuple[list[tuple[Candidate, str]], bool]:
    """Return the seeds that come next, each with its operator, and whether these are all.

    Args:
        store: The run.
        space: Its space.
        n_births: How many births there are.
        n_seeds: How many of them are seeds of the space and of the run's begin.
        limit: How many births there may be.
        waiting: Seeds that earlier sessions were given (``still_waiting``).
        given: Those that this one is given.

    Raises:
        BadInput: There is no room for what this session is given.
    """
    # Seeds interrupted halfway are completed: those in the store are a prefix of them.
    listed = [parse_candidate(text) for text in (*space.seeds, *store.config["seed_formulas"])]
    added = [*waiting, *given]
    seeds = [(one, "seed") for one in listed[n_seeds:]] + [(one, ADDED) for one in added]
    if limit is None:
        return seeds, True
    n_free = max(0, limit - n_births)
    if given and len(added) > n_free:
        raise BadInput(
            f"run '{store.name}' has {n_births} of {counted(limit, 'birth')}, which leaves no room "
            f"for {counted(len(added), 'added seed')}; raise --births"
        )
    return seeds[:n_free], n_free >= len(seeds)
