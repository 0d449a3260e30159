"""The rational stand-in: P/Q of small degrees with the least maximum error, a quotient a stretch.

Where the function bends, and where it ends on an asymptote, quotients of low degree can't follow.
So there is one for each stretch between bends, of ``x`` clipped to the stretch, and their sum is
continuous whatever their coefficients are:

    f(bend) + quotients that are 0 at bends + slope*min(x - low, 0) + slope*max(x - high, 0)

A quotient that has to be 0 at a bend has that as a factor. An even or odd function (plus a line)
on a symmetric stretch needs half of the coefficients: it is one of x^2. A smooth function that the
degrees allowed don't reach is cut in two, and again.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from actsearch.errors import ActsearchError
from actsearch.export.approximate import trees
from actsearch.export.approximate.remez import Fit, Problem, minimax
from actsearch.export.approximate.subject import Array, Subject, Window
from actsearch.expressions.node import Node

#: Largest degrees of numerator and denominator.
MAX_NUMERATOR, MAX_DENOMINATOR = 7, 6
_N_POINTS = 1500
#: A deviation below this, beside the largest value, is none.
_EXACT = 1e-12
#: Of the error wanted, what the quotients may use, and what the asymptotes may leave beyond.
_SHARE, _TAIL = 0.7, 0.25
#: The window may be widened so far to where the asymptotes hold; where that is too far for a
#: quotient, by so much.
_FAR, _SOME = 1e5, 8.0
_MAX_PARTS = 4
#: The slower way to fit is tried where the error is within so many times of what is wanted.
_NEAR = 30.0
#: Digits of the coefficients: some more than float32 has.
_DIGITS = 10


@dataclass(frozen=True)
class Part:
    """A quotient on one stretch, and how it was fitted.

    Attributes:
        low, high: The stretch.
        fit: The quotient; None where the function is a straight line there.
        x: The points that it was fitted on, shape (points,).
        root: What it adds to the sum; 0 at the bends at its ends.
        error: Its largest error on its points.
        symmetry: ``even`` or ``odd`` where it is a quotient of x^2, else empty.
    """

    low: float
    high: float
    fit: Fit | None
    x: Array
    root: Node
    error: float
    symmetry: str = ""

    @property
    def degrees(self) -> tuple[int, int]:
        """Of numerator and denominator, in the variable of the quotient."""
        if self.fit is None:
            return (1, 0)
        return len(self.fit.numerator) - 1, len(self.fit.denominator) - 1


@dataclass(frozen=True)
class Rational:
    """A stand-in of quotients: its tree, its parts, where it is clipped, where it may bend."""

    root: Node
    parts: tuple[Part, ...]
    reach: Window
    knots: tuple[float, ...]
    note: str


def rational(subject: Subject, error: float) -> Rational:
    """Fit quotients.

    Args:
        subject: The function.
        error: The maximum error wanted; the smallest degrees that reach it are taken.
    """
    options: list[tuple[Rational, float]] = []
    for most in (_FAR, _SOME):
        reach = subject.reach(error * _TAIL, most, _SOME)
        if not options or options[0][0].reach != reach:
            options.append(_with_reach(subject, error * _SHARE, reach))
            if options[-1][1] <= error * _SHARE:
                break
    return min(options, key=lambda option: option[1])[0]


def _with_reach(subject: Subject, error: float, reach: Window) -> tuple[Rational, float]:
    """Return the stand-in of a reach, and its largest error."""
    cuts = list(subject.bends)
    found: dict[tuple[float, float], Part] = {}
    while True:
        bounds = [reach[0], *cuts, reach[1]]
        stretches = list(itertools.pairwise(bounds))
        for place, (low, high) in enumerate(stretches):
            if (low, high) not in found:
                pinned = (place > 0, place < len(stretches) - 1)
                found[low, high] = _part(subject, low, high, pinned, error)
        parts = [found[stretch] for stretch in stretches]
        worst = max(parts, key=lambda part: part.error)
        if worst.error <= error or len(cuts) >= len(subject.bends) + _MAX_PARTS - 1:
            break
        inside = worst.low < 0 < worst.high and -worst.low < 20 * worst.high < -400 * worst.low
        cuts = sorted([*cuts, 0.0 if inside else _middle(worst.low, worst.high)])
        found = {key: part for key, part in found.items() if not set(key) & {worst.low, worst.high}}
    root, knots = _sum(subject, parts, reach)
    n = sum(part.fit is not None for part in parts)
    degrees = " and ".join(
        f"{part.degrees[0]}/{part.degrees[1]}" + (" in x^2" if part.symmetry else "")
        for part in parts
        if part.fit is not None
    )
    note = f"{n} quotient{'s' * (n != 1)} of degrees {degrees}" if n else "straight lines"
    return Rational(root, tuple(parts), reach, knots, note), worst.error


def _middle(low: float, high: float) -> float:
    return trees.rounded((low + high) / 2, 4)


def _sum(subject: Subject, parts: list[Part], reach: Window) -> tuple[Node, tuple[float, ...]]:
    """Add up the parts, and what goes on beyond them; also where the sum may bend."""
    low, high = reach
    slopes = [_outer_slope(subject, side, reach) for side in (0, 1)]
    # A straight outer part goes on as it is: one term for both.
    terms = [trees.const(_anchor(subject, parts))]
    if len(parts) > 1:
        first, last = parts[0], parts[-1]
        if first.fit is None and subject.ends[0].kind == "line":
            low, parts = first.high, parts[1:]
        if last.fit is None and subject.ends[1].kind == "line":
            high, parts = last.low, parts[:-1]
    terms += [part.root for part in parts]
    if slopes[0]:
        inner = trees.below(trees.add(trees.X, trees.const(-low)))
        terms.append(trees.mul(trees.const(slopes[0]), inner))
    if slopes[1]:
        inner = trees.above(trees.add(trees.X, trees.const(-high)))
        terms.append(trees.mul(trees.const(slopes[1]), inner))
    knots = {low, high, *(end for part in parts for end in (part.low, part.high))}
    return trees.total(terms), tuple(sorted(knots))


def _anchor(subject: Subject, parts: list[Part]) -> float:
    """Return the constant of the sum: the value at the first bend, to which the parts add."""
    if len(parts) == 1:
        return 0.0  # it holds its own constant
    return float(subject.value(np.array(parts[0].high)))


def _outer_slope(subject: Subject, side: int, reach: Window) -> float:
    end = subject.ends[side]
    if end.kind == "grows":
        return trees.rounded(float(subject.slope(np.array(reach[side]))))
    return end.slope


def _points(low: float, high: float, dense_at: float) -> Array:
    """Return points of a stretch, dense at its ends and around a place, ascending."""
    even = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, _N_POINTS))
    steps = np.geomspace(1e-3, max(1.0, high - low), _N_POINTS // 3)
    more = np.concatenate([even, dense_at + steps, dense_at - steps])
    return np.unique(np.round(more[(more >= low) & (more <= high)], 12))


def _part(
    subject: Subject, low: float, high: float, pinned: tuple[bool, bool], error: float
) -> Part:
    origin = low if pinned[0] else high if pinned[1] else 0.0
    x = _points(low, high, origin if low <= origin <= high else low)
    f = subject.value(x)
    base = float(subject.value(np.array(origin))) if any(pinned) else 0.0
    v = x - origin
    clipped = trees.add(trees.between(trees.X, low, high), trees.const(-origin))
    scale = max(1e-300, float(np.abs(f).max()))
    slope = float((f[-1] - f[0]) / (x[-1] - x[0]))
    if np.abs(f[0] + slope * (x - low) - f).max() <= _EXACT * scale:
        slope = _of_the_end(subject, slope)
        offset = 0.0 if any(pinned) else trees.rounded(float(f[0] - slope * low), 15)
        return Part(low, high, None, x, trees.line(slope, offset, clipped), 0.0)
    if not any(pinned) and low == -high:
        symmetric = _symmetric(subject, low, high, error)
        if symmetric is not None:
            return symmetric
    chord = slope if all(pinned) else 0.0
    weight = np.abs(v) if any(pinned) else np.ones_like(v)
    signed = v if any(pinned) else np.ones_like(v)
    if all(pinned):
        weight, signed = weight * (high - x), signed * (high - x)
    # A weight has to be positive; the sign of it goes to the other side.
    sign = np.sign(signed[len(x) // 2])
    problem = Problem(v, sign * (f - base - chord * v), weight)
    fit = _smallest(problem, error, MAX_NUMERATOR - sum(pinned))
    root = _quotient(fit, clipped)
    if any(pinned):
        root = trees.mul(clipped, root)
    if all(pinned):
        rest = trees.add(trees.mul(trees.const(-1.0), clipped), trees.const(high - low))
        root = trees.mul(rest, root)
        root = trees.add(trees.mul(trees.const(chord), clipped), root)
    return Part(low, high, fit, x, root, fit.error)


def _of_the_end(subject: Subject, slope: float) -> float:
    """Return the exact slope where a straight part is that of an end."""
    for end in subject.ends:
        if end.kind == "line" and abs(end.slope - slope) <= 1e-9 * (1 + abs(slope)):
            return end.slope
    return trees.rounded(slope, 12)


def _symmetric(subject: Subject, low: float, high: float, error: float) -> Part | None:
    """Fit what is even or odd, beside a line, as a quotient of x^2; None for other functions."""
    x = _points(0.0, high, 0.0)
    right, left = subject.value(x), subject.value(-x)
    even, odd = (right + left) / 2, (right - left) / 2
    noise = 1e-11 * max(1e-300, float(np.abs(right).max()), float(np.abs(left).max()))
    clipped = trees.between(trees.X, low, high)
    square = trees.Node("square", (clipped,))
    slope = trees.rounded(float(odd[-1] / high), 12)
    if np.abs(odd - slope * x).max() <= noise:
        fit = _smallest(Problem(x * x, even, np.ones_like(x)), error, MAX_NUMERATOR)
        line = trees.mul(trees.const(slope), clipped)
        root = trees.add(line, _quotient(fit, square))
        return Part(low, high, fit, x, root, fit.error, "even")
    middle = trees.rounded(float(even[0]), 12)
    if np.abs(even - middle).max() <= noise:
        fit = _smallest(Problem(x * x, odd, x), error, MAX_NUMERATOR)
        root = trees.mul(clipped, _quotient(fit, square))
        return Part(low, high, fit, x, trees.add(root, trees.const(middle)), fit.error, "odd")
    return None


def _smallest(problem: Problem, error: float, max_numerator: int) -> Fit:
    """Return the fit of the smallest degrees that reaches an error, or the best one there is."""
    best: Fit | None = None
    for total in range(max_numerator + MAX_DENOMINATOR + 1):
        for n, m in _degrees(total, max_numerator):
            near = best is not None and best.error <= _NEAR * error
            fit = minimax(problem, n, m, thorough=near)
            if fit is not None and (best is None or fit.error < best.error):
                best = fit
        if best is not None and best.error <= error:
            return best
    if best is None:
        raise ActsearchError("no quotient without a pole was found; try --approximate table")
    return best


@functools.cache
def _degrees(total: int, max_numerator: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs of degrees to try for a number of coefficients: nearly equal, or m = 0."""
    half = total // 2
    pairs = {(half, total - half), (total - half, half), (total - half + 1, half - 1)}
    if total <= 3:
        pairs.add((total, 0))
    return tuple(
        sorted((n, m) for n, m in pairs if 0 <= n <= max_numerator and 0 <= m <= MAX_DENOMINATOR)
    )


def _quotient(fit: Fit, variable: Node) -> Node:
    top, bottom = (
        trees.polynomial([trees.rounded(float(c), _DIGITS) for c in coefficients], variable)
        for coefficients in (fit.numerator, fit.denominator)
    )
    return trees.div(top, bottom)
