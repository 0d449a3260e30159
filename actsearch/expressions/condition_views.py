"""Where a function is looked at to judge a condition: a cheap view, and a fine one.

A violation that lies between two points of a grid, or far out, must not slip through. So the fine
view adds points at the function's own landmarks: where an argument of one of its primitives goes
through zero (or through a bound of ``clip``) a spike, a step or a kink may hide that is narrower
than any grid. Extremes are then looked at ever closer. What it finds are values that the function
has: a violation is true, within the stated tolerances for rounding.

Values are float64's, where a kind does not ask for float32's. Parameters stand at their start
values. Of a function that reads ``u`` or ``o``, slices are looked at: x varies, and the others
stand at values spread evenly over (-4, 4), for ``o`` over (0, 1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis.grid import LIMIT_POINTS, WINDOW, jumps, limit
from actsearch.expressions.expression import Expression
from actsearch.expressions.fingerprint import others
from actsearch.expressions.node import Node, const
from actsearch.expressions.rounding import rounding
from actsearch.expressions.zeros import Lines

Array = NDArray[np.float64]
Evaluate = Callable[[Any], Array]

_N_CHEAP, _N_FINE, _N_SLICES = 401, 20_001, 8
#: Far beyond, where a square is still finite: they tell whether something ends at all.
_STEPS: Array = np.power(10.0, np.arange(8, 65, 8), dtype=np.float64)
#: Magnitudes of x beyond the window.
_FAR_CHEAP = np.concatenate([[12.5, 20.0, 45.0], 10.0 ** np.arange(2, 9)])
_FAR_FINE = np.unique(np.concatenate([np.geomspace(10.07, 9.7e7, 400), _FAR_CHEAP]))
#: Distances from a landmark at which the function is looked at, in units of its argument.
_AROUND = np.linspace(-8, 8, 65)
#: Where the kinks of a primitive lie, by its argument, where that is not at 0 alone.
_KINKS_AT = {"hardsigmoid": (-3.0, 3.0), "hardswish": (-3.0, 3.0)}
#: How many extremes are looked at closer, and how often.
_N_EXTREMES, _N_ZOOMS = 4, 4


class View:
    """Values of a function on chosen points, computed once and when they are asked for.

    Args:
        expression: The function.
        fine: Look as closely as is said above; else at about 400 points, for a first verdict.

    Attributes:
        x: Points of the window [-10, 10], ascending and symmetric about 0, shape (points,).
        grid: The evenly spaced points among those of a view, shape (points,).
        far: Points beyond the window on the right, ascending.
    """

    def __init__(self, expression: Expression, *, fine: bool) -> None:
        self.expression = expression
        self.fine = fine
        inputs = others(expression, np.empty(_N_SLICES))
        self._fixed: dict[str, Array] = {
            name: np.array(expression.start_of(name)) for name in expression.parameters
        }
        self._slices = {name: inputs[name][:, None] for name in expression.inputs[1:]}
        self.n_slices = _N_SLICES if self._slices else 1
        half = (_N_FINE if fine else _N_CHEAP) // 2
        # Each point correctly rounded: symmetric, and the cheap points are among the fine ones.
        self.grid = np.arange(-half, half + 1) / (half / WINDOW)
        self.far = _FAR_FINE if fine else _FAR_CHEAP

    def value(self, x: Array) -> Array:
        """Return the values at ``x``, one row a slice: shape (slices, points)."""
        return self._evaluate(self.expression, x)

    def single(self, x: Array) -> Array:
        """Return the values as a training has them, each step in float32: shape as of ``value``."""
        return self._evaluate(self.expression, x, np.float32)

    def slope(self, x: Array) -> Array:
        """Return the slopes in x at ``x``: shape (slices, points)."""
        return self._evaluate(self._derivative, x)

    @functools.cached_property
    def x(self) -> Array:
        """The points of the window: the grid and, in a fine view, what lies at landmarks."""
        if not self.fine:
            return self.grid
        near = _around(self._landmarks)
        return np.unique(np.concatenate([self.grid, near, -near]))

    @functools.cached_property
    def f(self) -> Array:
        """Values on the window."""
        return self.value(self.x)

    @functools.cached_property
    def on_grid(self) -> Array:
        """Values on the evenly spaced points."""
        return self.f if not self.fine else self.value(self.grid)

    @functools.cached_property
    def d(self) -> Array:
        """Slopes on the window."""
        return self.slope(self.x)

    @functools.cached_property
    def f_left(self) -> Array:
        """Values at ``-far``."""
        return self.value(-self.far)

    @functools.cached_property
    def f_right(self) -> Array:
        """Values at ``far``."""
        return self.value(self.far)

    @functools.cached_property
    def far_in_u(self) -> Array:
        """Values at ``-far`` and at ``far`` as u, x standing at eight values: shape (2, 8, far)."""
        at = self._slices["u"]
        sides = [self._slices | {"u": side[None, :]} for side in (-self.far, self.far)]
        x = np.broadcast_to(at, (len(at), len(self.far)))
        return np.stack([self.expression.evaluate(x, self._fixed | given) for given in sides])

    @functools.cached_property
    def rounding(self) -> Array:
        """By how much values on the window, and far on the left and right, may be off."""
        points, values = self.everywhere
        x = np.broadcast_to(points, values.shape)
        return rounding(self.expression, x, self._fixed | self._slices, values)

    @functools.cached_property
    def everywhere(self) -> tuple[Array, Array]:
        """The points far on the left, of the window and far on the right, and the values there."""
        x = np.concatenate([-self.far[::-1], self.x, self.far])
        return x, np.concatenate([self.f_left[:, ::-1], self.f, self.f_right], axis=1)

    @functools.cached_property
    def limits(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What happens as x goes to -inf and to +inf, in words, a slice each."""
        x = LIMIT_POINTS if self.fine else LIMIT_POINTS[:, 99::100]  # with the last of a decade

        def words(sign: float) -> tuple[str, ...]:
            return tuple(limit(row.reshape(x.shape)) for row in self.value(sign * x.ravel()))

        return words(-1.0), words(1.0)

    def diverges(self, side: int) -> bool:
        """Tell whether values surely go on growing on a side (0: left, 1: right).

        They do if as far out as 1e64 they don't grow less from one step to the next; a logarithm
        does not. Up to 1e8 alone a bounded function of a tiny multiple of x would look like that.
        """
        values = self.value(_STEPS if side else -_STEPS)
        with np.errstate(all="ignore"):
            growth = np.abs(np.diff(values))
            goes_on = (growth[:, 1:] >= 0.99 * growth[:, :-1]) & (growth[:, 1:] > 1e-12)
        goes_on |= np.isinf(values[:, 2:])
        return bool(goes_on.all(axis=1).any())

    def greatest(self, function: Evaluate, values: Array) -> tuple[float, float]:
        """Return the greatest value of a function on the window, and where.

        Args:
            function: As ``value``; it may be any function of it.
            values: Those at the points ``x``; NaN counts for nothing.

        Returns:
            The value and its x. In a fine view the highest points are looked at closer, between
            their neighbours.
        """
        row, place = _argmax(values)
        best, where = float(values[row, place]), float(self.x[place])
        if not self.fine or not np.isfinite(best):
            return best, where
        envelope = np.where(np.isnan(values), -np.inf, values).max(axis=0)
        peaks = np.flatnonzero(
            (envelope >= np.append(envelope[1:], -np.inf))
            & (envelope >= np.append(-np.inf, envelope[:-1]))
        )
        peaks = peaks[np.argsort(-envelope[peaks], kind="stable")[:_N_EXTREMES]]
        low, high = self.x[np.maximum(peaks - 1, 0)], self.x[np.minimum(peaks + 1, len(self.x) - 1)]
        for _ in range(_N_ZOOMS):
            points = np.linspace(low, high, 33)  # (33, peaks)
            found = function(points.ravel())
            row, place = _argmax(found)
            if float(found[row, place]) > best:
                best, where = float(found[row, place]), float(points.ravel()[place])
            columns = np.where(np.isnan(found), -np.inf, found).max(axis=0).reshape(points.shape)
            top = columns.argmax(axis=0)
            every = np.arange(len(peaks))
            low, high = (
                points[np.maximum(top - 1, 0), every],
                points[np.minimum(top + 1, 32), every],
            )
        return best, where

    def kinks(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return where the slope jumps, and where the value does (fine views alone)."""
        bends: set[float] = set()
        steps: set[float] = set()
        slopes = self.slope(self.grid)
        for row in range(self.n_slices):
            f, d = self._row(self.value, row), self._row(self.slope, row)
            with np.errstate(all="ignore"):
                bends.update(jumps(self.grid, slopes[row], d))
                steps.update(jumps(self.grid, self.on_grid[row], f))
            at = self._landmarks[:, 0]
            bends.update(_round(at[_stays(at, d)]))
            steps.update(_round(at[_stays(at, f)]))
        return tuple(sorted(bends)), tuple(sorted(steps))

    def _row(self, function: Evaluate, row: int) -> Evaluate:
        return lambda x: function(x)[row]

    @functools.cached_property
    def _derivative(self) -> Expression:
        return self.expression.derivative()

    def _evaluate(
        self, expression: Expression, x: Array, dtype: type[np.floating[Any]] = np.float64
    ) -> Array:
        given = self._fixed | self._slices
        return expression.evaluate(np.broadcast_to(x, (self.n_slices, len(x))), given, dtype)

    @functools.cached_property
    def _landmarks(self) -> Array:
        """Return the x of landmarks and how fast the argument changes there: shape (n, 2)."""
        targets = _targets(self.expression.root)
        if not targets:
            return np.array([[0.0, 1.0]])
        settings = {name: np.repeat(v, self.n_slices) for name, v in self._fixed.items()}
        settings |= {name: v[:, 0] for name, v in self._slices.items()}
        lines = Lines(targets, settings, self.n_slices)
        found = lines.crossings()
        step = 1e-6
        with np.errstate(all="ignore"):
            change = lines.values(found.x + step, found.rows)
            change -= lines.values(found.x - step, found.rows)
            rate = np.abs(change[found.which, np.arange(len(found.x))]) / (2 * step)
        rate = np.where(np.isfinite(rate) & (rate > 1e-3), rate, 1.0)
        return np.concatenate([[[0.0, 1.0]], np.stack([found.x, rate], axis=1)])


def _targets(root: Node) -> list[Node]:
    """Return what a function may change abruptly at the zeros of."""
    found: dict[Node, None] = {}
    for node in root.walk():
        if node.op in ("max", "min"):
            found[Node("sub", node.args)] = None
        elif node.op == "clip":
            found.update(dict.fromkeys(Node("sub", (node.args[0], end)) for end in node.args[1:]))
        for level in _KINKS_AT.get(node.op, ()):
            found[Node("sub", (node.args[0], const(level)))] = None
        found.update(dict.fromkeys(arg for arg in node.args if arg.args))
    return list(found)


def _around(landmarks: Array) -> Array:
    at, rate = landmarks[:, :1], landmarks[:, 1:]
    points = (at + _AROUND / rate).ravel()
    return points[np.abs(points) <= WINDOW]


def _argmax(values: Array) -> tuple[int, int]:
    known = np.where(np.isnan(values), -np.inf, values)
    row, place = np.unravel_index(known.argmax(), known.shape)
    return int(row), int(place)


def _stays(at: Array, function: Evaluate) -> NDArray[np.bool_]:
    """Tell at which points a jump stays as it is a hundred times nearer to the point."""
    with np.errstate(all="ignore"):
        sizes = []
        for distance in (1e-9, 1e-7):
            step = distance * np.maximum(1.0, np.abs(at))
            sizes.append(np.abs(function(at + step) - function(at - step)))
        return np.asarray((sizes[0] > 1e-6) & (sizes[0] > 0.5 * sizes[1]))


def _round(places: Array) -> list[float]:
    return [round(float(place), 6) + 0.0 for place in places]
