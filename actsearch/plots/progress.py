"""How a search went on: the best so far, the scores of what was tried, what became of births."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actsearch.plots.cast import first_rung, label, rivals
from actsearch.plots.style import BLUE, COLORS, GREY, INK, LINES
from actsearch.results.breeding import mean_scores
from actsearch.results.hall import measured
from actsearch.runs.ranking import merits
from actsearch.runs.records import DUPLICATE, REJECTED, SCREENED
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula has a score yet"
#: Where quantiles and shares are taken: of so many windows, each at least so wide.
_N_WINDOWS, _LEAST_WINDOW = 25, 20
_LEAST_WINDOWS = 3  # of a short run, whose windows are narrower
_FEW = 30  # points that need marks to be seen
_MOST_POINTS = 400
_TRAINED, _WAITING = "trained", "not trained yet"
_BECAME = {
    DUPLICATE: "seen before (no training)",
    REJECTED: "rejected",
    SCREENED: "passed over, less promising",
}


def draw(account: Account) -> Figure | None:
    """Draw scores and what became of births, over births."""
    from matplotlib.figure import Figure

    run = account.run
    if not run.ranked:
        return None
    figure = Figure(figsize=(6.6, 6.2))
    best, band, below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    _draw_best(best, account)
    _draw_band(band, mean_scores(run.trainings, first_rung(run.ladder)), first_rung(run.ladder))
    _draw_became(below, account)
    below.set_xlabel("births, in their order")
    below.set_xlim(0, max(run.births[-1].id, 1))
    return figure


def best_so_far(rows: Sequence[dict[str, Any]], rung: str) -> list[tuple[int, float]]:
    """Return (birth, score) where the best of the births up to there changes.

    Args:
        rows: Those of a hall of fame that have a score.
        rung: Whose scores count, each less its standard error.
    """
    alike = [row for row in rows if row["rung"] == rung]
    worth = dict(zip((row["id"] for row in alike), merits(measured(alike)), strict=True))
    steps: list[tuple[int, float]] = []
    for id_ in sorted(worth):
        if not steps or worth[id_] > steps[-1][1]:
            steps.append((id_, worth[id_]))
    return steps


def moving(values: Sequence[float], window: int) -> NDArray[np.float64]:
    """Return the 10 %, 50 % and 90 % quantiles of each ``window`` values in a row, shape (3, n)."""
    rows = np.lib.stride_tricks.sliding_window_view(np.asarray(values, float), window)
    return np.quantile(rows, [0.1, 0.5, 0.9], axis=1)


def window_of(n: int) -> int:
    """Return how many of ``n`` in a row make a window."""
    return max(1, min(max(_LEAST_WINDOW, n // _N_WINDOWS), n // _LEAST_WINDOWS))


def _draw_best(axes: Any, account: Account) -> None:
    run = account.run
    rung = run.ranked[0]["rung"]
    steps = best_so_far(run.ranked, rung)
    ids, scores = zip(*steps, strict=True)
    last = max(run.births[-1].id, ids[-1])
    axes.step([*ids, last], [*scores, scores[-1]], where="post", color=BLUE, linewidth=2)
    axes.plot(ids, scores, "o", color=BLUE, markersize=3)
    worth = merits(measured([row for row in run.ranked if row["rung"] == rung]))
    by_id = dict(zip((row["id"] for row in run.ranked if row["rung"] == rung), worth, strict=True))
    for player in rivals(account):
        if player.birth_id in by_id:
            axes.axhline(
                by_id[player.birth_id], color=player.color, linestyle=player.line, linewidth=1,
                label=player.name,
            )  # fmt: skip
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right")
    axes.set_ylabel("score")
    what = f"{label(run.measure, 40)}, training '{label(rung, 20)}'"
    axes.set_title(f"{what}: best so far, less its standard error", loc="left")


def _draw_band(axes: Any, scores: dict[int, float], rung: str) -> None:
    ids = sorted(scores)
    window = window_of(len(ids))
    axes.set_ylabel("score")
    axes.set_title(f"training '{label(rung, 20)}': each formula", loc="left")
    if not ids:
        return
    values = [scores[id_] for id_ in ids]
    axes.plot(
        ids,
        values,
        ".",
        color=GREY,
        markersize=6 if len(ids) < _FEW else 2,
        rasterized=len(ids) > _MOST_POINTS,
    )
    low, middle, high = moving(values, window)
    at = ids[window // 2 :][: len(middle)]
    axes.fill_between(at, low, high, color=BLUE, alpha=0.25, linewidth=0, label="10 % to 90 %")
    axes.plot(at, middle, color=BLUE, linewidth=1.5, label=f"median of {window} in a row")
    bottom, top = np.percentile(values, [2, 100])
    margin = 0.05 * (top - bottom) or 0.01
    axes.set_ylim(bottom - margin, top + margin)
    axes.legend(loc="lower right", ncols=2, bbox_to_anchor=(1, 0.98), borderpad=0)


def became(account: Account) -> dict[str, NDArray[np.bool_]]:
    """Return what became of births, in words -> of which of them, in their order.

    Those that passed all checks are trained where they have a training: at the end of a search
    some wait for one.
    """
    births = account.run.births
    trained = {row.birth_id for row in account.run.trainings}
    fates = [
        _BECAME.get(birth.status, _TRAINED if birth.id in trained else _WAITING) for birth in births
    ]
    some = (_TRAINED, *_BECAME.values(), *([_WAITING] if _WAITING in fates else []))
    return {what: np.array([fate == what for fate in fates]) for what in some}


def _draw_became(axes: Any, account: Account) -> None:
    births = account.run.births
    window = window_of(len(births))
    ids = np.array([birth.id for birth in births])[window // 2 :]
    every = max(1, len(births) // _MOST_POINTS)
    styles = zip(COLORS, itertools.cycle(LINES), strict=False)
    for (what, is_so), (color, line) in zip(became(account).items(), styles, strict=False):
        shares = np.convolve(is_so.astype(float), np.ones(window) / window, mode="valid")
        axes.plot(
            ids[: len(shares)][::every], 100 * shares[::every], color=color, linestyle=line,
            linewidth=1.2, label=what, marker="." if len(shares) < _FEW else None,
        )  # fmt: skip
    axes.set_ylim(-3, 103)
    axes.set_ylabel("% of births")
    axes.set_title(f"what became of {window} births in a row", loc="left", color=INK)
    axes.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, -0.35))
