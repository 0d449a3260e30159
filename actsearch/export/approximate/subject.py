"""What is approximated: a function of x, where it bends, and how it ends on both sides.

Its ends come from its mathematical definition, far out and in many digits, so that an asymptote is
exact: 0 stays 0 and x stays x.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from actsearch.errors import BadInput
from actsearch.expressions import Expression, reference
from actsearch.expressions.analysis.grid import WINDOW, jumps
from actsearch.expressions.analysis.subject import bounded_derivative
from actsearch.expressions.condition_views import View
from actsearch.expressions.node import Node, const
from actsearch.expressions.poles import Suspects, first_pole, suspects

Array = NDArray[np.float64]
Window = tuple[float, float]

#: How far beyond the window errors are measured.
FAR = 1e6
_N_WINDOW, _N_FAR = 20_001, 4_000
_DIGITS = 400
#: An end is judged by points about these magnitudes: a logarithm grows from one to the other.
_NEAR, _OUT = mp.mpf(10) ** 10, mp.mpf(10) ** 200
_STEPS = (1.0, 1.31, 1.77, 2.0, 2.83, 3.67)
#: Beyond, [-10, 10] is looked at too closely and too often.
_MAX_MAGNITUDE = 100.0


@dataclass(frozen=True)
class End:
    """What a function does as x goes to one side.

    Attributes:
        kind: It comes ever closer to a ``line``; it stays beside one, as a ``wave`` does; or it
            ``grows`` away from every line.
        slope: Of the line; 0 for what grows.
        offset: Of the line it comes closer to; 0 for others.
    """

    kind: Literal["line", "wave", "grows"]
    slope: float = 0.0
    offset: float = 0.0


@dataclass(frozen=True)
class Subject:
    """A function of x alone that is finite and continuous on a window.

    Attributes:
        expression: The function; what was a parameter is a number.
        window: Where it matters most, (low, high).
        starts: The parameters that it had, and the numbers that they are now.
        ends: What it does on the left and on the right.
        bends: Where its slope, or the slope of that, jumps, in the window, ascending.
    """

    expression: Expression
    window: Window
    starts: Mapping[str, float]
    ends: tuple[End, End]
    bends: tuple[float, ...]

    def value(self, x: Array) -> Array:
        """Return the values at ``x``, of any shape."""
        return self.expression.evaluate(x)

    def slope(self, x: Array) -> Array:
        """Return the slopes at ``x``, of any shape."""
        return self._derivative.evaluate(x)

    def away(self, side: int, x: Array) -> Array:
        """Return how far the function at ``x`` is from the line of an end, 0 left or 1 right."""
        end = self.ends[side]
        return np.abs(self.value(x) - (end.slope * x + end.offset))

    def reach(self, error: float, most: float, otherwise: float = 0.0) -> Window:
        """Return the window, widened to where the function is within ``error`` of its asymptotes.

        Args:
            error: How close.
            most: It is widened by so much at most, on each side.
            otherwise: How much it is widened towards an asymptote that is not as close even there.
        """
        bounds = list(self.window)
        for side, sign in enumerate((-1.0, 1.0)):
            if self.ends[side].kind != "line":
                continue
            start = bounds[side]
            steps = np.concatenate([[0.0], np.geomspace(0.25, most, 400)])
            x = start + sign * steps
            outside = np.flatnonzero(self.away(side, x) > error)
            last = int(outside[-1]) + 1 if outside.size else 0
            if last < len(x):
                bounds[side] = float(f"{x[last]:.4g}") if last else start
            else:
                bounds[side] = start + sign * otherwise
        return bounds[0], bounds[1]

    @functools.cached_property
    def inside(self) -> Array:
        """The points of the window at which errors are measured, ascending."""
        low, high = self.window
        near = [bend + sign * 10.0**-k for bend in self.bends for sign in (-1, 1) for k in (3, 6)]
        points = np.concatenate([np.linspace(low, high, _N_WINDOW), self.bends, near])
        return np.unique(points[(points >= low) & (points <= high)])

    @functools.cached_property
    def outside(self) -> Array:
        """The points beyond the window at which errors are measured, ascending."""
        low, high = self.window
        steps = np.geomspace(1e-3, FAR, _N_FAR)
        return np.concatenate([low - steps[::-1], high + steps])

    @functools.cached_property
    def _derivative(self) -> Expression:
        return self.expression.derivative()


def subject(expression: Expression, window: Window) -> Subject:
    """Look at what is to be approximated.

    Raises:
        BadInput: It reads more than x, has a pole or a jump on the window, or is not finite there;
            or the window is none.
    """
    low, high = checked_window(window)
    if expression.inputs != ("x",):
        more = " and ".join(expression.inputs[1:])
        raise BadInput(
            f"'{expression}' reads {more}: a stand-in is fitted to a formula of x alone; "
            "export it exactly, or the parts of it that read x alone"
        )
    starts = {name: expression.start_of(name) for name in expression.parameters}
    bound = Expression(_bound(expression.root, starts))
    x = np.linspace(low, high, _N_WINDOW)
    finite = np.isfinite(bound.evaluate(x))
    if not finite.all():
        at = x[np.flatnonzero(~finite)[0]]
        raise BadInput(f"'{expression}' is not finite at x = {at:g}: {_NEEDS}")
    pole = _pole(bound, (low, high))
    if pole is not None:
        raise BadInput(f"'{expression}' has a pole at x = {pole:.6g}: {_NEEDS}")
    bends, steps = _bends_and_steps(bound, (low, high))
    if steps:
        raise BadInput(f"'{expression}' jumps at x = {steps[0]:g}: {_NEEDS}")
    ends = (_end(bound, -1), _end(bound, 1))
    return Subject(bound, (low, high), starts, ends, bends)


_NEEDS = "a stand-in needs a function that is finite and continuous on the window"


def checked_window(window: Window) -> Window:
    """Return a window.

    Raises:
        BadInput: It is not two numbers, the first below the second, of reasonable magnitude.
    """
    try:
        low, high = map(float, window)
    except (TypeError, ValueError):
        raise BadInput(f"a window is two numbers such as (-8, 8), got {window!r}") from None
    if not (-_MAX_MAGNITUDE <= low < high <= _MAX_MAGNITUDE and high - low >= 1e-3):
        raise BadInput(
            f"a window is two numbers between -{_MAX_MAGNITUDE:g} and {_MAX_MAGNITUDE:g}, at least "
            f"0.001 apart, got ({low:g}, {high:g})"
        )
    return low, high


def _bound(node: Node, starts: Mapping[str, float]) -> Node:
    if node.op in starts:
        return const(starts[node.op])
    return replace(node, args=tuple(_bound(arg, starts) for arg in node.args))


def _shifted(node: Node, by: float) -> Node:
    """Return a function of x at x + ``by``."""
    if node.op == "x":
        return Node("add", (node, const(by)))
    return replace(node, args=tuple(_shifted(arg, by) for arg in node.args))


def _stretches(expression: Expression, window: Window) -> Iterator[tuple[float, Expression]]:
    """Yield the function shifted so that [-10, 10] is a stretch of the window, one by one.

    That is where poles, bends and jumps are looked for.

    Yields:
        The middle of the stretch, and the function of what x is beyond it.
    """
    width = 2 * WINDOW
    for k in range(round(window[0] / width), round(window[1] / width) + 1):
        yield k * width, Expression(_shifted(expression.root, k * width)) if k else expression


def _pole(expression: Expression, window: Window) -> float | None:
    """Return the first pole on a window, or None."""
    for middle, function in _stretches(expression, window):
        places = suspects(function)
        if places is None:
            continue
        inside = (places.x >= window[0] - middle) & (places.x <= window[1] - middle)
        given = {name: values[inside] for name, values in places.given.items()}
        pole = first_pole(function, Suspects(places.x[inside], given))
        if pole is not None:
            return middle + pole
    return None


def _bends_and_steps(
    expression: Expression, window: Window
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return where a function bends, and where it jumps, within a window."""
    bends: list[float] = []
    steps: list[float] = []
    for middle, function in _stretches(expression, window):
        kinks, breaks = View(function, fine=True).kinks()
        bends += [middle + at for at in (*kinks, *_soft_bends(function))]
        steps += [middle + at for at in breaks]
    low, high = window
    # Each is one float, whichever stretch it was found in.
    found = (_merged([round(at, 6) for at in every]) for every in (bends, steps))
    bent, stepped = (tuple(at for at in every if low < at < high) for every in found)
    return bent, stepped


