"""Learning curves of a comparison as a picture, by matplotlib without pyplot."""

from __future__ import annotations

from pathlib import Path

from actsearch.errors import ActsearchError
from actsearch.results.plots import check_format
from actsearch.trials.compare import Comparison

# Of Okabe and Ito, which the colour-blind can tell apart; beyond these the line style changes.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":", "-.")
_N_STANDARD_ERRORS = 1.96


def plot_curves(comparison: Comparison, path: Path) -> None:
    """Draw the mean validation curve of each activation, with a band of 1.96 standard errors.

    Args:
        comparison: what to draw.
        path: the file to write; its ending says the format.

    Raises:
        BadInput: the ending is none of ``results.plots.FORMATS``.
        ActsearchError: the file can't be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    check_format(path)
    with matplotlib.rc_context({"text.usetex": False, "svg.hashsalt": "actsearch"}):
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.subplots()
        for number, entry in enumerate(comparison.entries):
            color = _COLORS[number % len(_COLORS)]
            line = _STYLES[number // len(_COLORS) % len(_STYLES)]
            steps = [point.step for point in entry.curve]
            means = [point.mean for point in entry.curve]
            bands = [_N_STANDARD_ERRORS * (point.standard_error or 0.0) for point in entry.curve]
            label = entry.name.replace("$", r"\$")  # a formula is no mathtext
            axes.plot(steps, means, label=label, color=color, linestyle=line)
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
            parse_math=False,
        )
        date = {"Date": None} if path.suffix.lower() == ".svg" else None
        try:
            figure.savefig(path, metadata=date, dpi=150)
        except OSError as error:
            raise ActsearchError(f"'{path}' can't be written: {error.strerror}") from None
