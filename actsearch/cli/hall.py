"""A run as it is shown: its hall of fame, its totals, and the commands that may come next."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.cli.options import RUNS_DIR
from actsearch.durations import format_duration
from actsearch.results.hall import best_known, hall_rows, shown, table_columns, table_rows
from actsearch.results.tables import Format, printable, write_rows
from actsearch.results.units import unit_of

if TYPE_CHECKING:
    from actsearch.runs import Birth, TrainingRow

DEFAULT_TOP = 10
#: What a search that lacked births is offered; in fewer it may not find out that nothing passes.
_MORE_BIRTHS = 3000
#: Where a condition of the space counted.
PENALTY_NOTE = "penalty: taken off the score for the rank alone, by soft conditions of the space"


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
    """A run read from its store: rows of its hall of fame (all of them), totals, configuration.

    ``ended`` says why its last search ended, and ``births_limit`` how many births it might have.
    """

    path: Path
    config: dict[str, Any]
    rows: list[dict[str, Any]]
    totals: Totals
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
    from actsearch.runs import RunStore, last_outcome

    with RunStore.open(path) as store:
        ended = last_outcome(store.sessions())
        births, trainings = store.births(), store.trainings()
        rows = all_rows(births, trainings, store.ladder, known_names(store.config))
        return RunView(
            path,
            store.config,
            rows,
            totals(births, trainings, store.elapsed_s()),
            ended,
            store.last_search().get("births"),
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
    from actsearch.runs import hall_of_fame, scores

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
    from actsearch.expressions.known import NAMED

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
    from actsearch.expressions import parse
    from actsearch.expressions.known import FORMER

    names: dict[str, str] = {}
    former = [(name, formula) for formula, name in FORMER.items() if name in known]
    for name, formula in (*known.items(), *former):
        names.setdefault(parse(formula).fingerprint(), name)
    return names


def print_hall(view: RunView, top: int) -> None:
    """Print the ``top`` of the hall of fame, ReLU and the best known activation, and totals."""
    rows = view.ranked
    if not rows:
        sys.stdout.write("no formula has a score yet\n")
    else:
        listed = shown(rows, top)
        columns = table_columns(rows, listed)
        write_rows(columns, table_rows(listed), Format.TABLE, sys.stdout)
        measure = f"{printable(view.measure)}; mean ± standard error of n trainings"
        sys.stdout.write(f"\nscore: {measure}\n")
        if any(row["penalty"] for row in listed):
            sys.stdout.write(f"{PENALTY_NOTE}\n")
        sys.stdout.write(f"{verdict(rows)}\n")
    sys.stdout.write(f"{view.totals.sentence()}\n")


def verdict(rows: list[dict[str, Any]]) -> str:
    """Say in a sentence how the leader stands to the known activations, and what that is worth."""
    leader = rows[0]
    best = best_known(rows)
    if best is None:
        return f"Birth {leader['id']} leads; no known activation was trained beside it."
    if best is leader:
        alike = [row for row in rows if not row["known"] and row["rung"] == leader["rung"]]
        above = [row for row in alike if row["score"] > leader["score"]]
        if above:
            most = max(above, key=lambda row: (row["n"] > 1, row["score"]))
            return (
                f"{leader['known']}, with {_seeds(leader)}, leads by score less error; birth "
                f"{most['id']}, at rank {most['rank']}, scored above it with {_seeds(most)}."
            )
        return f"{leader['known']} leads: nothing new that was trained as long scored above it."
    return (
        f"Birth {leader['id']} leads; the best known activation, {best['known']}, is at rank "
        f"{best['rank']}.\nThe leader of many is partly luck: these are the scores that it "
        "was chosen by."
    )


def _seeds(row: dict[str, Any]) -> str:
    return "one seed" if row["n"] == 1 else f"{row['n']} seeds"


def resume_line(path: Path) -> str:
    """Write the command that goes on with the run in the folder ``path``."""
    return _command("resume", path)


def print_next(view: RunView, first: int | None = None) -> None:
    """Print the commands that may come next, ready to be typed.

    Args:
        view: the run.
        first: the birth that came out first when it was confirmed; None: the hall's leader.
    """
    lines = _ways_on(view)
    if view.ranked:
        leader = str(view.ranked[0]["id"] if first is None else first)
        export = (_command("export", view.path, leader), "a file to drop into a network")
        verdict = (_command("confirm", view.path), "the verdict, with more seeds where it is open")
        lines = [
            *([verdict] if view.has_news else []),
            (_command("inspect", view.path, leader), "what the leader is"),
            export,
            *lines,
        ]
    width = max(len(command) for command, _ in lines)
    sys.stdout.write("\nnext:\n")
    sys.stdout.writelines(f"  {command:<{width}}  # {what}\n" for command, what in lines)


def _ways_on(view: RunView) -> list[tuple[str, str]]:
    """Return what goes on from a run, as commands with what they do."""
    from actsearch.runs import is_final, lacks_births, nothing_passed

    rejected = (_command("inspect", view.path, "--rejected"), "what was turned away, and why")
    if nothing_passed(view.ended):
        return [
            rejected,
            (
                _command("resume", view.path, "--seed-formula") + " FORMULA",
                "go on from one that passes",
            ),
        ]
    if is_final(view.ended) and not view.ranked:
        trained = (_command("inspect", view.path, "--all"), "what was trained, without a score")
        return [trained if view.totals.trained else rejected]
    if is_final(view.ended):
        task = ("--task", str(view.config.get("task", "")))
        space = _larger_space(view.config.get("space_settings", {}))
        larger = shlex.join(["actsearch", "search", space, *task, "--seed-run", view.name])
        return [(larger + _where(view.path), "from its best on, in a space without an end")]
    if lacks_births(view.ended):
        limit = (view.births_limit or view.totals.births) + _MORE_BIRTHS
        return [
            (_command("resume", view.path, "--births", str(limit)), "search on, with more births"),
            ("actsearch spaces check FILE", "what the space turns away, and why"),
        ]
    return [(_command("resume", view.path, "--budget", "10m"), "search on")]


def _larger_space(settings: Mapping[str, Any]) -> str:
    """Return a shipped space without an end that reads what the formulas of a run read."""
    inputs = settings.get("inputs", ["x"])
    if settings.get("shape", {}).get("layers"):
        return "layerwise"
    return "overlap" if "o" in inputs else "gated" if "u" in inputs else "default"


def _where(path: Path) -> str:
    return "" if path.parent == RUNS_DIR else f" {shlex.join(['--runs-dir', str(path.parent)])}"


def _command(verb: str, path: Path, *more: str) -> str:
    return shlex.join(["actsearch", verb, path.name, *more]) + _where(path)
