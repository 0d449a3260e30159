"""How alike two functions are to a network that trains with them.

Networks see an activation through their pre-activations, which are near to normal at the start. So
two functions are near where their values and slopes agree under N(0, 1). Both are divided by the
root mean square of the values, which is what the gain of the initial weights does to a network; the
logarithm of that scale counts a little by itself. Weights are symmetric about zero, so f(x), f(-x),
-f(x) and -f(-x) train alike, and the nearest of the four counts.

A function that reads ``u`` or ``o`` too is a curve at each of a few values of these, and its scale
is that of all. Next to it, one of x alone is the same curve at each. Weights of ``u`` are symmetric
as well, so its order may be turned.

The weights were chosen on the record of one search on MNIST-1D, so that near functions score alike.
That curves under the density of pre-activations predict trained accuracy: Bingham and
Miikkulainen 2023.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actsearch.expressions.expression import Expression
from actsearch.expressions.fingerprint import RESOLUTION, grid, others
from actsearch.expressions.layered import Candidate, Layered

Array = NDArray[np.float64]

SCALE_WEIGHT = 0.3
_SLOPE_WEIGHT = 0.3
_STEP = 1e-3  # of the slopes' central differences
_LIMIT = 6.0  # beyond so many root mean squares a value is only "far out"
_N_POINTS = 64
#: So many curves at most are compared at once: more would not stay in the processor's cache.
_BLOCK = 64
#: Numbers in a curve: values and slopes at the points, four of them far out, and the scale.
WIDTH = 2 * (_N_POINTS + 4) + 1
#: Where the points stand for -x.
_TURNED = np.array([*range(_N_POINTS)][::-1] + [*range(_N_POINTS, _N_POINTS + 4)][::-1])
#: Where the further inputs stand in the curves of a function that reads them: ``u`` at quarters of
#: N(0, 1), ``o`` small and large, the same for u and -u.
_SLICES = (
    {"u": -1.15, "o": 0.5},
    {"u": -0.32, "o": 0.1},
    {"u": 0.32, "o": 0.1},
    {"u": 1.15, "o": 0.5},
)


def curve(expression: Candidate) -> Array:
    """Return what functions are compared by: values, slopes, and the logarithm of their scale.

    Parameters stand where trainings start them. What is not finite counts as far out.

    Returns:
        Shape (``WIDTH``,) for a function of x alone; for one that reads more as many such curves,
        one behind the other, as there are values of its further inputs; and of a formula for each
        group of layers one curve a group.
    """
    if isinstance(expression, Layered):
        return np.concatenate([curve(part) for part in expression.parts])
    if len(expression.inputs) == 1:
        return _curve(*_values(expression, {}))
    found = [
        _values(expression, {name: at[name] for name in expression.inputs[1:]}) for at in _SLICES
    ]
    scale = math.sqrt(sum(scale**2 for _, scale in found) / len(found))
    return np.concatenate([_curve(both, scale) for both, _ in found])


def curves(expressions: Sequence[Candidate]) -> Array:
    """Return the curves of several functions, shape (n, width of the widest)."""
    found = [curve(expression) for expression in expressions]
    width = max(map(len, found), default=WIDTH)
    return np.array([widened(one, width) for one in found]).reshape(-1, width)


def widened(known: Array, width: int) -> Array:
    """Return curves (..., w) as wide as ``width``: what reads x alone is the same at each slice."""
    return known if known.shape[-1] == width else np.tile(known, width // known.shape[-1])


def _values(expression: Expression, at: Mapping[str, float]) -> tuple[Array, float]:
    """Return values and slopes at given further inputs, and the values' root mean square."""
    with np.errstate(all="ignore"):
        values, ahead, behind = expression.evaluate(_around(), at).reshape(3, -1)
        slopes = (ahead - behind) / (2 * _STEP)
        scale = float(np.sqrt(np.mean(np.clip(values[:_N_POINTS], -1e9, 1e9) ** 2)))
    return np.concatenate([values, slopes]), scale


def _curve(both: Array, scale: float) -> Array:
    scale = scale if math.isfinite(scale) and scale > 1e-12 else 1e-12
    both = np.clip(both / scale, -_LIMIT, _LIMIT)
    both[np.isnan(both)] = _LIMIT
    return np.append(both, math.log(scale))


