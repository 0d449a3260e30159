"""`actsearch diagnose`: what becomes of a network's layers while it learns."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.compare import learning_rates
from actsearch.cli.confirm import words
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
from actsearch.results.hall import with_error
from actsearch.results.tables import Column, Format, number, printable, write_json, write_rows

if TYPE_CHECKING:
    from actsearch.results.diagnosis import Diagnosis, Finding, LayerFinding
    from actsearch.workers import Where

#: Of a network with more layers than this the table shows so many, evenly spaced.
MOST_LAYERS = 5
_WIDTH, _BULLET = 80, "- "
_LARGE = 1e4


@trains
def diagnose(
    activations: Annotated[
        list[str],
        typer.Argument(
            metavar="A [B ...]", help="Formulas, known names such as GELU, or RUN:ID; one or more."
        ),
    ],
    task: TaskOption = "mnist1d-mlp",
    depth: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N...]", help="Make the network so many activation layers deep, each a run."
        ),
    ] = None,
    learning_rate: Annotated[
        str | None,
        typer.Option(metavar="LR[,LR...]", help="Learning rate; of several, each is a run."),
    ] = None,
    initialisation: Annotated[
        str,
        typer.Option(
            metavar="gain|he|lecun",
            help="Weights that suit the activation (gain), or the same for all: he suits ReLU, "
            "lecun (for layers of one width also Xavier's) leaves out the gain.",
        ),
    ] = "gain",
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Optimizer steps of one training; 0: as it starts."),
    ] = None,
    points: Annotated[
        int, typer.Option(metavar="N", help="How many looks, from the start to the end.")
    ] = 8,
    seeds: Annotated[int, typer.Option(metavar="N", help="Trainings of each activation.")] = 3,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the layers, into a .png, .svg or .pdf file."),
    ] = None,
    *,
    where: Where,
    data: DataOption = None,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
    quiet: QuietOption = False,
) -> None:
    """Train activations and look into the layers: gradients, dead and saturated units, zeros.

    All train on the same seeds, from the same draws of weights and the same batches. The table
    shows the last look; JSON and CSV have all of them.

    A formula that begins with a minus goes behind two: actsearch diagnose -- '-x'
    """
    from actsearch.cli.trial_line import TrialLine

    fmt = Format.named(output)
    depths, rates = depths_of(depth), learning_rates(learning_rate)
    if plot is not None:
        from actsearch.plots.style import check_format

        check_format(plot)
    shown = TrialLine(quiet=quiet)
    try:
        from actsearch.trials.diagnose import diagnose as run_trials

        found = run_trials(
            task,
            activations,
            seeds,
            depths=depths,
            learning_rates=rates,
            initialisation=initialisation,
            steps=steps,
            points=points,
            **where.options(),
            data=data,
            runs_dir=runs_dir,
            observer=lambda done, wanted: shown.show(f"{done} of {wanted} trainings"),
        )
    finally:
        shown.close()
    if fmt is Format.TABLE:
        print_diagnosis(found)
    elif fmt is Format.JSON:
        write_json(found, sys.stdout)
    else:
        _write_csv(found)
    if plot is not None:  # last: a file that can't be written must not lose the answer
        from actsearch.plots.diagnosis import plot_diagnosis

        sys.stdout.flush()
        plot_diagnosis(found, plot)
        note(f"drawn: {plot}")


def depths_of(text: str | None) -> tuple[int, ...]:
    """Read ``--depth``.

    Raises:
        BadInput: a part is no whole number.
    """
    depths = []
    for word in words(text):
        try:
            depths.append(int(word))
        except ValueError:
            raise BadInput(
                f"--depth takes whole numbers, as in 8 or 4,8,16; got '{shorten(word)}'"
            ) from None
    return tuple(depths)


def print_diagnosis(found: Diagnosis) -> None:
    """Print a diagnosis as a person reads it: a table an activation, and what stands out."""
    for finding in found.findings:
        sys.stdout.write(f"{printable(title(finding, found))}\n")
        if finding.steps:
            rows = [_values(one) for one in _shown(finding.at(finding.steps[-1]))]
            write_rows(COLUMNS, rows, Format.TABLE, sys.stdout)
        for text in _said(finding, found):
            lines = textwrap.wrap(printable(text), _WIDTH - len(_BULLET), break_on_hyphens=False)
            sys.stdout.write(_BULLET + f"\n{' ' * len(_BULLET)}".join(lines) + "\n")
        sys.stdout.write("\n")
    sys.stdout.writelines(f"{printable(text)}\n" for text in remarks(found))


def title(finding: Finding, found: Diagnosis) -> str:
    """Return what stands above a table: who, how trained, and the score."""
    score = with_error(finding.mean, finding.standard_error)
    told = f"{found.score_name} {score}" if score else "no score" if found.looks[-1] else ""
    return ", ".join(
        part
        for part in (
            finding.name,
            "" if finding.depth is None else f"depth {finding.depth}",
            "" if finding.learning_rate is None else f"learning rate {finding.learning_rate:g}",
            told,
        )
        if part
    )


def remarks(found: Diagnosis) -> list[str]:
    """Return what a reader has to know of the tables."""
    start = {
        "gain": "weights of a gain that suits each activation",
        "he": "weights of He's gain for ReLU in all",
        "lecun": "weights without a gain in all",
    }[found.initialisation]
    steps, seeds = found.looks[-1], len(found.seeds)
    how_long = f"{steps} step{'s' * (steps != 1)}" if steps else "before the first step"
    return [
        f"{found.task}, {how_long}, mean of {seeds} seed{'s' * (seeds != 1)}, {start}",
        "dead: units without a gradient from any of the samples; saturated: |f'| < 0.01",
        "gradient: of a sample's loss by an output, root mean square",
        "std: standard deviation; off zero: |mean| / std",
        "zeros: outputs of exactly 0; near: below a thousandth of their root mean square",
    ]


def _said(finding: Finding, found: Diagnosis) -> list[str]:
    said = list(finding.sentences)
    if finding.failure is not None:
        said.append(
            f"{finding.n_failed} of {len(found.seeds)} trainings without a score, the first: "
            f"{finding.failure}"
        )
    if finding.steps and finding.steps[-1] != found.looks[-1]:
        said.append(f"the table shows the last look there is, after {finding.steps[-1]} steps")
    return said


def _shown(layers: Sequence[LayerFinding]) -> list[LayerFinding]:
    """Return all layers, or of many the first, the last and some between them."""
    if len(layers) <= MOST_LAYERS:
        return list(layers)
    last = MOST_LAYERS - 1
    return [layers[round(k * (len(layers) - 1) / last)] for k in range(MOST_LAYERS)]


def _write_csv(found: Diagnosis) -> None:
    from actsearch.results.diagnosis import MEASURES

    of_all = ("task", "name", "formula", "depth", "learning_rate", "initialisation")
    keys = (*of_all, "step", "layer", "n", *MEASURES)
    rows = [
        {
            **_values(one),
            "task": found.task,
            "initialisation": found.initialisation,
            "name": finding.name,
            "formula": finding.formula,
            "depth": finding.depth,
            "learning_rate": finding.learning_rate,
        }
        for finding in found.findings
        for one in finding.layers
    ]
    write_rows([Column(key, key) for key in keys], rows, Format.CSV, sys.stdout)


def _values(one: LayerFinding) -> dict[str, Any]:
    return dict(vars(one))


def _share(value: float | None) -> str:
    if value is None:
        return ""
    return "100 %" if value == 1 else f"{100 * value:.1f} %"


def _fixed(value: float | None) -> str:
    """Write a mean, or how far it is off 0: next to 0 further digits say nothing."""
    if value is None or abs(value) >= _LARGE:
        return number(value, 3)
    return f"{round(value, 3) + 0.0:.3f}"  # and no -0.000


def _gradient(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}" if value else "0"


def _small(value: float | None) -> str:
    return number(value, 3)


COLUMNS = (
    Column("layer", "layer", right=True),
    Column("dead_units", "dead", show=_share, right=True),
    Column("saturated", "saturated", show=_share, right=True),
    Column("gradient", "gradient", show=_gradient, right=True),
    Column("output_mean", "mean", show=_fixed, right=True),
    Column("output_deviation", "std", show=_small, right=True),
    Column("off_zero", "off zero", show=_fixed, right=True),
    Column("zeros", "zeros", show=_share, right=True),
    Column("near_zero", "near", show=_share, right=True),
)
