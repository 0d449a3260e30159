"""Formulas that a search is given to start from: typed by the user, or the best of another run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from actsearch.errors import BadInput, counted
from actsearch.expressions import Candidate, parse_candidate, parts_of
from actsearch.expressions.known import formula_of
from actsearch.runs import RunStore, hall_of_fame, last_outcome
from actsearch.runs.added import ADDED, Added, given_to
from actsearch.runs.outcomes import nothing_scored
from actsearch.search.ledger import Ledger
from actsearch.search.space import SearchSpace
from actsearch.search.space.idle import learns_nothing
from actsearch.search.space.model import wrong_groups
from actsearch.tasks.protocol import Task, check_channels, check_inputs

#: How many of another run's best formulas ``seed_run`` brings.
N_FROM_RUN = 10


@dataclass(frozen=True)
class Seed:
    """A formula, how it comes into a run, and how many births and heats come before it at least."""

    expression: Candidate
    operator: str
    place: tuple[int, int] = (0, 0)


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


def seeds_of(
    store: RunStore,
    space: SearchSpace,
    ledger: Ledger,
    limit: int | None,
    given: Sequence[Candidate],
) -> tuple[list[Seed], list[Added]]:
    """Return the seeds that a run is still to take in, in their order, and the new ones of them.

    Args:
        store: The run.
        space: Its space.
        ledger: What is known of the run.
        limit: How many births there may be.
        given: Those that this session is given; new are those that no session before was given, so
            that the same command may be repeated.

    Raises:
        BadInput: There is no room for what is new, or one of a session before is no formula.
    """
    # Seeds interrupted halfway are completed: those in the store are a prefix of them.
    n_listed = sum(birth.operator == "seed" for birth in ledger.births)
    listed = [*space.seeds, *store.config["seed_formulas"]][n_listed:]
    before = given_to(store.sessions())
    there = Counter(birth.formula for birth in ledger.births if birth.operator == ADDED)
    waiting = _without(before, there)
    n_births, n_heats = len(ledger.births), len(ledger.heats)
    now = (n_births + len(listed), n_heats)
    known = there | Counter(one.formula for one in before)
    new = _without((Added(str(one), now) for one in given), known)
    n_now = len(new) + sum(one.place <= now for one in waiting)
    if new and limit is not None and n_now > max(0, limit - now[0]):
        first = f", {counted(len(listed), 'seed')} of its own to come first" if listed else ""
        raise BadInput(
            f"run '{store.name}' has {n_births} of {counted(limit, 'birth')}{first}, which leaves "
            f"no room for {counted(n_now, 'added seed')}; raise --births"
        )
    added = sorted((*waiting, *new), key=lambda one: one.place)
    seeds = [Seed(parse_candidate(text), "seed") for text in listed]
    return [*seeds, *(Seed(parse_candidate(one.formula), ADDED, one.place) for one in added)], new


def _without(seeds: Iterable[Added], there: Counter[str]) -> list[Added]:
    """Return what is left of ``seeds`` where each of ``there`` takes one away."""
    left, there = [], there.copy()
    for one in seeds:
        there[one.formula] -= 1
        if there[one.formula] < 0:
            left.append(one)
    return left
