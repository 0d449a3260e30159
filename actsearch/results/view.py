"""A run as it is read from its store, once, for whatever shows it: tables, plots, the report.

Everything that is shown of a run comes from here, so that a terminal, a picture and a page cannot
disagree. A run that is being written is read as of now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.durations import format_duration
from actsearch.expressions import parse
from actsearch.expressions.known import FORMER, NAMED
from actsearch.results.hall import hall_rows
from actsearch.results.units import unit_of
from actsearch.runs import (
    Birth,
    RunStore,
    Session,
    TrainingRow,
    hall_of_fame,
    last_outcome,
    scores,
)


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
            f"{self.births} births: {self.trained} trained, {self.duplicates} the same as a "
            f"function seen before (no training), {self.rejected} rejected before training, "
            f"{self.screened} passed over as less promising or nearly the same as one trained"
            f"{f', {waiting} not trained yet' if waiting else ''};\n"
            f"{self.trainings} trainings{f' ({failed} without a score)' if failed else ''} "
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
    def has_news(self) -> bool:
        """Whether a formula that is no known activation has a score."""
        return any(not row["known"] for row in self.ranked)


def read_run(path: Path) -> RunView:
    """Read a run for showing; a search that is writing it is not disturbed.

    Raises:
        BadInput: the folder holds no readable run.
    """
    with RunStore.open(path) as store:
        births, trainings, sessions = store.births(), store.trainings(), store.sessions()
        return RunView(
            path,
            store.config,
            rows=all_rows(births, trainings, store.ladder, known_names(store.config)),
            totals=totals(births, trainings, store.elapsed_s()),
            births=births,
            trainings=trainings,
            ladder=store.ladder,
            sessions=sessions,
            environment=store.environment,
            ended=last_outcome(sessions),
            births_limit=store.last_search().get("births"),
        )


def all_rows(
    births: list[Birth],
    trainings: list[TrainingRow],
    ladder: Sequence[str],
    known: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the rows of the hall of fame, all of it, and below it what got no score.

    Args:
        births: of the run.
        trainings: of the run.
        ladder: names of its rungs.
        known: name -> formula of the known activations, from ``known_names``.
    """
    ranked = hall_of_fame(births, trainings, ladder=ladder)
    scored = scores(births, trainings, ladder=ladder)
    unranked = [one for one in scored if one.mean is None and one.n]
    return hall_rows([*ranked, *unranked], trainings, known_births(births, known))


def config_facts(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a run's configuration says of its task, space and seed, in a word each."""
    return {key: config.get(key) for key in ("task", "space", "seed")}


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


def known_births(births: Iterable[Birth], known: Mapping[str, str]) -> dict[int, str]:
    """Return birth id -> name, of the births that are known activations under whatever formula."""
    by_fingerprint = known_fingerprints(known)
    return {
        birth.id: by_fingerprint[birth.fingerprint]
        for birth in births
        if birth.status == "accepted" and birth.fingerprint in by_fingerprint
    }


def known_fingerprints(known: Mapping[str, str]) -> dict[str, str]:
    """Return fingerprint -> name of the known activations; of two names for one, the first."""
    names: dict[str, str] = {}
    former = [(name, formula) for formula, name in FORMER.items() if name in known]
    for name, formula in (*known.items(), *former):
        names.setdefault(parse(formula).fingerprint(), name)
    return names