@functools.cache
def _points() -> Array:
    """Return quantiles of N(0, 1), symmetric about 0, and two points far out on either side."""
    from scipy.special import ndtri

    quantiles = ndtri((np.arange(_N_POINTS) + 0.5) / _N_POINTS)
    return np.concatenate([quantiles, [-4.0, -3.2, 3.2, 4.0]])


@functools.cache
def _around() -> Array:
    """Return the points, and those a step ahead and a step behind, one behind the other."""
    points = _points()
    return np.concatenate([points, points + _STEP, points - _STEP])


def _mirrored(one: Array) -> list[Array]:
    """Return the curves (slices, ``WIDTH``) of f(x), f(-x), -f(x), -f(-x); of f(., -u) as well."""
    n = _N_POINTS + 4
    values, slopes, scale = one[:, :n], one[:, n:-1], one[:, -1:]
    images = [
        np.concatenate([sign * along, sign * way * across, scale], axis=1)
        for along, across, way in (
            (values, slopes, 1.0),
            (values[:, _TURNED], slopes[:, _TURNED], -1.0),
        )
        for sign in (1.0, -1.0)
    ]
    # Groups of layers are no slices: what stands first there does not stand last.
    return [*images, *(image[::-1] for image in images)] if len(one) == len(_SLICES) else images


