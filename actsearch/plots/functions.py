"""Pictures of formulas: functions side by side, or one with its derivative beside known ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import shorten
from actsearch.expressions import Candidate, Expression, Layered, parse, parts_of
from actsearch.plots.style import BLUE, GREY, ORANGE, check_format, drawing, save

_IN_A_ROW = 5
_KNOWN = {"ReLU": "relu(x)", "GELU": "gelu(x)"}


def plot_functions(
    candidates: Sequence[Candidate], path: Path, title: str, window: float = 4.0
) -> None:
    """Draw functions side by side, five in a row; of formulas for groups of layers one a row.

    Args:
        candidates: What to draw; inputs besides x stand at 1, parameters where they start.
        path: The file to write; its ending says the format.
        title: What stands above.
        window: Half the width of the x axes.

    Raises:
        BadInput: The ending is none of ``style.FORMATS``, or there is no such folder.
        ActsearchError: The file can't be written.
    """
    from matplotlib.figure import Figure

    check_format(path)
    x = np.linspace(-window, window, 801)
    layered = next((one for one in candidates if isinstance(one, Layered)), None)
    groups = [f"{group}: " for group, _ in layered.formulas] if layered else [""]
    panels = [
        panel
        for one in candidates
        for panel in zip(groups, parts_of(one) * (len(groups) // len(parts_of(one))), strict=True)
    ]
    n_columns = len(groups) if layered else _IN_A_ROW
    n_rows = max(1, -(-len(panels) // n_columns))
    with drawing():
        figure = Figure(figsize=(2.6 * n_columns, 2.2 * n_rows), layout="constrained")
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes, (group, one) in zip(grid.flat, panels, strict=False):
            values = one.evaluate(x, dict.fromkeys(one.inputs[1:], 1.0))
            _draw(axes, x, values, BLUE)
            axes.set_title(f"{group}{shorten(str(one), 32)}", fontsize=7)
            axes.tick_params(labelsize=6)
        figure.suptitle(title, fontsize=9)
        save(figure, path)


def plot_function(expression: Expression, path: Path, window: float = 5.0) -> None:
    """Draw a function and its derivative beside ReLU and GELU.

    Args:
        expression: What to draw; parameters and inputs besides x stand at 1.
        path: The file to write; its ending says the format.
        window: Half the width of the x axis.

    Raises:
        BadInput: The ending is none of ``style.FORMATS``, or there is no such folder.
        ActsearchError: The file can't be written.
    """
    from matplotlib.figure import Figure

    check_format(path)
    x = np.linspace(-window, window, 2001)
    with drawing():
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, curve, color, title in (
            (left, expression, BLUE, "f(x)"),
            (right, expression.derivative(), ORANGE, "f'(x)"),
        ):
            for (name, formula), style in zip(_KNOWN.items(), ("--", ":"), strict=True):
                known = parse(formula)
                known = known if axes is left else known.derivative()
                axes.plot(x, known.evaluate(x), style, color=GREY, label=name, linewidth=1)
            others = dict.fromkeys(curve.inputs[1:], 1.0)
            _draw(axes, x, curve.evaluate(x, others), color)
            axes.set_title(title)
            axes.set_xlabel("x")
        left.legend(frameon=False, fontsize=8)
        figure.suptitle(str(expression), fontfamily="monospace", fontsize=10)
        save(figure, path)


def _draw(axes: Any, x: NDArray[np.float64], values: NDArray[np.float64], color: str) -> None:
    values = np.where(np.isfinite(values), values, np.nan)
    axes.plot(x, values, color=color, linewidth=2)
    axes.grid(alpha=0.3)
    # A pole or a steep branch must not flatten the rest of the picture.
    if np.isfinite(values).any():
        low, high = np.nanpercentile(values, [1, 99])
        margin = 0.1 * max(high - low, 0.2)
        axes.set_ylim(low - margin, high + margin)
