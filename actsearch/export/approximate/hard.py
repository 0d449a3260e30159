"""The continuous piecewise-linear stand-in with the least maximum error for its number of pieces.

Beside it stands the form that people know from hardswish, ``x*clip(a*x + b, 0, 1)``, where the
function ends on lines through 0. Of what reaches the error wanted the cheaper one is taken, and if
nothing does, the one with the smaller error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from actsearch.export.approximate import trees
from actsearch.export.approximate.subject import Array, Subject
from actsearch.export.approximate.tube import Broken, Tube
from actsearch.expressions import Expression
from actsearch.expressions.lowering import lower
from actsearch.expressions.node import Node

#: Share of the error wanted that the path may use: between its points it is a little off.
_CAUTION = 0.995


@dataclass(frozen=True)
class Hard:
    """A stand-in of straight pieces: its tree, its knots, and what there is to say of it."""

    root: Node
    knots: tuple[float, ...]
    note: str


def hard(subject: Subject, error: float, pieces: int) -> Hard:
    """Fit straight pieces.

    Args:
        subject: The function.
        error: The maximum error wanted; the fewest pieces that reach it are taken.
        pieces: At most so many.
    """
    tube = Tube(subject)
    path = tube.best(error * _CAUTION, pieces)
    broken = Hard(broken_tree(path, subject), path.x, f"{path.n_pieces} straight pieces")
    gated = _gated(subject, tube.x, tube.f) if pieces >= 3 else None
    options = [option for option in (broken, gated) if option is not None]
    # As the grammar computes it, with its constants rounded.
    errors = [float(np.abs(_values(o.root, tube.x) - tube.f).max()) for o in options]
    ranked = sorted(
        zip(options, errors, strict=True),
        key=lambda pair: (
            (0, _cost(pair[0].root), pair[1])
            if pair[1] <= error
            else (1, pair[1], _cost(pair[0].root))
        ),
    )
    return ranked[0][0]


def _values(root: Node, x: Array) -> Array:
    return Expression(root).evaluate(x)


def _cost(root: Node) -> int:
    return len(lower([root], ("x",)).instructions)


def _gated(subject: Subject, x: Array, f: Array) -> Hard | None:
    """Return ``x*clip(a*x + b, ...)`` with the least maximum error, where it fits the ends."""
    ends = subject.ends
    if any(end.kind != "line" or end.offset != 0 for end in ends) or ends[0] == ends[1]:
        return None
    bounds = sorted((ends[0].slope, ends[1].slope))
    sign = 1.0 if ends[1].slope > ends[0].slope else -1.0
    middle, height = sum(bounds) / 2, bounds[1] - bounds[0]

    def largest(given: Array) -> float:
        values = x * np.clip(sign * given[0] * x + given[1], bounds[0], bounds[1])
        return float(np.abs(values - f).max())

    found = [
        minimize(
            largest,
            np.array([height * steep, middle]),
            method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 400},
        )
        for steep in (0.15, 0.4, 1.0)
    ]
    a, b = min(found, key=lambda one: float(one.fun)).x
    a, b = trees.rounded(sign * abs(float(a))), trees.rounded(float(b))
    if a == 0:
        return None
    root = trees.mul(trees.X, trees.clip(trees.line(a, b), *bounds))
    knots = tuple(sorted(float((bound - b) / a) for bound in bounds))
    return Hard(root, knots, "x times a clipped line, as hardswish is")


def broken_tree(path: Broken, subject: Subject) -> Node:
    """Write a piecewise-linear function as a sum of clipped lines.

    Each piece is 0 up to its own first knot, so that an asymptote of 0 on one side is exactly 0 in
    every format; the last term makes the other asymptote exact.
    """
    mirrored = path.right == 0 and path.left != 0
    offsets = [end.offset if end.kind == "line" else None for end in subject.ends]
    x, y, slopes = np.array(path.x), np.array(path.y), [path.left, path.right]
    if mirrored:
        x, y = -x[::-1], y[::-1]
        slopes, offsets = [-path.right, -path.left], offsets[::-1]
    left, right = slopes
    first = y[0] - left * x[0] if offsets[0] is None else offsets[0]
    last = y[-1] - right * x[-1] if offsets[1] is None else offsets[1]
    towards = -1.0 if mirrored else 1.0
    heights = [float(h) for h in np.diff(y) - left * np.diff(x)]
    rises = [h if abs(h) > 1e-9 else 0.0 for h in map(trees.rounded, heights)]
    parallel = right == left
    if parallel and any(rises):  # the last rise makes up for what rounding took
        at = max(index for index, rise in enumerate(rises) if rise)
        rises[at] = float(f"{last - first - sum(rises[:at]):.15g}")
    terms = [trees.line(towards * left, first)]
    for index, rise in enumerate(rises):
        if rise:
            slope = rise / (x[index + 1] - x[index])
            offset = trees.rounded(-slope * x[index])
            inner = trees.line(towards * trees.rounded(slope), offset)
            terms.append(trees.clip(inner, *sorted((0.0, rise))))
    if not parallel:
        change = float(f"{right - left:.15g}")
        inner = trees.line(towards * change, float(f"{last - first - sum(rises):.15g}"))
        terms.append(trees.above(inner) if change > 0 else trees.below(inner))
    return trees.total(terms)
