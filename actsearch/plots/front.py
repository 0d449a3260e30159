"""What a score costs: every formula of the longest trainings, and those that no other beats."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actsearch.plots.cast import label, list_below
from actsearch.plots.naming import Naming, name_points
from actsearch.plots.style import BLUE, GREY, INK, ORANGE
from actsearch.results.front import modelled_front, priced_rows, rounded, with_merit
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula has a score yet"
_LOW = 5  # percentile of the merits that the picture begins at, lest failures flatten the rest
_MANY = 40
_MOST_LISTED, _MOST_NAMED = 12, 24


def draw(account: Account) -> Figure | None:
    """Draw score against modelled cost, with the front and the pick."""
    from matplotlib.figure import Figure

    rows = priced(account.run.ranked)
    if not rows:
        return None
    front = modelled_front(account.run.ranked)
    figure = Figure(figsize=(6.6, 5.2))
    axes = figure.subplots()
    for known, color, marker, what in (
        (False, BLUE, "o", "formula of this search"),
        (True, ORANGE, "^", "known activation"),
    ):
        some = [row for row in rows if bool(row["known"]) == known]
        axes.scatter(
            [row["cost_ns"] for row in some], [row["merit"] for row in some],
            s=[_area(row["size"]) for row in some], marker=marker, color=color, alpha=0.6,
            linewidth=0, label=what,
        )  # fmt: skip
    steps = sorted((row["cost_ns"], row["merit"]) for row in _staircase(front))
    costs, worth = ([step[k] for step in steps] for k in (0, 1))
    corners = _corners([*costs, max(row["cost_ns"] for row in rows)], [*worth, worth[-1]])
    axes.plot(*zip(*corners, strict=True), color=INK, linewidth=1)
    pick = next(row for row in front if row["pick"])
    axes.plot(
        pick["cost_ns"], pick["merit"], "*", markersize=17, markerfacecolor="none",
        markeredgecolor=INK, label="the pick",
    )  # fmt: skip
    _scale(axes, [row["merit"] for row in rows])
    stairs = sorted(_staircase(front), key=lambda row: row["cost_ns"])[:_MOST_LISTED]
    numbers = {row["id"]: str(number) for number, row in enumerate(stairs, start=1)}
    named = [row for row in rows if row["known"] or row["id"] in numbers]
    named.sort(key=lambda row: (row["id"] not in numbers, -row["merit"]))
    names = [numbers.get(row["id"], label(row["known"] or "")) for row in named[:_MOST_NAMED]]
    list_below(figure, [row["formula"] for row in stairs])
    axes.set_xlabel("modelled cost, forward and backward, ns an element")
    axes.set_ylabel(f"{label(account.run.measure, 60)}\nless its standard error")
    axes.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
    axes.grid(color=GREY, alpha=0.2)
    name_points(
        axes,
        [
            Naming(row["cost_ns"], row["merit"], name, must=row["id"] in numbers)
            for row, name in zip(named, names, strict=False)
        ],
        [(row["cost_ns"], row["merit"]) for row in rows],
        corners,
    )
    return figure


def priced(ranked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the longest rung with ``merit`` and ``cost_ns``, modelled."""
    return [{**row, "cost_ns": rounded(row["cost_ns"])} for row in with_merit(priced_rows(ranked))]


def _staircase(front: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of the front that no other beats in score and cost; others are but smaller."""
    return [
        row
        for row in front
        if not any(o["cost_ns"] <= row["cost_ns"] and o["merit"] > row["merit"] for o in front)
    ]


def _corners(costs: Sequence[float], worth: Sequence[float]) -> list[tuple[float, float]]:
    """Return the corners of the stairs over the points, from left to right."""
    points = list(zip(costs, worth, strict=True))
    stairs = [((x, below), (x, y)) for (_, below), (x, y) in itertools.pairwise(points)]
    return [points[0], *itertools.chain.from_iterable(stairs)]


def _area(size: int) -> float:
    return 8.0 + 5.0 * min(size, 40)


def _scale(axes: Any, worth: Sequence[float]) -> None:
    """Show from a low percentile of the scores on."""
    import numpy as np

    low, high = np.percentile(worth, [_LOW if len(worth) >= _MANY else 0, 100])
    margin = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + 1.5 * margin)
