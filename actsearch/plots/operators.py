"""What formulas are made of, and what each operator of the search was good for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actsearch.expressions import parts_of
from actsearch.plots.cast import candidate, first_rung, label, mean_scores
from actsearch.plots.style import BLUE, GREY, INK, ORANGE
from actsearch.results.hall import SEEDED
from actsearch.runs import Birth
from actsearch.runs.records import ACCEPTED
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula was bred yet"
_MOST_PRIMITIVES = 18
_BEST = 0.1  # share of those with a score that are called the best
_LEAST_BEST = 5


@dataclass(frozen=True)
class Success:
    """What an operator made.

    Of its ``births`` some were ``trained``; of those that have a score in the shortest training as
    one of their parents has, which are ``compared``, some are ``improved``, better than the best of
    their parents. ``gain`` is the mean difference to it, None where none is compared.
    """

    operator: str
    births: int
    trained: int
    compared: int
    improved: int
    gain: float | None


def draw(account: Account) -> Figure | None:
    """Draw the usage of primitives and the success of operators."""
    from matplotlib.figure import Figure

    run = account.run
    scores = mean_scores(run.trainings, first_rung(run.ladder))
    made = successes(run.births, scores)
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


def usage(births: Iterable[Birth]) -> dict[str, float]:
    """Return primitive -> share of the formulas that have it, of those that can be read."""
    counts: Counter[str] = Counter()
    n = 0
    read: dict[str, frozenset[str]] = {}
    for birth in births:
        if birth.formula not in read:
            read[birth.formula] = _primitives(birth.formula)
        counts.update(read[birth.formula])
        n += 1
    return {name: count / n for name, count in counts.items()}


def _primitives(formula: str) -> frozenset[str]:
    found = candidate(formula)
    parts = parts_of(found) if found is not None else ()
    return frozenset(node.op for part in parts for node in part.root.walk() if node.args)


def best_births(ranked: Sequence[Mapping[str, Any]], births: Iterable[Birth]) -> list[Birth]:
    """Return the best tenth of the births that have a score, at least five."""
    n = max(_LEAST_BEST, round(_BEST * len(ranked)))
    best = {row["id"] for row in ranked[:n]}
    return [birth for birth in births if birth.id in best]


def successes(births: Iterable[Birth], scores: Mapping[int, float]) -> list[Success]:
    """Return what each operator made, the one of the most births first.

    Args:
        births: Of the run; those that were given are passed over.
        scores: Birth id -> score, of trainings of one length.
    """
    by_operator: dict[str, list[Birth]] = {}
    for birth in births:
        if birth.operator not in SEEDED:
            by_operator.setdefault(birth.operator, []).append(birth)
    found = []
    for operator, own in by_operator.items():
        gains = [
            scores[birth.id] - max(known)
            for birth in own
            if birth.id in scores and (known := [scores[p] for p in birth.parents if p in scores])
        ]
        found.append(
            Success(
                operator,
                births=len(own),
                trained=sum(birth.status == ACCEPTED for birth in own),
                compared=len(gains),
                improved=sum(gain > 0 for gain in gains),
                gain=sum(gains) / len(gains) if gains else None,
            )
        )
    return sorted(found, key=lambda one: (-one.births, one.operator))


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
    axes.legend(loc="lower right")


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