def squared_distances(known: Array, one: Array, scale_weight: float = SCALE_WEIGHT) -> Array:
    """Return squared distances of curves to ``one`` or the nearest of its mirror images.

    Args:
        known: shape (n, width), a multiple of ``WIDTH``.
        one: shape (width,), of the same width or another (``widened``).
        scale_weight: what the logarithm of the scale counts; with 0 a factor in front does not.
    """
    width = max(known.shape[-1], len(one))
    known = widened(known, width).reshape(len(known), width // WIDTH, WIDTH)
    one = widened(one, width).reshape(-1, WIDTH)
    mirrored = np.array(_mirrored(one))
    blocks = [known[k : k + _BLOCK] for k in range(0, max(1, len(known)), _BLOCK)]
    found = [np.min(_squares(block, mirrored, scale_weight), axis=0) for block in blocks]
    return found[0] if len(found) == 1 else np.concatenate(found)


def weighted(known: Array, scale_weight: float = SCALE_WEIGHT) -> Array:
    """Return curves (..., width) as points, whose squared distance is that of the curves.

    It agrees with ``squared_distances`` but for rounding, and for mirror images (``images``).
    """
    return known * _roots(known.shape[-1] // WIDTH, scale_weight).ravel()


def images(one: Array) -> Array:
    """Return the mirror images of a curve, shape (n, width), its own among them."""
    return np.array(_mirrored(one.reshape(-1, WIDTH))).reshape(-1, len(one))


def _roots(n_slices: int, scale_weight: float) -> Array:
    """Return what the numbers of curves are multiplied by to be points, (n_slices, ``WIDTH``)."""
    n = _N_POINTS + 4
    weights = np.concatenate([[1 / n] * n, [_SLOPE_WEIGHT / n] * n, [scale_weight]])
    return np.tile(np.sqrt(weights / n_slices), (n_slices, 1))


def embedded(
    expressions: Sequence[Candidate], beside: Candidate, scale_weight: float = SCALE_WEIGHT
) -> Array:
    """Return functions as points, shape (n, width): near in space where they are alike.

    The squared distance of two points is that of ``squared_distances``, but for mirror images: each
    function is turned once, to the image that is nearest to ``beside``. ``scale_weight`` is as
    there.
    """
    found = curves([*expressions, beside])
    points = weighted(found, scale_weight)
    turned = []
    for one in found[:-1]:
        candidates = weighted(images(one), scale_weight)
        apart = ((candidates - points[-1]) ** 2).sum(axis=1)
        turned.append(candidates[np.argmin(apart)])
    return np.array(turned).reshape(len(turned), -1)


def _squares(known: Array, mirrored: Array, scale_weight: float) -> Array:
    """Return squared distances of (n, slices, ``WIDTH``) to (images, slices, ``WIDTH``)."""
    n = _N_POINTS + 4
    squares = (known - mirrored[:, None]) ** 2
    values = np.add.reduce(squares[..., :n], axis=-1)
    slopes = np.add.reduce(squares[..., n:-1], axis=-1)
    found = values / n + _SLOPE_WEIGHT * (slopes / n) + scale_weight * squares[..., -1]
    n_slices = found.shape[-1]
    return found[..., 0] if n_slices == 1 else np.mean(np.moveaxis(found, -1, 0), axis=0)


def multiple_of(expression: Candidate, rivals: Sequence[Candidate]) -> int | None:
    """Return the place of the one of ``rivals`` that this is a multiple of, or None.

    Judged as functions are told apart, on the grid of their fingerprints. Mirror images count as
    the function. A factor in front, learned or not, acts as a learning rate does: at the start the
    gain of the weights takes it out, and then steps of the optimiser are larger for it.
    """
    return next((at for at, one in enumerate(rivals) if _is_multiple(expression, one)), None)


def _is_multiple(expression: Candidate, of: Candidate) -> bool:
    if isinstance(expression, Layered) or isinstance(of, Layered):
        return False
    if expression.inputs != of.inputs or not _learn_alike(expression, of):
        return False
    points = grid()
    given = others(expression, points)
    names = sorted({*expression.parameters, *of.parameters})
    for setting in (1.0, 0.7) if names else (1.0,):  # of a learned factor it is one at any value
        fixed: dict[str, ArrayLike] = {
            name: setting + 0.1 * rank for rank, name in enumerate(names)
        }
        fixed |= {name: given[name] for name in expression.inputs[1:]}
        with np.errstate(all="ignore"):
            values = expression.evaluate(points, _known_to(expression, fixed))
            images = [
                of.evaluate(sign * points, _known_to(of, fixed) | turned)
                for sign in (1, -1)
                for turned in _turned(given)
            ]
            if not any(_is_proportional(values, image) for image in images):
                return False
    return True


def _learn_alike(expression: Expression, of: Expression) -> bool:
    """Tell whether what both learn starts at the same values and is shared in the same way."""
    both = [name for name in expression.parameters if name in of.parameters]
    same_starts = all(expression.start_of(name) == of.start_of(name) for name in both)
    return same_starts and (not both or expression.per_channel == of.per_channel)


def _turned(given: Mapping[str, Array]) -> list[dict[str, ArrayLike]]:
    """Return u as it is given, and the other way round; nothing where it is not read."""
    return [{}, {"u": -given["u"]}] if "u" in given else [{}]


def _known_to(expression: Expression, fixed: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
    named = (*expression.inputs, *expression.parameters)
    return {name: value for name, value in fixed.items() if name in named}


def _is_proportional(values: Array, image: Array) -> bool:
    finite = np.isfinite(image)
    if not np.array_equal(finite, np.isfinite(values)) or not values[finite].any():
        return False
    values, image = values[finite], image[finite]
    square = float(image @ image)
    if not (math.isfinite(square) and square > 0):
        return False
    scaled = float(values @ image) / square * image
    allowed = (np.median(np.abs(values)) + np.abs(values)) / RESOLUTION
    return bool((np.abs(values - scaled) <= allowed).all())


def nearly_multiple_of(
    expression: Candidate, rivals: Sequence[Candidate], radius: float
) -> int | None:
    """Return the place of the nearest of ``rivals``, a factor aside, within ``radius``, or None."""
    if expression.parameters:
        return None
    # A formula for each group of layers has no slices to be compared in.
    alike = [
        place
        for place, rival in enumerate(rivals)
        if not isinstance(expression, Layered) or rival.inputs == ("x",)
    ]
    squares = squared_distances(
        curves([rivals[place] for place in alike]), curve(expression), scale_weight=0.0
    )
    nearest = int(np.argmin(squares)) if len(squares) else 0
    return alike[nearest] if len(squares) and squares[nearest] < radius**2 else None


def unlike(expressions: Sequence[Candidate], n: int, radius: float) -> list[int]:
    """Return the places of ``n`` of the expressions whose shapes differ, as early as possible.

    One that is nearer than ``radius`` to an earlier one, but for a factor, is left out unless there
    are too few without it. One with parameters, which are learned, is like no other.
    """
    chosen: list[int] = []
    shapes = curves(expressions)
    for place, expression in enumerate(expressions):
        rivals = [other for other in chosen if not expressions[other].parameters]
        squares = squared_distances(shapes[rivals], shapes[place], scale_weight=0.0)
        if len(chosen) < n and (expression.parameters or not (squares < radius**2).any()):
            chosen.append(place)
    left = [place for place in range(len(expressions)) if place not in chosen]
    return sorted(chosen + left[: n - len(chosen)])
