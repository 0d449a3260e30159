"""`actsearch confirm`: whether a run's best is really better than the known activations."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from actsearch.cli.options import (
    RUNS_DIR,
    DataOption,
    FormatOption,
    QuietOption,
    RunsDirOption,
    TaskAgainOption,
    as_words,
    checked_budget,
    find_run,
    note,
)
from actsearch.cli.report import ReportOption, report_after
from actsearch.cli.where import said_of, trains
from actsearch.durations import format_duration
from actsearch.paths import command
from actsearch.results.hall import with_error
from actsearch.results.tables import Column, Format, number, printable, write_json, write_rows
from actsearch.results.verdict import DECIDED

if TYPE_CHECKING:
    from actsearch.results.verdict import Row
    from actsearch.trials.confirm import Moment
    from actsearch.trials.judged import Confirmation, OnTask
    from actsearch.workers import Where

#: What JSON and CSV have of each formula, under these names.
KEYS = (
    "name", "id", "formula", "kind", "mean", "standard_error", "n", "n_failed", "decided",
    "n_pairs", "difference", "low", "high", "t_p", "wilcoxon_p", "holm_p", "effect_size",
)  # fmt: skip


#: As many as ``trials.confirm`` tries, which is imported when it is needed: torch is behind it.
N_FINALISTS = 3
#: Options that go without saying; those that are not named here are None.
USUAL: Mapping[str, object] = {"finalists": N_FINALISTS}


def _two_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


#: How a table shows a comparison of pairs; ``compare`` shows it so, too.
PAIR_COLUMNS = (
    Column("difference", "difference [95 %]", right=True),
    Column("n_pairs", "pairs", show=lambda n: str(n or ""), right=True),
    Column("t_p", "p (t)", show=number, right=True),
    Column("wilcoxon_p", "p (Wilcoxon)", show=number, right=True),
    Column("holm_p", "p (Holm)", show=number, right=True),
    Column("effect_size", "effect", show=_two_digits, right=True),
)


@trains
def confirm(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Train no longer: 90s, 5m, 1h30m. [default: until clear]"
        ),
    ] = None,
    finalists: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the best formulas to try.")
    ] = N_FINALISTS,
    transfer: Annotated[
        str | None,
        typer.Option(metavar="TASK,...", help="Try them on these tasks, too."),
    ] = None,
    task: TaskAgainOption = None,
    *,
    where: Where,
    data: DataOption = None,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
    no_report: ReportOption = False,
    quiet: QuietOption = False,
) -> None:
    """Confirm what a run found: its best formulas beside all known activations, on held-out data.

    Each trains with fresh seeds at full length and is scored on the test split, which no search
    sees. More seeds follow until the verdict is clear. Ctrl-C is safe: trials are kept in the run,
    and the same command goes on with them.
    """
    from actsearch.cli.launch import goes_on_with, terminate_as_interrupt
    from actsearch.cli.trial_line import TrialLine

    fmt = Format.named(output)
    checked_budget(budget)
    path = find_run(run, runs_dir)
    shown = TrialLine(quiet=quiet)

    def again() -> str:
        return again_with(
            path,
            budget=budget,
            finalists=finalists,
            transfer=transfer,
            task=task,
            **said_of(where),
            data=data,
        )

    try:
        from actsearch.trials.confirm import confirm as run_trials

        with terminate_as_interrupt(), goes_on_with(again):
            found = run_trials(
                path,
                budget=budget,
                finalists=finalists,
                transfer=words(transfer),
                task=task,
                **where.options(),
                data=data,
                observer=lambda moment: shown.show(line(moment)),
            )
    except KeyboardInterrupt:
        shown.close()
        raise interrupted(again()) from None
    finally:
        shown.close()
    if fmt is Format.TABLE:
        print_confirmation(found, sys.stdout)
    elif fmt is Format.JSON:
        write_json(_record(found), sys.stdout)
    else:
        columns = [Column(key, key) for key in ("task", "split", *KEYS)]
        rows = [
            {"task": one.task, "split": one.split, **_cells(row, found.ids)}
            for one in (found.main, *found.transfer)
            for row in one.rows
        ]
        write_rows(columns, rows, fmt, sys.stdout)
    if not no_report:
        sys.stdout.write("\n" if fmt is Format.TABLE else "")
        sys.stdout.flush()
        report_after(path, aside=fmt is not Format.TABLE)


def again_with(path: Path, **options: str | int | Path | None) -> str:
    """Return the command that goes on with confirming a run.

    Args:
        path: the run's folder.
        options: what was given to the command, by the options' names.
    """
    given = {name: v for name, v in options.items() if v != USUAL.get(name)}
    return command("confirm", path, *as_words(given))


def interrupted(again: str) -> typer.Exit:
    """Say how to go on with confirming a run, and return the way out."""
    note(f"actsearch: interrupted; all trials are saved; go on with: {again}")
    return typer.Exit(130)


def words(text: str | None) -> tuple[str, ...]:
    """Split ``text`` at its commas; nothing gives nothing."""
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


def line(moment: Moment) -> str:
    """Write how far the trials are."""
    return printable(
        f"{format_duration(moment.elapsed_s)} | {moment.task}, {moment.split} split | look "
        f"{moment.n_looks + 1}: {moment.n_done} of {moment.n_wanted} trials"
    )


def print_confirmation(confirmation: Confirmation, out: TextIO) -> None:
    """Print a confirmation as a person reads it: a table and a sentence for each task.

    Args:
        confirmation: as ``trials.confirm`` returns it.
        out: where to, usually standard output.
    """
    for number_, one in enumerate((confirmation.main, *confirmation.transfer)):
        out.write("\n" if number_ else "")
        _print_task(one, confirmation.ids, out)


def _print_task(one: OnTask, ids: Mapping[str, int], out: TextIO) -> None:
    if one.n_trials:
        columns = (
            Column("name", "activation", long=True),
            Column("id", "id", right=True),
            Column("kind", "kind"),
            Column("mean", one.score_name),
            Column("n", "n", right=True),
            *PAIR_COLUMNS,
            Column("decided", "verdict"),
        )
        rows = [
            {
                **_cells(row, ids),
                "mean": with_error(row.mean, row.standard_error),
                "n": f"{row.n} ({row.n_failed} failed)" if row.n_failed else str(row.n),
                "difference": difference_cell(row.difference, row.low, row.high),
                "decided": DECIDED[row.kind].get(row.decided, row.decided),
            }
            for row in one.rows
        ]
        write_rows(columns, rows, Format.TABLE, out)
        out.write(
            f"\ndifference: the first one's score minus this one's; {one.n_trials} trials in "
            f"{format_duration(one.time_s)} of training\n"
            "intervals, p (t) and p (Wilcoxon) are of the single pair; p (Holm), corrected for all "
            "pairs and looks, decides\n"
        )
        out.write(f"{printable(one.unscored)}\n\n" if one.unscored else "\n")
    out.write(f"{printable(one.sentence)}\n")


def difference_cell(mean: float | None, low: float | None, high: float | None) -> str:
    """Write a difference with its interval, as ``+0.0123 [+0.0051, +0.0190]``."""
    if mean is None or low is None or high is None:
        return ""
    return f"{_signed(mean)} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "") + number(value)


def _cells(row: Row, ids: Mapping[str, int]) -> dict[str, Any]:
    values = dataclasses.asdict(row) | {"id": ids.get(row.formula)}
    return {key: values[key] for key in KEYS}


def _record(confirmation: Confirmation) -> dict[str, Any]:
    return {
        "run": confirmation.run,
        **_task_record(confirmation.main, confirmation.ids),
        "transfer": [_task_record(one, confirmation.ids) for one in confirmation.transfer],
    }


def _task_record(one: OnTask, ids: Mapping[str, int]) -> dict[str, Any]:
    judgement = one.judgement
    return {
        "task": one.task,
        "split": one.split,
        "score_name": one.score_name,
        "sentence": one.sentence,
        "caveat": one.caveat,
        "winner": judgement.winner,
        "is_clear": judgement.is_clear,
        "alpha": judgement.alpha,
        "n_looks": judgement.n_looks,
        "n_trials": one.n_trials,
        "unscored": one.unscored,
        "training_time_s": one.time_s,
        "rows": [_cells(row, ids) for row in one.rows],
    }
