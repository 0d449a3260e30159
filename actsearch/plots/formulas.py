"""A run's finalists as functions, over the density of the pre-activations that they worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actsearch.expressions import Expression, Layered, parse, parts_of
from actsearch.plots.cast import Player, candidate, finalists, label, last_trainings, rivals
from actsearch.plots.density import Array, Density, density, layers_of
from actsearch.plots.style import BLUE, GREY, LINES, ORANGE
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula has a score yet"
_FAMILIAR = {"ReLU": "relu(x)", "GELU": "gelu(x)", "SiLU": "silu(x)"}
_MOST_ROWS = 6  # a formula for each group of layers takes a row for each
_MOST_CHARS = 84
_INPUTS_AT = 1.0  # where inputs besides x stand
_HEIGHT = 0.45  # of the panel, that the density takes
#: A panel grows by this factor at most so that known functions are within.
_GROWTH = 2.5

Row = tuple[str, Expression, Density]


def draw(account: Account) -> Figure | None:
    """Draw each finalist and its derivative beside known activations."""
    from matplotlib.figure import Figure

    rows = [row for player in finalists(account) for row in _rows(account, player)]
    if not rows:  # nothing new: then the best of what is known
        rows = [row for player in rivals(account) for row in _rows(account, player)]
    rows = rows[:_MOST_ROWS]
    if not rows:
        return None
    familiar = _familiar(account)
    figure = Figure(figsize=(6.6, 0.7 + 2.1 * len(rows)))
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for (left, right), (title, one, under) in zip(grid, rows, strict=True):
        _panel(left, one, under, familiar, BLUE)
        slopes = {name: f.derivative() for name, f in familiar.items()}
        _panel(right, one.derivative(), under, slopes, ORANGE)
        left.set_title(title, loc="left", family="monospace")
        left.set_ylabel("f(x)")
        right.set_ylabel("f'(x)")
    for axes in grid[-1]:
        axes.set_xlabel("pre-activation x")
    lines, names = grid[0][0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=3)
    return figure


def _rows(account: Account, player: Player) -> list[Row]:
    """Return what to draw of a formula: it, or the one of each group of layers."""
    found = candidate(player.formula)
    if found is None:
        return []
    layers = [layers_of(row.metrics) for row in last_trainings(account, player.birth_id)]
    if not isinstance(found, Layered):
        return [
            (
                label(player.formula, _MOST_CHARS),
                found,
                density(one for of in layers for one in of.values()),
            )
        ]
    rows = []
    for group, part in found.formulas:
        under = [
            one
            for of in layers
            for place, one in of.items()
            if found.at(place, max(of) + 1) == part
        ]
        rows.append((f"{group}: {label(str(part), _MOST_CHARS)}", part, density(under)))
    return rows


def _familiar(account: Account) -> dict[str, Expression]:
    """Return the functions that people know, and the best known of the run if it is another."""
    functions = {name: parse(formula) for name, formula in _FAMILIAR.items()}
    seen = {one.fingerprint() for one in functions.values()}
    for player in rivals(account)[:1]:
        found = candidate(player.formula)
        if found is not None and found.fingerprint() not in seen and len(parts_of(found)) == 1:
            functions[player.name] = parts_of(found)[0]
    return functions


def _panel(
    axes: Any, one: Expression, under: Density, familiar: dict[str, Expression], color: str
) -> None:
    x = under.x
    values = _values(one, x)
    axes.plot(x, values, color=color, linewidth=2, label="this formula", zorder=3)
    styles = [*LINES[1:], (0, (1, 4))]
    for (name, known), line in zip(familiar.items(), styles, strict=False):
        axes.plot(x, _values(known, x), color=GREY, linestyle=line, linewidth=1, label=name)
    low, high = _limits(values, [_values(known, x) for known in familiar.values()])
    axes.set_ylim(low, high)
    axes.set_xlim(x[0], x[-1])
    top = low + _HEIGHT * (high - low) * under.values / under.values.max()
    what = "density of x, as trained" if under.is_measured else "density of x, N(0, 1) assumed"
    axes.fill_between(x, low, top, color=GREY, alpha=0.25, linewidth=0, label=what)
    axes.axvline(0, color=GREY, linewidth=0.5)


def _limits(values: Array, others: Sequence[Array]) -> tuple[float, float]:
    """Return what a panel spans: a pole or a steep branch must not flatten the rest."""
    low, high = _spread(values)
    for other in others:
        lower, higher = _spread(other)
        if max(high, higher) - min(low, lower) <= _GROWTH * max(high - low, 1.0):
            low, high = min(low, lower), max(high, higher)
    margin = 0.08 * max(high - low, 0.2)
    return low - margin, high + margin


def _spread(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [1, 99]) if len(finite) else (-1.0, 1.0)
    return float(low), float(high)


def _values(one: Expression, x: Array) -> Array:
    values = one.evaluate(x, dict.fromkeys(one.inputs[1:], _INPUTS_AT))
    return np.where(np.isfinite(values) & (np.abs(values) < 1e9), values, np.nan)
