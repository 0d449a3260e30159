"""From a run to its task, and from what a user typed to formulas: what all trials begin with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import BadInput, nearest, shorten
from actsearch.expressions import FormulaError, parse_candidate
from actsearch.expressions.known import FORMER, NAMED
from actsearch.expressions.likeness import multiple_of, nearly_multiple_of, unlike
from actsearch.expressions.node import INPUTS
from actsearch.paths import command, command_to_begin, typed_path
from actsearch.results.unscored import unscored
from actsearch.runs import (
    RunStore,
    existing_run,
    hall_of_fame,
    is_final,
    lacks_births,
    last_outcome,
)
from actsearch.runs.ranking import merits
from actsearch.tasks.known import known_of, own_known
from actsearch.tasks.protocol import ONLY_X, Task, check_inputs, inputs_of
from actsearch.tasks.registry import load_task

#: Finalists are sought among so many times their number; nearer than this are two of one shape.
_AMONG, _SHAPE_RADIUS = 10, 0.1
#: Nearer than this to a known activation, a factor aside, a winner is called nearly that. GELU and
#: silu(1.7*x) are 0.016 apart, GELU and ELiSH 0.08.
_SAME_RADIUS = 0.05
#: No run has births with longer ids.
_MAX_DIGITS = 18


class NothingToConfirm(BadInput):
    """A run has no formula with a score that is not a known activation."""


@dataclass(frozen=True)
class Contestant:
    """A formula with the name that it is shown by."""

    name: str
    formula: str


def saved_task(store: RunStore, data: Path | None = None, task: str | Task | None = None) -> Task:
    """Load the task of a run again.

    Args:
        store: the run.
        data: where the data set lies now, if it was moved.
        task: the task as the user gives it, loaded or named; None: the run says which.

    Raises:
        NotNamed: the run names a task file that the user never named, which was not run, or hands
            it data that they never named.
        BadInput: the run was started with a task object, or the task is not what it was.
    """
    if task is not None and not isinstance(task, str):
        return task
    config = store.config
    data_named = data is not None or not isinstance(config.get("data"), str)
    if not data_named:
        data = Path(config["data"])
    if task is not None:
        return load_task(task, data, data_named=data_named)
    if config.get("task_from", "name") != "name":
        raise BadInput(
            f"run '{store.name}' was started from Python with the task object '{config['task']}'; "
            "go on with it there: actsearch.resume(run, task=...), actsearch.confirm(run, task=...)"
        )
    return load_task(str(config.get("task", "")), data, named=False, data_named=data_named)


def check_same(store: RunStore, task: Task) -> None:
    """Refuse a task whose settings or rungs differ from those that the run was searched with.

    Raises:
        BadInput: they differ; the message says in what.
    """
    config = store.config
    now: dict[str, Any] = json.loads(json.dumps(task.settings()))
    before = config.get("task_settings", now)
    differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    rungs = [rung.settings() for rung in task.rungs]
    if "rungs" not in differing and config.get("rungs", rungs) != rungs:
        differing.append("rungs")
    if differing:
        if differing == ["source_sha256"]:
            what = f"the file of its task, {config['task']}, was changed since; put it back"
        else:
            what = f"these settings of its task differ now: {', '.join(differing)}; put them back"
        raise BadInput(
            f"run '{store.name}': {what}, as scores would not compare; or begin a new run from its "
            f"best: {command_to_begin(store.folder, config)}"
        )


def known_contestants(
    task: Task | None = None, finalists: Collection[str] = (), inputs: Collection[str] = INPUTS
) -> dict[str, str]:
    """Return formula -> name of the known activations; of two names for one function, the first.

    Args:
        task: what they are known for; None: the zoo, with gated units and overlaps.
        finalists: formulas that are no rivals of their own: on a task that they were taken to, one
            of them may be known.
        inputs: what they may read.
    """
    seen = set()
    for formula in finalists:
        with contextlib.suppress(FormulaError):  # one that an earlier version wrote is no rival
            seen.add(parse_candidate(formula).fingerprint())
    known: dict[str, str] = {}
    for name, formula in known_of(task).items():
        expression = parse_candidate(formula)
        fingerprint = expression.fingerprint()
        if not set(expression.inputs) <= {*inputs}:
            continue
        if fingerprint not in seen:
            seen.add(fingerprint)
            known[formula] = name
    return known


def rivals_of(store: RunStore, task: Task, finalists: Collection[str] = ()) -> dict[str, str]:
    """Return formula -> name of the known activations that finalists of a run have to beat.

    They read what the run's space reads, as far as the layers of ``task`` give it.
    """
    read = store.config.get("space_settings", {}).get("inputs", ONLY_X)
    there = tuple(name for name in read if name in inputs_of(task))
    return known_contestants(task, finalists, there)


def known_multiple(formula: str, known: Mapping[str, str] | None = None) -> str | None:
    """Return the name of the known activation that a formula is a multiple of, or None.

    Args:
        formula: to be looked at.
        known: formula -> name, as ``known_contestants`` gives it; None: those of the zoo.
    """
    known = known_contestants() if known is None else known
    place = multiple_of(parse_candidate(formula), [parse_candidate(one) for one in known])
    return None if place is None else list(known.values())[place]


def said_of(formula: str, task: Task | None = None) -> str | None:
    """Return what a win of a formula has to be taken with, or None: it is a known one scaled.

    Args:
        formula: the winner.
        task: where it won; None: one that is compared with the zoo.
    """
    known, nearly = known_contestants(task), ""
    try:
        candidate = parse_candidate(formula)
    except FormulaError:  # an earlier version wrote it: then there is nothing to hold against it
        return None
    name = known_multiple(formula, known)
    if name is None:
        rivals = [parse_candidate(one) for one in known]
        near = nearly_multiple_of(candidate, rivals, _SAME_RADIUS)
        if near is None:
            return None
        name, nearly = list(known.values())[near], "nearly "
    what = f"{formula} is {nearly}{name} but for a factor"
    if task is not None and own_known(task) is not None:
        return f"{what}, so it is hardly a function of its own"
    return (
        f"{what}, which acts as a learning rate does: "
        "actsearch compare --learning-rate A,B,C tells whether anything is left of its gain"
    )


def finalists_of(store: RunStore, n: int, task: Task | None = None) -> tuple[str, ...]:
    """Return the ``n`` best formulas that are no known activation, fewer if there are fewer.

    Of those at the longest rung the best are the ones whose score less its standard error is
    highest, the error being that of the rung's noise: one that ran a single seed may be among them
    if it is far ahead, and the trials will tell. Then come the others as the hall of fame has them.
    Of those of nearly the same shape the first alone counts, and none that is a known activation
    but for a factor, as long as there are others.

    Args:
        store: the run.
        n: how many.
        task: that of the run, which says what is known; None: the zoo is.

    Raises:
        NothingToConfirm: there is none.
    """
    known = known_contestants(task)
    prints = {parse_candidate(formula).fingerprint() for formula in (*known, *FORMER)}
    trainings = store.trainings()
    ranked = hall_of_fame(store.births(), trainings, ladder=store.ladder)
    last = [one for one in ranked if one.rung == ranked[0].rung]
    worth = merits([(one.ranked_by, one.n, one.standard_error) for one in last])
    best_first = sorted(range(len(last)), key=lambda k: -worth[k])
    found = [
        scored.formula
        for scored in (*(last[k] for k in best_first), *ranked[len(last) :])
        if scored.fingerprint not in prints
    ]
    if not found:
        ended = last_outcome(store.sessions())
        why = f"search on: {command('resume', store.folder, '--budget', '10m')}"
        if is_final(ended):
            why = f"its search is over: {ended}"
        elif lacks_births(ended):
            why = f"its search ended: {ended}"
        elif trainings and not ranked:  # more of the same would help nobody
            why = unscored(
                trainings, lambda row: command("inspect", store.folder, str(row.birth_id))
            )
        raise NothingToConfirm(
            f"run '{store.name}' has no formula with a score that is not a known activation; {why}"
        )
    first = found[: _AMONG * n]
    first.sort(key=lambda formula: known_multiple(formula, known) is not None)
    places = unlike([parse_candidate(formula) for formula in first], n, _SHAPE_RADIUS)
    return tuple(first[place] for place in places)


def contestants(
    texts: Sequence[str],
    runs_dir: Path | None = None,
    known: Mapping[str, str] = NAMED,
    *,
    least: int = 2,
) -> list[Contestant]:
    """Return what to compare, or to look at.

    Args:
        texts: formulas, names of known activations in any case, or ``RUN:ID``.
        runs_dir: the folder of the runs.
        known: name -> formula of the known activations of the task; those of the zoo can be named
            in any case.
        least: how many there have to be, 1 or 2.

    Raises:
        BadInput: one is none of these, two are the same function, or there are too few.
    """
    found: list[Contestant] = []
    seen: dict[str, str] = {}
    for text in texts:
        name, formula = _resolved(
            text, runs_dir, {**known, **{k: NAMED[k] for k in NAMED if k not in known}}
        )
        expression = parse_candidate(formula)
        fingerprint = expression.fingerprint()
        if fingerprint in seen:
            raise BadInput(f"'{seen[fingerprint]}' and '{shorten(name)}' are the same function")
        seen[fingerprint] = shorten(name)
        found.append(Contestant(name, str(expression)))
    if len(found) < least:
        needs = (
            "a comparison needs two activations" if least > 1 else "there must be one activation"
        )
        raise BadInput(
            f"{needs} or more, got {len(found)} "
            "(each a formula, a known name such as GELU, or RUN:ID)"
        )
    return found


def check_readable(formulas: Sequence[str], task: Task) -> None:
    """Refuse formulas that read what the layers of a task don't give.

    Raises:
        BadInput: one does.
    """
    for formula in formulas:
        check_inputs(task, parse_candidate(formula).inputs, f"'{shorten(formula)}'")


def _resolved(text: str, runs_dir: Path | None, known: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the formula of what ``text`` says."""
    text = text.strip()
    if ":" in text and "|" not in text:  # else formulas for groups of layers
        return text, formula_in_run(text, runs_dir)
    name = next((name for name in known if name.lower() == text.lower()), None)
    if name is not None:
        return name, known[name]
    try:
        parse_candidate(text)
    except BadInput as error:
        guess = nearest(text, known)
        if guess is None or not text.replace(" ", "").replace("-", "").isalnum():
            raise
        raise BadInput(
            f"'{shorten(text)}' is no formula and no known activation; did you mean '{guess}'? "
            f"(known: {', '.join(known)})"
        ) from error
    return text, text


def formula_in_run(text: str, runs_dir: Path | None = None) -> str:
    """Return the formula of the birth that ``RUN:ID`` names; RUN may be the path of its folder.

    Raises:
        BadInput: there is no such run or birth, or what it holds was rejected before training.
    """
    run, _, number = text.rpartition(":")
    if not number.isdecimal() or len(number) > _MAX_DIGITS:
        raise BadInput(
            f"'{shorten(text)}' is not RUN:ID: the id of a birth is a number, as in first:12"
        )
    given = typed_path(run)
    if len(given.parts) > 1 and given.is_dir():
        folder = existing_run(given.name, given.parent)
    else:
        folder = existing_run(run, runs_dir)
    with RunStore.open(folder) as store:
        births = store.births()
    if int(number) >= len(births):
        there = f"births 0 to {len(births) - 1}" if births else "no births yet"
        raise BadInput(f"unknown id {number}: run '{folder.name}' has {there}")
    birth = births[int(number)]
    if birth.status == "rejected":
        raise BadInput(
            f"birth {number} of run '{folder.name}' was rejected before training: {birth.reason}"
        )
    return birth.formula
