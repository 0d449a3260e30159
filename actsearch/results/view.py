"""A run as it is read from its store, once, for whatever shows it: tables, plots, the report.

Everything that is shown of a run comes from here, so that a terminal, a picture and a page cannot
disagree. A run that is being written is read as of now.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.durations import format_duration
from actsearch.errors import counted
from actsearch.expressions import parse
from actsearch.expressions.known import FORMER, NAMED
from actsearch.expressions.node import INPUTS
from actsearch.paths import command
from actsearch.results.hall import best_known, hall_rows
from actsearch.results.units import unit_of
from actsearch.results.unscored import unscored
from actsearch.runs import (
    Birth,
    RunStore,
    Session,
    TrainingRow,
    births_s,
    hall_of_fame,
    last_outcome,
    scores,
)
from actsearch.runs.follow import confirms, is_open
from actsearch.runs.lock import holder


@dataclass(frozen=True)
class Totals:
    """What became of the births of a run, and what training them took."""

    births: int
    trained: int
    duplicates: int
    rejected: int
    screened: int
    trainings: int
    trainings_ok: int
    training_time_s: float
    elapsed_s: float

    def sentence(self) -> str:
        """Write the totals as a person reads them."""
        failed = self.trainings - self.trainings_ok
        settled = self.trained + self.duplicates + self.rejected + self.screened
        waiting = self.births - settled
        return (
            f"{counted(self.births, 'birth')}: "
            f"{self.trained} trained, {self.duplicates} the same as a "
            f"function seen before (no training), {self.rejected} rejected before training, "
            f"{self.screened} passed over as less promising or nearly the same as one trained"
            f"{f', {waiting} not trained yet' if waiting else ''};\n"
            f"{counted(self.trainings, 'training')}"
            f"{f' ({failed} without a score)' if failed else ''} "
            f"in {format_duration(self.elapsed_s)}"
        )


@dataclass(frozen=True)
class RunView:
    """A run read from its store.

    Attributes:
        path: Its folder.
        config: The configuration as used.
        rows: Those of its hall of fame, all of them, and below what was trained without a score.
        totals: What became of its births.
        births: All of them, by their ids.
        trainings: All of them, by birth, rung and seed.
        ladder: The names of its rungs, the shortest first.
        sessions: In the order in which they began.
        environment: What the run was started on: versions, machine, devices.
        ended: Why its last search ended; "" while it goes on, or after a kill.
        births_limit: How many births it might have.
        writer: The process that is writing it right now, in words; "" where none is.
    """

    path: Path
    config: dict[str, Any]
    rows: list[dict[str, Any]]
    totals: Totals
    births: list[Birth]
    trainings: list[TrainingRow]
    ladder: tuple[str, ...]
    sessions: list[Session]
    environment: dict[str, Any]
    ended: str = ""
    births_limit: int | None = None
    writer: str = ""

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.name

    @property
    def measure(self) -> str:
        """What a score is, in words."""
        name = str(self.config.get("score_name", "as its task gives it"))
        return name + unit_of(name).explained

    @property
    def ranked(self) -> list[dict[str, Any]]:
        """The rows that have a score, best first."""
        return [row for row in self.rows if row["rank"] is not None]

    @property
    def best_known(self) -> dict[str, Any] | None:
        """The row of the best known activation, that gains are measured against."""
        return best_known(self.ranked)

    @property
    def confirmation(self) -> Session | None:
        """The session that confirms it right now; None where none does."""
        last = self.sessions[-1] if self.sessions else None
        return last if self.writer and last and is_open(last) and confirms(last) else None

    @property
    def at_work(self) -> str:
        """Who is at it right now and what for, in words; "" where nobody is."""
        doing = "confirmed" if self.confirmation else "written"
        return f"being {doing} by {self.writer}, shown as of now" if self.writer else ""

    @functools.cached_property
    def by_id(self) -> dict[int, dict[str, Any]]:
        """Birth id -> its row, of those that were trained."""
        return {row["id"]: row for row in self.rows}

    @functools.cached_property
    def born_s(self) -> dict[int, float]:
        """Birth id -> how long the run had searched when it was born; where that is known."""
        return births_s(self.births, self.sessions)

    @functools.cached_property
    def rediscoveries(self) -> dict[int, list[int]]:
        """Birth id -> the births that turned out to be the same function."""
        return rediscoveries(self.births)

    @functools.cached_property
    def unscored(self) -> str:
        """Which of its trainings gave no score and why, in a line; "" where all did."""
        return unscored(
            self.trainings, lambda row: command("inspect", self.path, str(row.birth_id))
        )

    @property
    def has_news(self) -> bool:
        """Whether a formula that is no known activation has a score."""
        return any(not row["known"] for row in self.ranked)


def read_run(path: Path) -> RunView:
    """Read a run for showing; a search that is writing it is not disturbed.

    Raises:
        BadInput: the folder holds no readable run.
    """
    with RunStore.open(path) as store:
        return view_of(store)


def view_of(store: RunStore) -> RunView:
    """Read a run from its open store, as of one moment; more may be read of it at that moment.

    Whoever shows other things of the run beside it (its trials) opens the store, and reads both in
    one ``with store.reading()``: or they would be of two moments.
    """
    with store.reading():
        births, trainings, sessions = store.births(), store.trainings(), store.sessions()
        known, ladder = known_names(store.config), store.ladder
        # Asked for once the store is read: a writer that ends in between is shown at work, and not
        # the other way round, as if what is shown were all.
        who = holder(store.folder)
        return RunView(
            store.folder,
            store.config,
            rows=all_rows(births, trainings, ladder, known, sessions),
            totals=totals(births, trainings, store.elapsed_s()),
            births=births,
            trainings=trainings,
            ladder=ladder,
            sessions=sessions,
            environment=store.environment,
            ended=last_outcome(sessions),
            births_limit=store.last_search().get("births"),
            writer="" if who is None else str(who),
        )


def all_rows(
    births: list[Birth],
    trainings: list[TrainingRow],
    ladder: Sequence[str],
    known: Mapping[str, str],
    sessions: Sequence[Session] = (),
) -> list[dict[str, Any]]:
    """Return the rows of the hall of fame, all of it, and below it what got no score.

    Args:
        births: of the run.
        trainings: of the run.
        ladder: names of its rungs.
        known: name -> formula of the known activations, from ``known_names``.
        sessions: of the run, for the times of birth.
    """
    ranked = hall_of_fame(births, trainings, ladder=ladder)
    scored = scores(births, trainings, ladder=ladder)
    unranked = [one for one in scored if one.mean is None and one.n]
    born, again = births_s(births, sessions), rediscoveries(births)
    return [
        {**row, "born_s": born.get(row["id"]), "rediscoveries": len(again.get(row["id"], ()))}
        for row in hall_rows([*ranked, *unranked], trainings, known_births(births, known))
    ]


def config_facts(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a run's configuration says of its task, space and seed, in a word each.

    And of its lag, where it was given with the search.
    """
    facts = {key: config.get(key) for key in ("task", "space", "seed")}
    return facts if config.get("lag") is None else facts | {"lag": config["lag"]}


