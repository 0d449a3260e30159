"""What formulas are made of, and what each operator of the search was good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.plots.cast import first_rung, label
from actsearch.plots.style import BLUE, GREY, INK, ORANGE
from actsearch.results.breeding import Success, best_births, mean_scores, successes, usage
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula was bred yet, beside those that the search was given"
_MOST_PRIMITIVES = 18


def draw(account: Account) -> Figure | None:
    """Draw the usage of primitives and the success of operators."""
    from matplotlib.figure import Figure

    run = account.run
    scores = mean_scores(run.trainings, first_rung(run.ladder))
    made = successes(run.births, scores, {row.birth_id for row in run.trainings})
    if not made:
        return None
    every, best = usage(run.births), usage(best_births(run.ranked, run.births))
    names = sorted(every, key=lambda name: (-max(every[name], best.get(name, 0.0)), name))
    names = names[:_MOST_PRIMITIVES]
    figure = Figure(figsize=(6.6, 1.6 + 0.2 * max(len(names), 2 * len(made))))
    left, right = figure.subplots(1, 2)
    _draw_usage(left, names, every, best)
    _draw_success(right, made)
    return figure


def _draw_usage(
    axes: Any, names: Sequence[str], every: Mapping[str, float], best: Mapping[str, float]
) -> None:
    for place, name in enumerate(names):
        ends = [100 * every[name], 100 * best.get(name, 0.0)]
        axes.plot(ends, [place, place], color=GREY, linewidth=1, zorder=1)
    places = range(len(names))
    axes.plot(
        [100 * every[name] for name in names], places, "o", color=GREY, markersize=5,
        label="all births",
    )  # fmt: skip
    axes.plot(
        [100 * best.get(name, 0.0) for name in names], places, "D", color=BLUE, markersize=5,
        label="the best tenth",
    )  # fmt: skip
    axes.set_yticks(places, names, family="monospace")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=-1)
    axes.set_xlabel("% of formulas that have the primitive")
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _draw_success(axes: Any, made: Sequence[Success]) -> None:
    for place, one in enumerate(made):
        shares = (
            (one.trained, one.births, BLUE, "", "of its births were trained"),
            (one.improved, one.compared, ORANGE, "////", "of those beat their best parent"),
        )
        for shift, (part, of, color, hatch, what) in zip((-0.19, 0.19), shares, strict=True):
            share = 100 * part / of if of else 0.0
            axes.barh(
                place + shift, share, 0.36, color=color, hatch=hatch, edgecolor=INK,
                linewidth=0, label=what if place == 0 else None,
            )  # fmt: skip
            said = f"{part} of {of}"
            if color == ORANGE:
                said = "no parent to beat" if one.gain is None else f"{said} ({one.gain:+.2g})"
            axes.annotate(
                said, (share, place + shift), (3, 0), textcoords="offset points", va="center",
                fontsize=6.5, color=INK,
            )  # fmt: skip
    axes.set_yticks(range(len(made)), [label(one.operator, 20) for one in made])
    axes.set_ylim(len(made) - 0.4, -0.6)
    axes.set_xlim(0, 135)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("%")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
