"""`actsearch runs`: what is in the folder of runs, and whether a run is sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from actsearch.cli.check import check
from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, note
from actsearch.durations import format_duration
from actsearch.errors import ActsearchError
from actsearch.results.hall import with_error
from actsearch.results.tables import Column, Format, write_rows

COLUMNS = (
    Column("run", "run"),
    Column("state", "state"),
    Column("births", "births", right=True, leaves=1),
    Column("trained", "trained", right=True, leaves=3),
    Column("duplicates", "duplicates", right=True, leaves=4),
    Column(
        "elapsed_s", "time", show=lambda time_s: format_duration(time_s or 0), right=True, leaves=2
    ),
    Column("best", "best", right=True),
    Column("best_formula", "best formula", long=True),
    Column("task", "task", long=True),
    Column("space", "space", long=True),
)
#: What JSON and CSV have besides.
MORE_COLUMNS = (
    Column("best_standard_error", "standard error"),
    Column("best_n", "n"),
    Column("best_rung", "rung"),
    Column("seed", "seed"),
    Column("rejected", "rejected"),
    Column("screened", "screened"),
    Column("trainings", "trainings"),
    Column("created_s", "created"),
)


app = typer.Typer(invoke_without_command=True)
app.command("check", short_help="Say whether a run is sound; repair it.")(check)


@app.callback()
def runs(
    context: typer.Context, runs_dir: RunsDirOption = RUNS_DIR, output: FormatOption = "table"
) -> None:
    """List the runs, the latest first; `check RUN` says whether one is sound.

    A duplicate is a birth that turned out to be a function seen before, under another formula: a
    candidate judged without a training. The states are those of `actsearch watch`.
    """
    if context.invoked_subcommand is not None:
        return
    from actsearch.runs import run_names
    from actsearch.runs.folder import misnamed

    fmt = Format.named(output)
    for folder in misnamed(runs_dir):
        note(
            f"actsearch: '{folder.name}' is left out: no run can have this name; rename the folder"
        )
    rows = [_row(runs_dir / name) for name in run_names(runs_dir)]
    rows.sort(key=lambda row: row["created_s"], reverse=True)
    if not rows and fmt is Format.TABLE:
        if misnamed(runs_dir):
            return
        note(f"there are no runs in {runs_dir} (start one: actsearch search)")
        return
    columns = COLUMNS if fmt is Format.TABLE else COLUMNS + MORE_COLUMNS
    if fmt is Format.TABLE:
        rows = [{**row, "best": _best_cell(row)} for row in rows]
    write_rows(columns, rows, fmt, sys.stdout)


def _best_cell(row: dict[str, Any]) -> str:
    if row.get("best") is None:
        return ""
    return f"{with_error(row['best'], row['best_standard_error'])} (n = {row['best_n']})"


def _row(path: Path) -> dict[str, Any]:
    from actsearch.cli.watching import phase_of
    from actsearch.results.view import config_facts, totals
    from actsearch.runs import RunStore, hall_of_fame
    from actsearch.runs.lock import holder

    try:
        with RunStore.open(path) as store, store.reading():
            births, trainings, sessions = store.births(), store.trainings(), store.sessions()
            config, ladder, elapsed_s = store.config, store.ladder, store.elapsed_s()
            who = holder(path)
    except (ActsearchError, OSError) as error:
        note(f"actsearch: {error}")
        return {"run": path.name, "state": "broken", "created_s": 0.0}
    best = next(iter(hall_of_fame(births, trainings, 1, ladder=ladder)), None)
    sums = totals(births, trainings, elapsed_s)
    return {
        "run": path.name,
        "state": phase_of(who, sessions[-1] if sessions else None),
        **config_facts(config),
        "births": sums.births,
        "trained": sums.trained,
        "duplicates": sums.duplicates,
        "rejected": sums.rejected,
        "screened": sums.screened,
        "trainings": sums.trainings,
        "elapsed_s": sums.elapsed_s,
        "best": best.mean if best else None,
        "best_standard_error": best.standard_error if best else None,
        "best_n": best.n if best else None,
        "best_rung": best.rung if best else None,
        "best_formula": best.formula if best else None,
        "created_s": sessions[0].begin_s if sessions else 0.0,
    }
