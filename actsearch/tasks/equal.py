"""Networks of equally many parameters: narrower ones for formulas that need a second projection.

With ``u`` every layer has twice the weights, so a gain may be that of a larger network. Under
"equal parameters" such a formula trains a network whose hidden layers are all narrower by one
factor: the largest, of 1/1024, 2/1024 ... 1, with which the network has at most as many parameters
as the plain one has with an activation that learns nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import torch
from torch import nn

from actsearch.errors import BadInput
from actsearch.tasks.units import MakeActivation, MakeNetwork

_STEPS = 1024


def takes_width(make_network: MakeNetwork) -> bool:
    """Tell whether a network can be built narrower, by an argument ``width``."""
    try:
        return "width" in inspect.signature(make_network).parameters
    except (TypeError, ValueError):
        return False


def narrowed(make_network: Callable[..., nn.Module], width: float) -> MakeNetwork:
    """Return what builds a network whose hidden layers are ``width`` times as wide."""
    return functools.partial(make_network, width=width)


def n_parameters(network: nn.Module) -> int:
    """Return how many numbers a network learns, those of its activations included."""
    return sum(parameter.numel() for parameter in network.parameters())


def equal_width(make_network: MakeNetwork, make_activation: MakeActivation) -> float:
    """Return the factor on the widths that makes a network no larger than the plain one.

    Args:
        make_network: takes ``width``; the more of it, the more parameters.
        make_activation: of the formula.

    Raises:
        BadInput: not even the narrowest network is small enough.
    """
    allowed = _count(make_network, nn.Identity, 1.0)
    fits, too_wide = 0, _STEPS + 1
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if _count(make_network, make_activation, middle / _STEPS) <= allowed:
            fits = middle
        else:
            too_wide = middle
    if not fits:
        raise BadInput(
            f"no network is narrow enough to have as few parameters ({allowed:,}) with a second "
            "projection as the plain one; leave out @equal-parameters"
        )
    return fits / _STEPS


def _count(make_network: MakeNetwork, make_activation: MakeActivation, width: float) -> int:
    with torch.random.fork_rng(devices=[]):
        return n_parameters(narrowed(make_network, width)(make_activation))
