"""How the finalists learned beside what is known: the curves of a search's own trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actsearch.plots.cast import finalists, label, last_trainings, rivals
from actsearch.plots.style import GREY, MARKERS
from actsearch.runs import TrainingRow
from actsearch.runs.scores import mean_and_error
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no full training has a curve yet"
N_STANDARD_ERRORS = 1.96


def draw(account: Account) -> Figure | None:
    """Draw the mean curve of each, with a band of 1.96 standard errors over seeds."""
    from matplotlib.figure import Figure

    found = [
        (player, mean_curve(trainings), len(trainings))
        for player in (*finalists(account), *rivals(account))
        if (trainings := last_trainings(account, player.birth_id))
    ]
    found = [one for one in found if one[1]]
    if not found:
        return None
    figure = Figure(figsize=(6.6, 4.6))
    axes = figure.subplots()
    for place, (player, curve, n) in enumerate(found):
        steps, means, errors = zip(*curve, strict=True)
        axes.plot(
            steps, means, color=player.color, linestyle=player.line, linewidth=1.5,
            marker=MARKERS[place % len(MARKERS)], markersize=3.5, markevery=(place % 3, 3),
            label=f"{player.name} ({n} seed{'s' * (n > 1)})",
        )  # fmt: skip
        bands = [N_STANDARD_ERRORS * (error or 0.0) for error in errors]
        lower = [mean - band for mean, band in zip(means, bands, strict=True)]
        upper = [mean + band for mean, band in zip(means, bands, strict=True)]
        axes.fill_between(steps, lower, upper, color=player.color, alpha=0.15, linewidth=0)
    axes.set_xlabel("training steps")
    axes.set_ylabel(label(account.run.measure, 60))
    axes.grid(color=GREY, alpha=0.2)
    axes.legend(loc="lower center", ncols=2, bbox_to_anchor=(0.5, 1.0))
    return figure


def mean_curve(
    trainings: Sequence[TrainingRow],
) -> list[tuple[int, float, float | None]]:
    """Return (step, mean, standard error) at the steps that all trainings noted.

    The error is None with a single training.
    """
    by_step: dict[int, list[float]] = {}
    for row in trainings:
        for step, _, score in row.curve:
            if math.isfinite(score):
                by_step.setdefault(step, []).append(score)
    return [
        (step, *mean_and_error(scores))
        for step, scores in sorted(by_step.items())
        if len(scores) == len(trainings)
    ]
