"""All properties of a formula, put together."""

from __future__ import annotations

import functools
import math
import threading

import numpy as np
from numpy.typing import NDArray

from actsearch.expressions.analysis import extent, places, shape
from actsearch.expressions.analysis.breaks import breaks
from actsearch.expressions.analysis.course import CURVATURE, MONOTONE, pieces
from actsearch.expressions.analysis.ends import ends
from actsearch.expressions.analysis.grid import GRID, LIMIT_POINTS, SATURATED
from actsearch.expressions.analysis.hazards import hazards
from actsearch.expressions.analysis.mean_field import mean_field
from actsearch.expressions.analysis.moments import moments
from actsearch.expressions.analysis.sample import about, sample, steep_places
from actsearch.expressions.analysis.stretches import share, stretches
from actsearch.expressions.analysis.subject import Subject
from actsearch.expressions.analysis.tails import tails
from actsearch.expressions.analysis.value import NOT_COMPUTED, Analysis, End, Interval, Saturation
from actsearch.expressions.cost import BASE, modelled_cost, operation_counts
from actsearch.expressions.expression import Expression, parse
from actsearch.expressions.known import KNOWN

Array = NDArray[np.float64]

_ALONE = threading.Lock()
#: How far into a stretch a point lies that stands for it.
_SHARE = 0.381966
#: Of a mean square, what the rounding of its sum and of the square of the mean may come to.
_ROUNDING = 64 * np.finfo(float).eps


@functools.lru_cache(maxsize=256)
def analyze(expression: Expression) -> Analysis:
    """Return the properties of an expression, as ``Analysis`` defines them.

    Sources: He et al. 2015 (the gain), Poole et al. 2016 and Schoenholz et al. 2017
    (``MeanField``), Gulcehre et al. 2016 (``Saturation``). Any thread may call it; one is served at
    a time.
    """
    # The precision of mpmath belongs to the process, not to a thread; values may be infinite, and
    # so are their differences.
    with _ALONE, np.errstate(all="ignore"):
        return _analyze(expression)


def _analyze(expression: Expression) -> Analysis:
    subject = Subject(expression)
    f, d = subject.value(GRID), subject.slope(GRID)
    both = ends(subject)
    kinks, steps = breaks(subject)
    extrema = places.extrema(subject, d, kinks)
    bends = [kink.x for kink in kinks]
    broken = [*bends, *steps]
    steep = steep_places(subject, f, np.array(broken, dtype=np.float64))
    x = sample(steep)
    course = pieces(
        subject, subject.derivative, MONOTONE, x, [*(e.x for e in extrema), *broken], steps
    )
    second = subject.second
    curvature = pieces(subject, second, CURVATURE, x, broken, broken) if second else ()
    seen = shape.look(subject)
    whole, attained, how = extent.whole_range(subject, f, both, (extrema, kinks, steps))
    dead = _true(stretches(lambda at: subject.slope(at) == 0, x), subject, subject.derivative)
    empty = _true(stretches(lambda at: subject.value(at) == 0, x), subject, subject.function)
    saturated = stretches(lambda at: np.abs(subject.slope(at)) < SATURATED, x)
    far = tails(subject)
    normal = moments(subject, broken, far, about(steep))
    symmetry = shape.symmetry(seen)
    odd, even = normal.parts(symmetry)
    saturation = _saturation(subject, both, dead, saturated)
    distance, known = _nearest(f)
    return Analysis(
        formula=str(expression),
        derivative=str(expression.derivative()),
        latex=expression.latex(),
        size=expression.size,
        complexity=expression.complexity,
        undefined_share=float(np.mean(~np.isfinite(f))),
        range=whole,
        range_attained=attained,
        range_how=how,
        window_range=extent.window_range(f),
        limits=(both[0].limit, both[1].limit),
        ends=both,
        zeros=places.zeros(subject, f, extrema),
        extrema=extrema,
        kinks=kinks,
        steps=steps,
        symmetry=symmetry,
        odd_share=odd,
        even_share=even,
        monotone=shape.monotone(seen),
        pieces=course,
        convexity=shape.convexity(curvature, course, kinks, both, seen.is_whole and not steps)
        if second
        else NOT_COMPUTED,
        curvature=curvature,
        slope_at_0=float(subject.slope(0.0)),
        lipschitz=shape.lipschitz(subject, x, both, kinks, steps),
        saturation=saturation,
        saturated_share=saturation.share,
        dead=dead,
        dead_share=share(dead),
        sparsity=share(empty),
        mean=normal.mean,
        variance=_variance(normal.square, normal.mean),
        mean_slope=normal.slope,
        slope_variance=_variance(normal.squared_slope, normal.slope),
        mean_squared_slope=normal.squared_slope,
        centred=normal.centred(),
        gain=normal.gain,
        mean_field=mean_field(subject, normal, kinks, far),
        nearest_known=known,
        nearest_distance=distance,
        operations=sum(n for op, n in operation_counts(expression).items() if op != BASE),
        modelled_ns=modelled_cost(expression),
        hazards=hazards(subject),
    )


def _variance(square: float, mean: float) -> float:
    """Return the difference of the two; 0 where rounding alone could make it."""
    difference = square - mean * mean
    if not math.isfinite(difference):
        return difference
    return difference if difference > _ROUNDING * square else 0.0


def _saturation(
    subject: Subject,
    both: tuple[End, End],
    dead: tuple[Interval, ...],
    saturated: tuple[Interval, ...],
) -> Saturation:
    words = []
    for end, side in zip(both, (-1, 1), strict=True):
        flat = math.isfinite(end.value) and _is_flat(subject, side)
        hard = end.reached or any(side * edge == math.inf for one in dead for edge in one)
        words.append(("hard" if hard else "soft") if flat else "no")
    return Saturation(words[0], words[1], saturated, share(saturated))


def _is_flat(subject: Subject, side: int) -> bool:
    """Tell whether slopes far out are small; true ones where those of float64 are not finite."""
    slopes = subject.slope(side * LIMIT_POINTS)
    if not np.isfinite(slopes).all():
        slopes = np.array([float(subject.exact_slope(side * x)) for x in LIMIT_POINTS[:, 0]])
    return bool((np.abs(slopes) < SATURATED).all())


def _true(
    intervals: tuple[Interval, ...], subject: Subject, function: Expression
) -> tuple[Interval, ...]:
    """Return the stretches on which a function is 0 and not but too small for a number."""
    return tuple(one for one in intervals if subject.vanishes(function, _inside(*one)))


def _inside(low: float, high: float) -> float:
    """Return a point of a stretch: 1 from the end of one that has one; else none like its middle.

    In the middle of where exp(-1/x**2) is too small for a number lies the one point where it is 0.
    """
    if math.isfinite(low) and math.isfinite(high):
        return low + _SHARE * (high - low)
    return high - 1 if math.isfinite(high) else low + 1 if math.isfinite(low) else 1.0


@functools.cache
def _zoo() -> tuple[tuple[str, Array], ...]:
    return tuple((name, parse(formula).evaluate(GRID)) for name, formula in KNOWN.items())


def _nearest(f: Array) -> tuple[float, str]:
    """Return the smallest root-mean-square distance under N(0, 1) to a known function.

    Of two names of one function it is the one that the zoo lists first, as in a search.
    """
    density = np.exp(-GRID * GRID / 2)
    density /= density.sum()
    distances = [
        (float(np.sqrt(np.sum(density * (f - values) ** 2))), name) for name, values in _zoo()
    ]
    finite = [pair for pair in distances if math.isfinite(pair[0])]
    return min(finite, key=lambda pair: pair[0]) if finite else (math.inf, "none")
