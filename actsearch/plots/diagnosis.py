"""What became of the layers while networks learned, as a picture: a row an activation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actsearch.errors import shorten
from actsearch.plots.style import SCORES, check_format, drawing, plain_ticks, save
from actsearch.results.diagnosis import Diagnosis, Finding, LayerFinding
from actsearch.results.tables import printable

#: Measure -> what stands above its column.
_PANELS = {
    "gradient": "gradient by an output",
    "dead_units": "dead units",
    "saturated": "saturated",
    "off_zero": "|mean| / std",
    "zeros": "zeros",
}
_SHARES = frozenset({"dead_units", "saturated", "zeros"})
#: How far into ``style.SCORES`` layers go: its yellow end is too light for lines on white.
_LIGHTEST = 0.85
_NAME_LENGTH = 28


def plot_diagnosis(diagnosis: Diagnosis, path: Path) -> None:
    """Draw each measure over the steps, a line a layer, a row an activation and way to train.

    Args:
        diagnosis: what to draw.
        path: the file to write; its ending says the format.

    Raises:
        BadInput: the ending is none of ``style.FORMATS``.
        ActsearchError: the file can't be written.
    """
    from matplotlib.figure import Figure

    check_format(path)
    with drawing():
        n_rows = len(diagnosis.findings)
        figure = Figure(figsize=(2.4 * len(_PANELS), 1.0 + 1.7 * n_rows))
        grid = figure.subplots(n_rows, len(_PANELS), squeeze=False, sharex=True, sharey="col")
        for title, top, bottom in zip(_PANELS.values(), grid[0], grid[-1], strict=True):
            top.set_title(title, fontsize=9)
            bottom.set_xlabel("step", fontsize=8)
        for finding, row in zip(diagnosis.findings, grid, strict=True):
            for measure, axes in zip(_PANELS, row, strict=True):
                _draw(axes, finding, measure)
            row[0].set_ylabel(_label(finding), fontsize=8)
            if len({one.layer for one in finding.layers}) > 1:
                row[0].legend(fontsize=6)
        n_seeds = len(diagnosis.seeds)
        figure.suptitle(
            f"{printable(diagnosis.task)}, mean of {n_seeds} seed{'s' * (n_seeds != 1)}",
            fontsize=10,
        )
        save(figure, path)


def _draw(axes: Any, finding: Finding, measure: str) -> None:
    import matplotlib

    layers = sorted({one.layer for one in finding.layers})
    shades = matplotlib.colormaps[SCORES]
    for place, layer in enumerate(layers):
        steps, values = _line([one for one in finding.layers if one.layer == layer], measure)
        axes.plot(
            steps,
            values,
            color=shades(_LIGHTEST * place / max(1, len(layers) - 1)),
            linewidth=1.2,
            marker=".",
            markersize=3,
            # Of many lines the first and the last are named; the others lie between in colour.
            label=f"layer {layer}" if layer in (layers[0], layers[-1]) else None,
        )
    axes.set_xscale("symlog", linthresh=1)  # the start, step 0, has its place
    plain_ticks(axes.xaxis)
    axes.set_xlim(left=0)
    if measure == "gradient":
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    elif measure in _SHARES:
        axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=6, which="both")


def _line(looks: Sequence[LayerFinding], measure: str) -> tuple[list[int], list[float]]:
    """Return steps and values; what has no place on the axis leaves a gap."""
    values = [getattr(one, measure) for one in looks]
    if measure == "gradient":
        values = [value or None for value in values]
    gaps = [float("nan") if value is None else value for value in values]
    return [one.step for one in looks], gaps


def _label(finding: Finding) -> str:
    ways = [
        "" if finding.depth is None else f"depth {finding.depth}",
        "" if finding.learning_rate is None else f"rate {finding.learning_rate:g}",
    ]
    return "\n".join([shorten(printable(finding.name), _NAME_LENGTH), *filter(None, ways)])
