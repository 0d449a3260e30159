"""Initial weights that suit the activation: He's formula with a measured gain.

He et al. (2015, eq. 10) keep the forward variance of a ReLU network at one by weights of variance
2 / fan_in, where 2 = 1 / E[relu(z)^2] for a standard normal z. For another activation f the same
derivation gives gain^2 = 1 / E[f(z)^2]. Without it a candidate would be judged by a gain meant for
ReLU. The normal draws beneath the gain depend on the seed alone, so all candidates start from the
same weights up to one factor a layer. Second projections (``u``) draw from a generator of their
own, so that a formula that reads one shares all other weights with those that don't.

An overlap ``o`` has no distribution to integrate over: how large it is depends on the inputs and
the weights together. A network whose formula reads it is measured instead, layer by layer on its
first batch (after Mishkin and Matas 2016, All You Need Is a Good Init).

A network whose layers are not separated by the activation under judgement says its own gain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from actsearch.tasks.units import LayeredFactory, MakeActivation, Unit

GAIN_LIMITS = (1 / 32, 32.0)  # beyond these f is close to zero or explodes; training will tell

#: The same where o is read: the overlap of many weights with few features is small by itself.
MEASURED_LIMITS = (1 / 4096, 4096.0)

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def measured_gain(activation: nn.Module) -> float:
    """Return 1 / sqrt(E[f(z)^2]) for a standard normal z, within ``GAIN_LIMITS``.

    The expectation is a sum over an even grid of 6,001 points in [-6, 6]: right to 1e-5 for smooth
    functions and for kinks alike, where Gauss-Hermite quadrature is not. For f(x, u) the two are
    independent normals, as projections by independent weights are, on a grid of 601 x 601: right
    to 1e-3. Points where f is not finite are left out.

    Args:
        activation: elementwise module, with its parameters at their initial values; it may say
            ``inputs``, ("x",) or ("x", "u").
    """
    read = getattr(activation, "inputs", ("x",))
    z = torch.linspace(-6.0, 6.0, 6001 if len(read) == 1 else 601, dtype=torch.float64)
    density = torch.exp(-0.5 * z**2)
    if len(read) == 1:
        points = [z]
    else:
        points = [one.reshape(-1) for one in torch.meshgrid(z, z, indexing="ij")]
        density = (density[:, None] * density).reshape(-1)
    given = [one.float() for one in points]
    if getattr(activation, "n_channels", None) is not None:  # of a single channel
        given = [one[:, None] for one in given]
    with torch.no_grad():
        values = activation(*given).double().cpu().reshape(-1)
    finite = torch.isfinite(values)
    if not finite.any():
        return 1.0
    moment = float((density * values**2)[finite].sum() / density[finite].sum())
    low, high = GAIN_LIMITS
    if moment <= 1 / high**2:
        return high
    return max(low, 1 / math.sqrt(moment))


def gains_behind(
    make_activation: MakeActivation, activations: Sequence[nn.Module]
) -> dict[int, float]:
    """Return the gain behind each activation module, by its id, where they are not all alike.

    Args:
        make_activation: what built them.
        activations: in the order in which they were built.
    """
    if not isinstance(make_activation, LayeredFactory):
        return {}
    gains = [measured_gain(place.sample()) for place in make_activation.places]
    return {id(module): gain for module, gain in zip(activations, gains, strict=False)}


def own_gain(network: nn.Module) -> float | None:
    """Return the gain that a network says by its attribute ``initial_gain``, or None."""
    own = getattr(network, "initial_gain", None)
    return None if own is None else float(own)


def initialise(
    network: nn.Module,
    gain: float,
    generator: torch.Generator,
    second: torch.Generator | None = None,
    input_scale: float = 1.0,
    behind: Mapping[int, float] | None = None,
) -> None:
    """Draw the weights of linear and convolutional layers, in the order that they were registered.

    The first such layer sees the inputs of the task and gets weights N(0, 1 / fan_in); all others
    see activations and get gain times that. Biases become zero. Other modules stay as they were
    built. The second projection of a ``Unit`` gets the factor of its first.

    Args:
        network: changed in place, on the CPU.
        gain: from ``initial_gain``.
        generator: a CPU generator; draws don't depend on the gain.
        second: a CPU generator for second projections; None where there are none.
        input_scale: root mean square of the inputs, which the first layer's weights are divided
            by; 1 for standardised ones.
        behind: gains that hold from an activation module on, by its id, to the next one in the
            order of registration; from ``gains_behind``.

    Raises:
        ValueError: there are second projections, and no generator for them.
    """
    seconds = {
        id(one.projection): one.second
        for one in network.modules()
        if isinstance(one, Unit) and one.second is not None
    }
    if seconds and second is None:
        raise ValueError("second projections need a generator of their own")
    factor, theirs = 1.0 / input_scale, {id(layer) for layer in seconds.values()}
    for layer in network.modules():
        if behind and id(layer) in behind:
            factor = gain = behind[id(layer)]
        if not isinstance(layer, _WEIGHTED) or id(layer) in theirs:
            continue
        _draw(layer, factor, generator)
        if id(layer) in seconds:
            _draw(seconds[id(layer)], factor, second)
        factor = gain


def _draw(layer: nn.Module, factor: float, generator: torch.Generator | None) -> None:
    weight, bias = layer.get_parameter("weight"), getattr(layer, "bias", None)
    draws = torch.randn(weight.shape, generator=generator)
    with torch.no_grad():
        weight.copy_(draws * (factor / math.sqrt(weight[0].numel())))
        if bias is not None:
            bias.zero_()


@torch.no_grad()
def scale_to_batch(network: nn.Module, inputs: Tensor) -> None:
    """Divide the weights of each layer after the first by the root mean square of what it is given.

    Done in one pass, from the first layer to the last, so that each is measured behind layers that
    are scaled already. Where no overlap is read, ``initialise`` with the measured gain does the
    same in expectation.

    Args:
        network: initialised with gain 1; its weights are changed in place.
        inputs: a batch.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _WEIGHTED)]
    first: list[Tensor] = []

    def scale(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        if not first:
            first.append(given[0])
        if given[0] is first[0]:  # the projections that see the inputs
            return
        low, high = MEASURED_LIMITS
        size = float(given[0].double().square().mean().sqrt())
        factor = min(max(1 / size, low), high) if size > 0 and math.isfinite(size) else 1.0
        layer.get_parameter("weight").mul_(factor)

    handles = [layer.register_forward_pre_hook(scale) for layer in layers]
    was_training = network.training
    try:
        network.eval()(inputs)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
