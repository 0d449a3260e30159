"""A run as it is shown: its hall of fame, its totals, and the commands that may come next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.cli.options import RUNS_DIR
from actsearch.results.hall import best_known, shown, table_columns, table_rows
from actsearch.results.tables import Format, printable, write_rows

if TYPE_CHECKING:
    from actsearch.results.view import RunView

DEFAULT_TOP = 10
#: What a search that lacked births is offered; in fewer it may not find out that nothing passes.
_MORE_BIRTHS = 3000
#: Where a condition of the space counted.
PENALTY_NOTE = "penalty: taken off the score for the rank alone, by soft conditions of the space"


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