def totals(births: Iterable[Birth], trainings: Sequence[TrainingRow], elapsed_s: float) -> Totals:
    """Count what became of births and trainings."""
    status = Counter(birth.status for birth in births)
    return Totals(
        births=sum(status.values()),
        trained=len({row.birth_id for row in trainings}),
        duplicates=status["duplicate"],
        rejected=status["rejected"],
        screened=status["screened"],
        trainings=len(trainings),
        trainings_ok=sum(row.score is not None for row in trainings),
        training_time_s=sum(row.time_s for row in trainings),
        elapsed_s=elapsed_s,
    )


def known_names(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Return name -> formula of the known activations of a run's task: its own, or the zoo."""
    own: Mapping[str, str] | None = config.get("known")
    return own or NAMED


def rediscoveries(births: Iterable[Birth]) -> dict[int, list[int]]:
    """Return birth id -> the ids of its duplicates, of the births that have any."""
    found: dict[int, list[int]] = {}
    for birth in births:
        if birth.same_as is not None:
            found.setdefault(birth.same_as, []).append(birth.id)
    return found


def known_births(births: Iterable[Birth], known: Mapping[str, str]) -> dict[int, str]:
    """Return birth id -> name, of the births that are known activations under whatever formula.

    Most known activations were seeds, and the run has their fingerprints: only those of the others
    are computed.
    """
    births = list(births)
    there = {birth.formula: birth.fingerprint for birth in births if birth.fingerprint}
    by_fingerprint = known_fingerprints(known, there, _read_by(births))
    return {
        birth.id: by_fingerprint[birth.fingerprint]
        for birth in births
        if birth.status == "accepted" and birth.fingerprint in by_fingerprint
    }


def _read_by(births: Iterable[Birth]) -> set[str]:
    """Return the inputs that the formulas of a run read, or some more."""
    words = re.compile(r"[a-z]\w*")
    return {word for birth in births for word in words.findall(birth.formula)} & {*INPUTS}


def known_fingerprints(
    known: Mapping[str, str],
    computed: Mapping[str, str] | None = None,
    inputs: Container[str] = INPUTS,
) -> dict[str, str]:
    """Return fingerprint -> name of the known activations; of two names for one, the first.

    Args:
        known: name -> formula.
        computed: formula -> fingerprint, of those that need not be computed.
        inputs: what is asked for may read these: the known activations that read others are left
            out.
    """
    computed = computed or {}
    names: dict[str, str] = {}
    former = [(name, formula) for formula, name in FORMER.items() if name in known]
    for name, formula in (*known.items(), *former):
        fingerprint = computed.get(formula)
        if fingerprint is None:
            expression = parse(formula)
            if not all(name in inputs for name in expression.inputs):
                continue
            fingerprint = expression.fingerprint()
        names.setdefault(fingerprint, name)
    return names
