"""Where the leader comes from: its ancestors as a graph, a line each, by generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actsearch.plots.cast import finalists, first_rung, label, rivals
from actsearch.plots.style import GREY, INK, SCORES
from actsearch.results.breeding import mean_scores
from actsearch.runs import Birth
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LACKS = "no formula has a score yet"
#: More lines than this nobody reads.
MOST_ANCESTORS = 28
_MOST_CHARS = 52
_STEP = 0.055  # of the width, for each generation
_MOST_INDENTED = 0.42
_ASIDE = 0.25  # of a step
_MOST_TICKS = 4  # steps between the numbers of a narrow scale, which may have six digits


@dataclass(frozen=True)
class Pedigree:
    """Births by generation: 0 for the one asked for, then the longest way back to each.

    ``n_left_out`` counts the ancestors beyond those that are kept, the nearest.
    """

    generations: Mapping[int, int]
    n_left_out: int


def pedigree(births: Mapping[int, Birth], birth_id: int, most: int = MOST_ANCESTORS) -> Pedigree:
    """Return the nearest ancestors of a birth, itself included."""
    nearest: dict[int, None] = {birth_id: None}
    for id_ in nearest_first(births, birth_id):
        nearest.setdefault(id_)
    kept = set(list(nearest)[:most])
    generations = dict.fromkeys(kept, 0)
    # Parents are earlier births: from the latest on, each is done before its parents are.
    for id_ in sorted(kept, reverse=True):
        for parent in births[id_].parents:
            if parent in kept:
                generations[parent] = max(generations[parent], generations[id_] + 1)
    return Pedigree(generations, len(nearest) - len(kept))


def nearest_first(births: Mapping[int, Birth], birth_id: int) -> list[int]:
    """Return a birth and all of its ancestors, parents before grandparents."""
    found, at = [birth_id], 0
    seen = {birth_id}
    while at < len(found):
        for parent in births[found[at]].parents:
            if parent in births and parent not in seen and parent < found[at]:
                seen.add(parent)
                found.append(parent)
        at += 1
    return found


def draw(account: Account) -> Figure | None:
    """Draw the ancestors of the best finalist, or of the best that is known."""
    from matplotlib.figure import Figure

    players = [*finalists(account), *rivals(account)]
    if not players:
        return None
    births = {birth.id: birth for birth in account.run.births}
    found = pedigree(births, players[0].birth_id)
    rung = first_rung(account.run.ladder)
    scores = mean_scores(account.run.trainings, rung)
    order = sorted(found.generations, key=lambda id_: (found.generations[id_], -id_))
    places = {id_: line for line, id_ in enumerate(order)}
    deepest = max(found.generations.values())
    step = min(_STEP, _MOST_INDENTED / max(deepest, 1))
    figure = Figure(figsize=(6.6, 1.0 + 0.21 * len(order)))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.02, 1)
    axes.set_ylim(len(order) - 0.5, -0.5)
    at = {
        id_: (step * (found.generations[id_] + _aside(order, found, id_)), places[id_])
        for id_ in order
    }
    for id_ in order:
        for parent in births[id_].parents:
            if parent in at:
                _edge(axes, at[id_], at[parent])
    _nodes(figure, axes, at, scores, f"score of the training '{label(rung)}'")
    for id_, (x, y) in at.items():
        _describe(axes, births[id_], x, y)
    if found.n_left_out:
        said = f"{found.n_left_out} older ancestors are not shown"
        axes.set_title(said, loc="right", fontsize=8, style="italic")
    return figure


def _aside(order: Sequence[int], found: Pedigree, id_: int) -> float:
    """Return a shift, in steps, by which lines down from those of one generation stay apart."""
    alike = [one for one in order if found.generations[one] == found.generations[id_]]
    return min(_ASIDE, 0.8 / len(alike)) * alike.index(id_)


def _edge(axes: Any, child: tuple[float, float], parent: tuple[float, float]) -> None:
    """Draw a line down from a child and then across to its parent."""
    (x, y), (across, down) = child, parent
    axes.plot([x, x, across], [y, down, down], color=GREY, linewidth=0.8, zorder=1)


def _nodes(
    figure: Any, axes: Any, at: Mapping[int, tuple[float, float]], scores: Mapping[int, float],
    what: str,
) -> None:  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    scored = [id_ for id_ in at if id_ in scores]
    others = [id_ for id_ in at if id_ not in scores]
    if scored:
        points = axes.scatter(
            [at[id_][0] for id_ in scored], [at[id_][1] for id_ in scored],
            c=[scores[id_] for id_ in scored], cmap=SCORES, s=38, zorder=2, edgecolors=INK,
            linewidths=0.6,
        )  # fmt: skip
        figure.colorbar(
            points, ax=axes, label=what, location="bottom", shrink=0.5, aspect=40,
            ticks=MaxNLocator(_MOST_TICKS),
        )  # fmt: skip
    axes.scatter(
        [at[id_][0] for id_ in others], [at[id_][1] for id_ in others], marker="x", s=24,
        color=GREY, zorder=2,
    )  # fmt: skip


def _describe(axes: Any, birth: Birth, x: float, y: float) -> None:
    axes.annotate(
        f"{birth.id}", (x, y), (7, 0), textcoords="offset points", va="center", fontsize=7,
        color=INK,
    )  # fmt: skip
    axes.annotate(
        label(birth.formula, _MOST_CHARS), (x, y), (34, 0), textcoords="offset points",
        va="center", fontsize=7.5, family="monospace",
    )  # fmt: skip
    axes.text(
        1, y, label(birth.operator, 24), ha="right", va="center", fontsize=7, style="italic"
    )  # fmt: skip
