"""Learning curves of a comparison as a picture."""

from __future__ import annotations

from pathlib import Path

from actsearch.plots.cast import label
from actsearch.plots.style import COLORS, LINES, check_format, drawing, save
from actsearch.trials.compare import Comparison

_N_STANDARD_ERRORS = 1.96


def plot_curves(comparison: Comparison, path: Path) -> None:
    """Draw the mean validation curve of each activation, with a band of 1.96 standard errors.

    Args:
        comparison: what to draw.
        path: the file to write; its ending says the format.

    Raises:
        BadInput: the ending is none of ``style.FORMATS``.
        ActsearchError: the file can't be written.
    """
    from matplotlib.figure import Figure

    check_format(path)
    with drawing():
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.subplots()
        for number, entry in enumerate(comparison.entries):
            color = COLORS[number % len(COLORS)]
            line = LINES[number // len(COLORS) % len(LINES)]
            steps = [point.step for point in entry.curve]
            means = [point.mean for point in entry.curve]
            bands = [_N_STANDARD_ERRORS * (point.standard_error or 0.0) for point in entry.curve]
            axes.plot(steps, means, label=label(entry.name, 80), color=color, linestyle=line)
            lower = [mean - band for mean, band in zip(means, bands, strict=True)]
            upper = [mean + band for mean, band in zip(means, bands, strict=True)]
            axes.fill_between(steps, lower, upper, color=color, alpha=0.15, linewidth=0)
        axes.set_xlabel("step")
        axes.set_ylabel("validation score")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        figure.suptitle(
            f"{comparison.task}, mean of {len(comparison.seeds)} seeds",
            fontsize=10,
        )
        save(figure, path)
