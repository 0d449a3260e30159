"""What becomes of a signal in a deep network of a function, with and without its gain: measured.

A formula meets a user's network at its own scale. The search trained it behind weights drawn with
its own gain; torch draws linear layers from a uniform distribution of variance 1/(3 fan_in),
whatever comes before them. Both are tried here on a random network, in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from actsearch.export.activation import Activation
from actsearch.export.text import wrapped
from actsearch.expressions import Expression

N_LAYERS, WIDTH, _BATCH, _DRAWS = 10, 256, 64, 3
_DEFAULT = 1 / math.sqrt(3)

Array = NDArray[np.float64]


def sentence(activation: Activation) -> str:
    """Say what happens with ``init_`` and without it, as measured; or that nothing can be said."""
    if activation.gain is None:
        text = (
            "This function reads the overlap of inputs and weights, so it has no gain of its own: "
            "the search measured each layer on a first batch."
        )
        return wrapped(text, "    ", "").strip()
    own = measured(activation.expression, activation.derivatives, activation.gain)
    default = measured(activation.expression, activation.derivatives, _DEFAULT)
    text = (
        f"Measured in a random network of {N_LAYERS} layers of {WIDTH} units, in the weights of "
        f"init_: {_said(own)}. In the weights that torch draws by itself: {_said(default)}. Where "
        "these are far from 1, a network learns slowly, or not at all, unless it normalises."
    )
    return wrapped(text, "    ", "").strip()


def _said(ratios: tuple[float, float]) -> str:
    """Say how signal and gradient change; those that overflow, or die, have no ratio."""
    if not all(math.isfinite(one) and one > 0 for one in ratios):
        return "the signal or the gradient grows beyond all numbers, or dies"
    signal, gradient = ratios
    return (
        f"the signal behind the last layer is {signal:.2g} times that of the first, the gradient "
        f"at the first {gradient:.2g} times that at the last"
    )


def measured(
    expression: Expression, derivatives: Mapping[str, Expression], gain: float
) -> tuple[float, float]:
    """Return how signal and gradient change through a random network, as ratios of their sizes.

    Args:
        expression: The function between the layers.
        derivatives: By its inputs.
        gain: Weights are normal of deviation ``gain/sqrt(fan_in)``, biases 0; those of the first
            layer, which sees standard normal data, of ``1/sqrt(fan_in)``.

    Returns:
        Root mean square of the activations behind the last layer over that behind the first; of
        the gradient at the first layer's activations over that at the last's. Means over draws.
    """
    with np.errstate(all="ignore"):
        ratios = [_once(expression, derivatives, gain, seed) for seed in range(_DRAWS)]
        signal, gradient = np.exp(np.mean(np.log(ratios), axis=0))
    return float(signal), float(gradient)


def _once(
    expression: Expression, derivatives: Mapping[str, Expression], gain: float, seed: int
) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    inputs = expression.inputs
    h: Array = random.standard_normal((_BATCH, WIDTH))
    layers, sizes = [], []
    with np.errstate(all="ignore"):
        for number in range(N_LAYERS):
            scale = (1.0 if number == 0 else gain) / math.sqrt(WIDTH)
            weights = {name: scale * random.standard_normal((WIDTH, WIDTH)) for name in inputs}
            seen = {name: h @ weight for name, weight in weights.items()}
            others = {name: seen[name] for name in inputs[1:]}
            h = expression.evaluate(seen["x"], others)
            slopes = {name: derivatives[name].evaluate(seen["x"], others) for name in inputs}
            layers.append((weights, slopes))
            sizes.append(_size(h))
        step: Array = random.standard_normal(h.shape)
        first = _size(step)
        for weights, slopes in reversed(layers[1:]):
            parts = [(step * slopes[name]) @ weights[name].T for name in inputs]
            step = np.sum(parts, axis=0)
        return float(sizes[-1] / sizes[0]), float(_size(step) / first)


def _size(values: Array) -> np.float64:
    size: np.float64 = np.sqrt(np.mean(values**2))
    return size
