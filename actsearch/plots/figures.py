"""The pictures of a run, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actsearch.plots import formulas, progress
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
        "The functions found",
        "Each finalist (left) and its derivative (right) beside activations that are known. The "
        "grey hill is the density of the pre-activations that its full trainings ended with: only "
        "where it is high does the curve matter.",
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
)
