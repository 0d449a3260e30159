"""The density of what came into an activation in training, from the percentiles that are kept.

The percentiles of a layer are points of its distribution function; between them a monotone cubic
is drawn. Several layers and seeds are mixed, each counting the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NAME = re.compile(r"preactivation_p([0-9.]+)\[(\d{1,4})\]\Z")
_N_POINTS = 401
#: Percentiles that a picture reaches to, and how far it reaches at least and at most.
_ENDS = (0.1, 99.9)
_LEAST, _MOST = 3.0, 1e3
#: Bumps narrower than this share of the picture come from the drawing between percentiles.
_SMOOTHED = 1 / 80

#: A layer's distribution: values, and the share of it below each; both rise.
Layer = tuple[Array, Array]


@dataclass(frozen=True)
class Density:
    """A density on a grid that spans what a picture should show; ``is_measured`` or N(0, 1)."""

    x: Array
    values: Array
    is_measured: bool


def layers_of(metrics: Mapping[str, float]) -> dict[int, Layer]:
    """Return position -> distribution of the pre-activations of each layer in a training."""
    points: dict[int, dict[float, float]] = {}
    for name, value in metrics.items():
        if (match := _NAME.match(name)) and np.isfinite(value):
            points.setdefault(int(match[2]), {})[float(match[1])] = value
    return {position: layer for position in sorted(points) if (layer := _layer(points[position]))}


def _layer(points: Mapping[float, float]) -> Layer | None:
    shares = np.array(sorted(points))
    values = np.maximum.accumulate([points[share] for share in shares])
    # Of equal values the last share counts: the distribution jumps there.
    last = np.append(np.diff(values) > 0, True)
    values, shares = values[last], shares[last] / 100
    return (values, shares) if len(values) > 2 else None


def density(layers: Iterable[Layer]) -> Density:
    """Return the density of a mixture of layers; N(0, 1) where there are none."""
    layers = list(layers)
    if not layers:
        x = np.linspace(-_LEAST, _LEAST, _N_POINTS)
        return Density(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), is_measured=False)
    below = _mixture(layers)
    ends = np.sort(np.concatenate([values for values, _ in layers]))
    low, high = (float(np.interp(share / 100, below(ends), ends)) for share in _ENDS)
    low, high = max(min(low, -_LEAST), -_MOST), min(max(high, _LEAST), _MOST)
    x = np.linspace(low, high, _N_POINTS)
    slopes = np.maximum(np.gradient(below(x), x), 0.0)
    return Density(x, _smoothed(slopes), is_measured=True)


def _mixture(layers: Iterable[Layer]) -> Callable[[Array], Array]:
    """Return the distribution function of layers that count the same."""
    from scipy.interpolate import PchipInterpolator

    curves = [
        (PchipInterpolator(values, shares), values[0], values[-1]) for values, shares in layers
    ]
    return lambda x: np.mean([one(np.clip(x, low, high)) for one, low, high in curves], axis=0)


def _smoothed(values: Array) -> Array:
    width = int(len(values) * _SMOOTHED)
    kernel = np.exp(-0.5 * (np.arange(-3 * width, 3 * width + 1) / width) ** 2)
    return np.convolve(values, kernel / kernel.sum(), mode="same")
