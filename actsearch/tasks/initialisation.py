"""Initial weights that suit the activation: He's formula with a measured gain.

He et al. (2015, eq. 10) keep the forward variance of a ReLU network at one by weights of variance
2 / fan_in, where 2 = 1 / E[relu(z)^2] for a standard normal z. For another activation f the same
derivation gives gain^2 = 1 / E[f(z)^2]. Without it a candidate would be judged by a gain meant for
ReLU. The normal draws beneath the gain depend on the seed alone, so all candidates start from the
same weights up to one factor a layer.

A network whose layers are not separated by the activation under judgement says its own gain.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from actsearch.tasks.networks import MakeActivation

GAIN_LIMITS = (1 / 32, 32.0)  # beyond these f is close to zero or explodes; training will tell

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def measured_gain(activation: nn.Module) -> float:
    """Return 1 / sqrt(E[f(z)^2]) for a standard normal z, within ``GAIN_LIMITS``.

    The expectation is a sum over an even grid of 6,001 points in [-6, 6]: right to 1e-5 for smooth
    functions and for kinks alike, where Gauss-Hermite quadrature is not. Points where f is not
    finite are left out.

    Args:
        activation: elementwise module, with its parameters at their initial values.
    """
    z = torch.linspace(-6.0, 6.0, 6001, dtype=torch.float64)
    with torch.no_grad():
        values = activation(z.float()).double().cpu()
    density = torch.exp(-0.5 * z**2)
    finite = torch.isfinite(values)
    if not finite.any():
        return 1.0
    moment = float((density * values**2)[finite].sum() / density[finite].sum())
    low, high = GAIN_LIMITS
    if moment <= 1 / high**2:
        return high
    return max(low, 1 / math.sqrt(moment))


def initial_gain(network: nn.Module, make_activation: MakeActivation) -> float:
    """Return the gain that a network says by its attribute ``initial_gain``, else the measured one.

    Args:
        network: as it was built.
        make_activation: builds an activation to measure.
    """
    own = getattr(network, "initial_gain", None)
    return measured_gain(make_activation()) if own is None else float(own)


def initialise(network: nn.Module, gain: float, generator: torch.Generator) -> None:
    """Draw the weights of linear and convolutional layers, in the order that they were registered.

    The first such layer sees standardised inputs and gets weights N(0, 1 / fan_in); all others see
    activations and get gain times that. Biases become zero. Other modules stay as they were built.

    Args:
        network: changed in place, on the CPU.
        gain: from ``initial_gain``.
        generator: a CPU generator; draws don't depend on the gain.
    """
    first = True
    for layer in network.modules():
        if not isinstance(layer, _WEIGHTED):
            continue
        fan_in = layer.weight[0].numel()
        draws = torch.randn(layer.weight.shape, generator=generator)
        with torch.no_grad():
            layer.weight.copy_(draws * ((1.0 if first else gain) / math.sqrt(fan_in)))
            if layer.bias is not None:
                layer.bias.zero_()
        first = False
