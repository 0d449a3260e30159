"""A map of all functions that were trained: alike functions near each other, coloured by score.

Functions are points by their values and slopes under N(0, 1) (``likeness``); the map shows the two
directions in which they vary most (principal components; Pearson 1901).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions import Candidate, parse
from actsearch.expressions.likeness import embedded
from actsearch.plots.cast import candidate, finalists, first_rung, label, list_below
from actsearch.plots.naming import Naming, name_points
from actsearch.plots.style import GREY, INK, SCORES, SPREAD
from actsearch.results.breeding import mean_scores
from actsearch.results.hall import BASELINE
from actsearch.results.view import known_births, known_names
from actsearch.runs.records import ACCEPTED
from actsearch.trials.account import Account

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

LACKS = "fewer than three functions were trained"
_LEAST = 3
MOST_POINTS = 3000
#: Beyond so many marks a picture in lines is larger than one in dots.
_MOST_DRAWN = 1200
_BESIDE = parse("relu(x)")
#: Of the map that is shown: a few odd functions far out would take it all.
_SHOWN = (0.5, 99.5)
#: How often a function was found again, at least, and the area of its mark.
_AREAS = {0: 9.0, 1: 18.0, 3: 32.0, 10: 60.0}


def draw(account: Account) -> Figure | None:
    """Draw every function that was trained as a point."""
    from matplotlib.figure import Figure

    functions = trained(account)
    if len(functions) < _LEAST:
        return None
    ids = list(functions)
    places, shares = principal(embedded(list(functions.values()), _BESIDE, scale_weight=0.0))
    rung = first_rung(account.run.ladder)
    scores = mean_scores(account.run.trainings, rung)
    again = Counter(birth.same_as for birth in account.run.births if birth.same_as is not None)
    figure = Figure(figsize=(6.6, 5.2))
    axes = figure.subplots()
    _limits(axes, places)
    lost = [k for k, id_ in enumerate(ids) if id_ not in scores]
    if lost:
        axes.scatter(
            places[lost, 0], places[lost, 1], marker="x", s=12, linewidth=0.7, color=GREY,
            label="did not train",
        )  # fmt: skip
    there = sorted((id_ for id_ in ids if id_ in scores), key=lambda id_: scores[id_])
    by_id = dict(zip(ids, places, strict=True))
    if there:
        low, high = np.percentile([scores[id_] for id_ in there], SPREAD)
        for least, area in _AREAS.items():  # marks of one size at a time: a smaller picture
            alike = [id_ for id_ in there if _class(again[id_]) == least]
            points = axes.scatter(
                [by_id[id_][0] for id_ in alike], [by_id[id_][1] for id_ in alike], s=area,
                c=[scores[id_] for id_ in alike], cmap=SCORES, vmin=low, vmax=high,
                edgecolors=GREY, linewidths=0.3, rasterized=len(there) > _MOST_DRAWN,
            )  # fmt: skip
        what = f"{label(account.run.measure, 50)}, training '{label(rung)}'"
        figure.colorbar(points, ax=axes, label=what, extend="min")
    named = _marked(axes, account, by_id)
    for axis, share, which in zip(
        (axes.xaxis, axes.yaxis), shares, ("first", "second"), strict=True
    ):
        axis.set_label_text(f"{which} direction ({share:.0%} of what varies)")
        axis.set_ticks([])
    axes.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
    marks = [(float(x), float(y)) for x, y in by_id.values()]
    name_points(axes, named, marks, may_cover=1)
    return figure


def _class(n_again: int) -> int:
    return max(least for least in _AREAS if least <= n_again)


def trained(account: Account) -> dict[int, Candidate]:
    """Return birth id -> function of what was trained; the latest, where there are too many."""
    began = {row.birth_id for row in account.run.trainings}
    births = [b for b in account.run.births if b.status == ACCEPTED and b.id in began]
    found = {birth.id: candidate(birth.formula) for birth in births[-MOST_POINTS:]}
    return {id_: one for id_, one in found.items() if one is not None}


def principal(points: Array) -> tuple[Array, tuple[float, float]]:
    """Return the first two principal components, and the shares of the variance that they hold.

    Args:
        points: Shape (n, width).

    Returns:
        Shape (n, 2), each column turned so that its largest entry is positive.
    """
    centred = points - points.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = left[:, :2] * sizes[:2]
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros((len(places), 2 - places.shape[1]))])
    largest = np.abs(places).argmax(axis=0)
    signs = np.where(places[largest, [0, 1]] < 0, -1.0, 1.0)
    total = float((sizes**2).sum()) or 1.0
    shares = (*(sizes[:2] ** 2 / total), 0.0, 0.0)
    return places * signs, (float(shares[0]), float(shares[1]))


def _limits(axes: Any, places: Array) -> None:
    for set_limits, of in ((axes.set_xlim, places[:, 0]), (axes.set_ylim, places[:, 1])):
        low, high = np.percentile(of, _SHOWN)
        margin = 0.06 * (high - low) or 1.0
        set_limits(low - margin, high + margin)


def _marked(axes: Any, account: Account, places: Mapping[int, Array]) -> list[Naming]:
    """Mark the finalists and the known activations, and return their names."""
    known = known_births(account.run.births, known_names(account.run.config))
    found = [player for player in finalists(account) if player.birth_id in places]
    best = [
        _naming(places[player.birth_id], str(number), must=True)
        for number, player in enumerate(found, start=1)
    ]
    others = [
        _naming(places[id_], label(name), must=name == BASELINE)
        for id_, name in known.items()
        if id_ in places
    ]
    _mark(axes, best, "*", 90, "finalist")
    _mark(axes, others, "s", 22, "known activation")
    list_below(axes.get_figure(), [player.formula for player in found])
    return [*best, *others]


def _naming(place: Array, name: str, must: bool = False) -> Naming:
    return Naming(float(place[0]), float(place[1]), name, must)


def _mark(axes: Any, points: Sequence[Naming], marker: str, area: float, what: str) -> None:
    if points:
        axes.scatter(
            [p.x for p in points], [p.y for p in points], marker=marker, s=area,
            facecolors="none", edgecolors=INK, linewidths=0.8, label=what,
        )  # fmt: skip
