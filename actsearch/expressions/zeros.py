"""Where subexpressions of a function go through zero as x varies, to the last digit.

There lies what a grid steps over: a kink or a jump where the subexpression is the argument of a
primitive, a pole where it is a denominator. Inputs besides x and parameters are held; each setting
of theirs is a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import run
from actsearch.expressions.lowering import lower
from actsearch.expressions.node import Node

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
#: From the values of one target at the points of each place, shape (places, points): which point is
#: meant so far, and between which two to look on.
_Choice = Callable[[Array], tuple[Indices, Indices, Indices]]

#: Shifted, so that zeros at round numbers lie between the points.
_COARSE: Array = np.linspace(-10.0, 10.0, 2002)
#: A dip is looked into if its bottom is at most so many times what it rises to a neighbour by:
#: one that a parabola or a kink fits may reach zero between the points, others don't.
_DEEP = 4.0
#: It does reach zero if what is left there is at most so much of the magnitude a point further:
#: more than sqrt(|x|) has one double beside its zero, less than if 1e-6 is added to it.
_LEFT = 1e-6
_N_PARTS = 16
_MAX_PLACES = 48


@dataclass(frozen=True)
class Places:
    """Where targets are zero, or as near to it as a double is.

    Attributes:
        which: Numbers of the targets, shape (places,).
        rows: Numbers of the settings, shape (places,).
        x: Shape (places,).
    """

    which: Indices
    rows: Indices
    x: Array


class Lines:
    """Subexpressions along x in [-10, 10], in every row.

    Args:
        targets: The subexpressions.
        settings: Values of the further inputs and the parameters by name, each of shape (rows,).
        n_rows: How many rows there are.
    """

    def __init__(self, targets: Sequence[Node], settings: Mapping[str, Array], n_rows: int) -> None:
        self._settings, self._n_rows, self._n_targets = settings, n_rows, len(targets)
        self._program = lower(targets, ("x", *settings))

    def values(self, x: Array, rows: Indices) -> Array:
        """Return all targets, the first axis, at points of as many rows."""
        given = [x, *(values[rows] for values in self._settings.values())]
        with np.errstate(all="ignore"):
            found = run(self._program, NUMPY_OPS, given)
        return np.array([np.broadcast_to(one, x.shape) for one in found], dtype=np.float64)

    def crossings(self) -> Places:
        """Return where targets change their sign, at most 48 places: the first double behind."""
        signs = np.sign(self._coarse())
        which, rows, at = np.nonzero(signs[..., 1:] * signs[..., :-1] < 0)
        return self._closer(which, rows, (at, at + 1), _first_crossing, 13)

    def dips(self) -> Places:
        """Return where targets reach zero, of at most 48 dips: also where they but touch it.

        Of zeros within 0.01 of each other one may be missed.
        """
        size = np.pad(np.abs(self._coarse()), ((0, 0), (0, 0), (1, 1)), mode="edge")
        with np.errstate(all="ignore"):
            left, here, right = size[..., :-2], size[..., 1:-1], size[..., 2:]
            rise = np.maximum(left, right) - here
            deep = (here <= left) & (here <= right) & (here <= _DEEP * rise)
        which, rows, at = np.nonzero(deep)
        ends = np.maximum(at - 1, 0), np.minimum(at + 1, len(_COARSE) - 1)
        found = self._closer(which, rows, ends, _least, 18)
        step = _COARSE[1] - _COARSE[0]
        left, here, right = (
            np.abs(self.values(x, found.rows)[found.which, np.arange(len(x))])
            for x in (found.x - step, found.x, found.x + step)
        )
        zero = here <= _LEFT * np.fmax(left, right)
        return Places(found.which[zero], found.rows[zero], found.x[zero])

    def _coarse(self) -> Array:
        rows = np.repeat(np.arange(self._n_rows), len(_COARSE))
        found = self.values(np.tile(_COARSE, self._n_rows), rows)
        return found.reshape(self._n_targets, self._n_rows, len(_COARSE))

    def _closer(
        self,
        which: Indices,
        rows: Indices,
        ends: tuple[Indices, Indices],
        choice: _Choice,
        n_rounds: int,
    ) -> Places:
        """Look closer between points of the coarse grid, ``n_rounds`` times to the last digit."""
        low, high = _COARSE[ends[0]], _COARSE[ends[1]]
        if len(which) > _MAX_PLACES:
            kept = np.linspace(0, len(which) - 1, _MAX_PLACES).astype(int)
            which, rows, low, high = which[kept], rows[kept], low[kept], high[kept]
        x, own, n_points = high, np.arange(len(which)), _N_PARTS + 1
        for _ in range(n_rounds if len(which) else 0):
            points = np.linspace(low, high, n_points)  # (points, places)
            found = self.values(points.ravel(), np.tile(rows, n_points))
            mine = found.reshape(self._n_targets, n_points, -1)[which, :, own]
            best, first, last = choice(mine)
            x, low, high = points[best, own], points[first, own], points[last, own]
        return Places(which, rows, x)


def _first_crossing(values: Array) -> tuple[Indices, Indices, Indices]:
    part = (np.sign(values[:, 1:]) != np.sign(values[:, :1])).argmax(axis=1)
    return part + 1, part, part + 1


def _least(values: Array) -> tuple[Indices, Indices, Indices]:
    size = np.abs(values)
    best = np.where(np.isnan(size), np.inf, size).argmin(axis=1)
    return best, np.maximum(best - 1, 0), np.minimum(best + 1, values.shape[1] - 1)
