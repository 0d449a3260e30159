"""The pictures of a run, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actsearch.plots import (
    curves,
    forest,
    formulas,
    front,
    landscape,
    operators,
    pedigree,
    progress,
)
from actsearch.plots.style import drawing
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RunFigure:
    """One picture.

    Attributes:
        name: What files and options call it.
        title: What it shows, in a few words.
        caption: How to read it.
        lacks: What is said in its place where there is nothing to draw.
        sketch: What draws it.
    """

    name: str
    title: str
    caption: str
    lacks: str
    sketch: Callable[[Account], Figure | None]

    def draw(self, account: Account) -> Figure | None:
        """Return the picture of a run, None where it has nothing to show."""
        with drawing():
            return self.sketch(account)


RUN_FIGURES = (
    RunFigure(
        "functions",
        "The functions put forward",
        "Each finalist (left) and its derivative by x (right) beside activations that are known; "
        "these alone, where nothing new has a score. The grey hill is the density of the "
        "pre-activations that its full trainings ended with: only where it is high does the curve "
        "matter. Inputs besides x stand at 1.",
        formulas.LACKS,
        formulas.draw,
    ),
    RunFigure(
        "progress",
        "How the search went on",
        "Above: the best formula up to each birth, as the longest trainings rank them now. Middle: "
        "scores of the shortest trainings, which all that is trained begins with. Below: what "
        "became of the births, in a moving window.",
        progress.LACKS,
        progress.draw,
    ),
    RunFigure(
        "front",
        "Score against cost",
        "Each formula of the longest trainings by what it costs to compute and what it scores; "
        "larger marks are longer formulas. None scores more for less than those on the line; the "
        "star marks the best trade-off, the cheapest within one standard error of the best. Costs "
        "are modelled here; `actsearch inspect RUN --front` measures them.",
        front.LACKS,
        front.draw,
    ),
    RunFigure(
        "curves",
        "Learning curves",
        "Mean validation score in the longest trainings of the search, with bands of 1.96 standard "
        "errors over seeds. The search chose by these scores, so they flatter what it found.",
        curves.LACKS,
        curves.draw,
    ),
    RunFigure(
        "comparison",
        "Against each known activation",
        "The leading finalist less each known activation with fresh seeds, on the test split "
        "where the task has one: mean of the differences at common seeds (their number in "
        "brackets) and its 95 % interval, each taken by itself. What is decided is corrected for "
        "all comparisons together, so it can be undecided though its interval leaves zero out. An "
        "interval of few seeds may be wider than the picture.",
        forest.LACKS,
        forest.draw,
    ),
    RunFigure(
        "lineage",
        "Where the leader comes from",
        "The best finalist at the top (the best known activation, where nothing new has a score) "
        "and its nearest ancestors: each line leads from a formula down to its parents, a "
        "generation further to the right. On the right the operator that made each of its parents; "
        "the colour is its score in the shortest training, a cross marks one without.",
        pedigree.LACKS,
        pedigree.draw,
    ),
    RunFigure(
        "map",
        "All functions that were trained",
        "Each mark is a function; near ones have alike values and slopes where pre-activations lie "
        "at the start. Multiples and mirror images stand in one place. Colours are scores of the "
        "shortest training, larger marks were found more often. Only the two directions in which "
        "functions differ most are shown, so what looks near may yet differ.",
        landscape.LACKS,
        landscape.draw,
    ),
    RunFigure(
        "operators",
        "Primitives and operators",
        "Left: how many formulas have each primitive, of all births and of the best tenth of those "
        "with a score. Right: how much of what each operator made was trained, and how much of "
        "that scored higher than the best of its parents in the shortest training (in brackets "
        "the mean difference, in the score's own unit).",
        operators.LACKS,
        operators.draw,
    ),
)
