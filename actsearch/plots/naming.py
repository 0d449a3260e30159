"""Names beside points, where they overlap neither each other nor the picture's edge."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actsearch.plots.style import INK

#: Where a name may stand, in points from its own, the best place first.
_PLACES = (
    (6, 4, "left"), (6, -10, "left"), (-6, 4, "right"), (-6, -10, "right"),
    (0, 6, "center"), (0, -14, "center"),
)  # fmt: skip
_FONT_SIZE = 7
_NEAR = 2.5  # about a mark
#: Of a character, in points; wider than most, so that names stand apart.
_WIDTH, _HEIGHT = 0.62 * _FONT_SIZE, 1.25 * _FONT_SIZE


Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Naming:
    """A point, in the data's units, and its name; one that ``must`` be named may cover marks."""

    x: float
    y: float
    name: str
    must: bool = False


def name_points(
    axes: Any,
    points: Sequence[Naming],
    marks: Sequence[Point] = (),
    line: Sequence[Point] = (),
    *,
    may_cover: int = 0,
) -> None:
    """Write names beside points, the first ones first; one that finds no place is left out.

    All else must be in the picture before, limits and legends included, as the layout is made here
    to know how large the axes are. Names are measured by their length, and take no part in the
    layout, so the same points give the same picture.

    Args:
        axes: Where to write.
        points: What to name.
        marks: Points that names should not cover.
        line: Corners of a line of which the same holds; its pieces are level or upright.
        may_cover: How many marks a name may cover. Where marks of one kind are many, a name over
            one of them is taken for its name.
    """
    scale = _Scale.of(axes)
    near = [_box_around(scale.at(mark), scale.at(mark)) for mark in marks]
    near += [_box_around(scale.at(a), scale.at(b)) for a, b in itertools.pairwise(line)]
    taken: list[Box] = []
    for point in points:
        x, y = scale.at((point.x, point.y))
        boxes = [_box(x + dx, y + dy, side, point.name) for dx, dy, side in _PLACES]
        free = [
            place
            for place, box in enumerate(boxes)
            if scale.holds(box) and not any(_overlap(box, other) for other in taken)
        ]
        if not free or not scale.holds((x, y, x, y)):
            continue
        covered = [sum(_overlap(boxes[place], other) for other in near) for place in free]
        if min(covered) > may_cover and not point.must:
            continue
        best = free[covered.index(min(covered))]
        taken.append(boxes[best])
        dx, dy, side = _PLACES[best]
        name = axes.annotate(
            point.name, (point.x, point.y), (dx, dy), textcoords="offset points",
            ha=side, va="bottom", fontsize=_FONT_SIZE, color=INK,
        )  # fmt: skip
        name.set_in_layout(False)


@dataclass(frozen=True)
class _Scale:
    """From data to points within the axes."""

    x: Point
    y: Point
    size: Point

    @classmethod
    def of(cls, axes: Any) -> _Scale:
        figure = axes.get_figure()
        figure.draw_without_rendering()
        size = axes.get_window_extent().size * 72 / figure.dpi
        return cls(axes.get_xlim(), axes.get_ylim(), (float(size[0]), float(size[1])))

    def at(self, point: Point) -> Point:
        (left, right), (bottom, top), (width, height) = self.x, self.y, self.size
        return (
            width * (point[0] - left) / (right - left),
            height * (point[1] - bottom) / (top - bottom),
        )

    def holds(self, box: Box) -> bool:
        return box[0] >= 0 and box[1] >= 0 and box[2] <= self.size[0] and box[3] <= self.size[1]


def _box_around(one: Point, other: Point) -> Box:
    (a, b), (c, d) = one, other
    return min(a, c) - _NEAR, min(b, d) - _NEAR, max(a, c) + _NEAR, max(b, d) + _NEAR


def _box(x: float, y: float, side: str, name: str) -> Box:
    width = _WIDTH * len(name)
    left = x - {"left": 0.0, "right": 1.0, "center": 0.5}[side] * width
    return left, y, left + width, y + _HEIGHT


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
