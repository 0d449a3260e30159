"""`actsearch compare`: any activations head to head on one task."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.confirm import PAIR_COLUMNS, difference_cell, words
from actsearch.cli.options import (
    RUNS_DIR,
    DataOption,
    FormatOption,
    QuietOption,
    RunsDirOption,
    TaskOption,
    note,
)
from actsearch.cli.where import trains
from actsearch.errors import BadInput, shorten
from actsearch.results.charts import sparkline
from actsearch.results.hall import with_error
from actsearch.results.tables import Column, Format, number, printable, write_json, write_rows
from actsearch.tasks.registry import EQUAL_PARAMETERS

if TYPE_CHECKING:
    from actsearch.trials.compare import Comparison, Entry
    from actsearch.workers import Where


@trains
def compare(
    activations: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...", help="Formulas, known names such as GELU, or RUN:ID; two or more."
        ),
    ],
    task: TaskOption = "mnist1d-cnn",
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Trainings of each activation, 2 or more.")
    ] = 6,
    test: Annotated[
        bool, typer.Option("--test", help="Score on the test split, not the validation split.")
    ] = False,
    until: Annotated[
        str | None,
        typer.Option(metavar="TARGET", help="How soon they get there: train-error=0.25."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Optimizer steps of one training.")
    ] = None,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            metavar="LR[,LR...]",
            help="Learning rate; of several each activation gets the one that suits it.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare the others with this one, not with the best."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the curves, into a .png, .svg or .pdf file."),
    ] = None,
    *,
    where: Where,
    data: DataOption = None,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
    quiet: QuietOption = False,
) -> None:
    """Train activations on the same seeds, and compare their scores in pairs.

    With --until a training ends at the target, and the steps to it are compared instead.

    A formula that begins with a minus goes behind two: actsearch compare -- gelu '-x'
    """
    from actsearch.cli.trial_line import TrialLine

    fmt = Format.named(output)
    rates = learning_rates(learning_rate)
    if plot is not None:
        from actsearch.plots.style import check_format

        check_format(plot)
    shown = TrialLine(quiet=quiet)
    try:
        from actsearch.trials.compare import compare as run_trials

        found = run_trials(
            task,
            activations,
            seeds,
            baseline=baseline,
            test=test,
            until=until,
            steps=steps,
            learning_rates=rates,
            **where.options(),
            data=data,
            runs_dir=runs_dir,
            observer=lambda done, wanted: shown.show(f"{done} of {wanted} trainings"),
        )
    finally:
        shown.close()
    if fmt is Format.TABLE:
        print_comparison(found)
    elif fmt is Format.JSON:
        write_json(found, sys.stdout)
    else:
        keys = [field.name for field in dataclasses.fields(found.entries[0])]
        rows = [{**_values(entry), "task": found.task} for entry in found.entries]
        write_rows([Column(key, key) for key in ("task", *keys)], rows, fmt, sys.stdout)
    if plot is not None:  # last: a file that can't be written must not lose the answer
        from actsearch.plots.comparison import plot_curves

        sys.stdout.flush()
        plot_curves(found, plot)
        note(f"drawn: {plot}")


def learning_rates(text: str | None) -> tuple[float, ...]:
    """Read ``--learning-rate``.

    Raises:
        BadInput: a part is no number.
    """
    rates = []
    for word in words(text):
        try:
            rates.append(float(word))
        except ValueError:
            raise BadInput(
                f"--learning-rate takes numbers, as in 0.003 or 0.001,0.003,0.01; got "
                f"'{shorten(word)}'"
            ) from None
    return tuple(rates)


def print_comparison(found: Comparison) -> None:
    """Print a comparison as a person reads it: the table and what it stands on."""
    write_rows(
        columns_of(found), [_cells(entry) for entry in found.entries], Format.TABLE, sys.stdout
    )
    sys.stdout.write("\n")
    sys.stdout.writelines(f"{printable(text)}\n" for text in remarks(found))


def columns_of(found: Comparison) -> list[Column]:
    """Return the columns that this comparison has something to show in."""
    optional = {
        "formula": any(":" in e.name for e in found.entries),  # RUN:ID says little
        "difference": found.until is None,  # trainings that end at a target differ in length
        "steps_ratio": found.until,
        "learning_rate": found.learning_rates,
        "reached": found.until,
        "reached_s": found.until,
        "dead_units": any(e.dead_units is not None for e in found.entries),
        "saturated": any(e.saturated is not None for e in found.entries),
        "output_mean": any(e.output_mean is not None for e in found.entries),
        "n_parameters": parameters_differ(found),
    }
    columns = (
        Column("name", "activation", long=True),
        Column("formula", "formula", long=True),
        Column("mean", found.score_name),
        Column("n", "n", right=True),
        Column("steps_ratio", "times the steps [95 %]", right=True),
        *PAIR_COLUMNS,
        Column("learning_rate", "learning rate", right=True),
        Column("reached", "steps to target", right=True),
        Column("reached_s", "seconds to target", right=True),
        Column("dead_units", "dead units", show=_share, right=True),
        Column("saturated", "saturated", show=_share, right=True),
        Column("output_mean", "mean output", show=lambda value: number(value, 3), right=True),
        Column("n_parameters", "parameters", show=lambda n: f"{n:,}" if n else "", right=True),
        Column("curve", "curve"),
    )
    return [column for column in columns if optional.get(column.key, True)]


def parameters_differ(found: Comparison) -> bool:
    """Tell whether one network learns more numbers than another."""
    return len({e.n_parameters for e in found.entries if e.n_parameters is not None}) > 1


def remarks(found: Comparison) -> list[str]:
    """Return what a reader has to know of the table."""
    what = (
        f"difference: to {found.reference}, at the same seeds"
        if found.until is None
        else f"times the steps: over those of {found.reference}, at the seeds where both get there"
    )
    texts = [
        f"{found.task}, {found.split} split, {len(found.seeds)} seeds that no search uses; {what}"
    ]
    if all(entry.mean is None for entry in found.entries):
        return ["no training gave a score", *failures(found)]
    if not found.chosen_baseline:
        first = "best" if found.until is None else "fastest"
        texts.append(
            f"the {first} was chosen by these same trainings, so its lead is partly luck; "
            "--baseline NAME decides beforehand what the others are compared with"
        )
    if len(found.learning_rates) > 1:
        tried = ", ".join(f"{rate:g}" for rate in found.learning_rates)
        texts.append(
            f"learning rates chosen per function, of {tried}, by validation on a seed of its own"
        )
        ends = min(found.learning_rates), max(found.learning_rates)
        scored = [entry for entry in found.entries if entry.mean is not None]
        at_end = [entry.name for entry in scored if entry.learning_rate in ends]
        if at_end:
            texts.append(f"chosen at an end of the list, so try further ones: {', '.join(at_end)}")
    if parameters_differ(found):
        texts.append(_of_parameters(found))
    texts += failures(found)
    if found.until is not None:
        texts.append(
            f"target: {found.until}; a training that reaches it ends there, so steps are compared "
            "and not scores"
        )
    return texts


def _of_parameters(found: Comparison) -> str:
    counts = [e.n_parameters for e in found.entries if e.n_parameters is not None]
    text = f"the networks learn unequally many parameters, {min(counts):,} to {max(counts):,}"
    if max(counts) <= 1.1 * min(counts):
        return text
    return (
        f"{text}: a second projection u doubles the weights of a layer, and a gain may come from "
        f"these; a task's name with @{EQUAL_PARAMETERS} behind it narrows such layers"
    )


def failures(found: Comparison) -> list[str]:
    """Return why trainings gave no score, one line an activation that has such."""
    return [
        f"{entry.name}: {entry.n_failed} of {entry.n + entry.n_failed} trainings without a score, "
        f"the first: {entry.failure}"
        for entry in found.entries
        if entry.failure is not None
    ]


def _cells(entry: Entry) -> dict[str, Any]:
    reached = ""
    if entry.n_reached is not None:
        steps = _rounded(entry.reached_step, entry.reached_step_error, 0)
        reached = f"{steps} ({entry.n_reached} of {entry.n})".strip()
    return {
        **_values(entry),
        "mean": with_error(entry.mean, entry.standard_error) or "no score",
        "n": f"{entry.n} ({entry.n_failed} failed)" if entry.n_failed else str(entry.n),
        "difference": difference_cell(entry.difference, entry.low, entry.high),
        "steps_ratio": _ratio_cell(entry),
        "reached": reached,
        "reached_s": _rounded(entry.reached_s, entry.reached_s_error, 2),
        "curve": sparkline([point.mean for point in entry.curve]),
    }


def _ratio_cell(entry: Entry) -> str:
    low, high = entry.steps_ratio_low, entry.steps_ratio_high
    if entry.steps_ratio is None or low is None or high is None:
        return ""
    return f"{_times(entry.steps_ratio)} [{_times(low)}, {_times(high)}]"


def _times(value: float) -> str:
    return f"{value:.2f}" if 0.01 <= value < 1000 else f"{value:.1e}"


def _rounded(value: float | None, error: float | None, digits: int) -> str:
    if value is None:
        return ""
    text = f"{value:.{digits}f}"
    return text if error is None else f"{text} ± {error:.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _values(entry: Entry) -> dict[str, Any]:
    return {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
