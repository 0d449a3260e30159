"""Formulas that a search is given to start from: typed by the user, or the best of another run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from actsearch.errors import BadInput
from actsearch.expressions import Candidate, parse_candidate, parts_of
from actsearch.expressions.known import formula_of
from actsearch.runs import RunStore, hall_of_fame
from actsearch.search.space import SearchSpace
from actsearch.search.space.idle import learns_nothing
from actsearch.search.space.model import wrong_groups
from actsearch.tasks.protocol import Task, check_channels, check_inputs

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
        raise BadInput(f"run '{Path(folder).name}' has no scored formula to start from")
    return [parse_candidate(scored.formula) for scored in best]