def _soft_bends(expression: Expression) -> tuple[float, ...]:
    """Return where the second derivative jumps, as that of elu does: a rational sees it too."""
    second = bounded_derivative(expression.derivative())
    if second is None:
        return ()
    x = np.linspace(-WINDOW, WINDOW, _N_WINDOW)
    with np.errstate(all="ignore"):
        return jumps(x, second.evaluate(x), second.evaluate)


def _merged(places: list[float]) -> list[float]:
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > 1e-3:
            kept.append(place)
    return kept


def _end(expression: Expression, sign: int) -> End:
    """Judge an end by values of the definition."""
    with mp.workdps(_DIGITS):
        near = [_far(expression, sign * step * _NEAR) for step in _STEPS]
        out = [_far(expression, sign * step * _OUT) for step in _STEPS]
        if not all(mp.isfinite(y) for _, y in (*near, *out)):
            return End("grows")
        (x1, y1), (x2, y2) = out[0], out[3]
        slope = (y2 - y1) / (x2 - x1)
        if abs(slope) < mp.mpf(10) ** -12:
            slope = mp.mpf(0)
        near_rest = [y - slope * x for x, y in near]
        rest = [y - slope * x for x, y in out]
        size = max(1, abs(rest[0]))
        if max(abs(r - rest[0]) for r in rest) <= 1e-9 * size and all(
            abs(r - rest[0]) <= 1e-3 * size for r in near_rest
        ):
            return End("line", float(slope), _tidy(rest[0]))
        if max(map(abs, rest)) <= 10 * max(1, *map(abs, near_rest)):
            # The two points lie at different heights of the wave; that far out it is no matter.
            return End("wave", float(slope))
    return End("grows")


def _far(expression: Expression, x: Any) -> tuple[Any, Any]:
    return x, reference.value(expression.root, {"x": x}, digits=_DIGITS)


def _tidy(value: Any) -> float:
    number = float(value)
    return 0.0 if math.fabs(number) < 1e-15 else number
