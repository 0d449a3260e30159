"""Networks made deeper: a factory that takes the number of its activation layers as ``depth``."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable

from torch import nn

from actsearch.errors import BadInput, shorten
from actsearch.tasks.network_task import NetworkTask
from actsearch.tasks.units import MakeNetwork

#: Deeper than this nothing without normalisation or short cuts trains, and to build it takes long.
MAX_DEPTH = 256


def takes_depth(make_network: MakeNetwork) -> bool:
    """Tell whether a network can be built of any depth, by an argument ``depth``."""
    try:
        return "depth" in inspect.signature(make_network).parameters
    except (TypeError, ValueError):
        return False


def deepened(task: NetworkTask, depth: int) -> NetworkTask:
    """Return ``task`` with a network of ``depth`` activation layers.

    Raises:
        BadInput: its network takes no depth, or not this one.
    """
    if not takes_depth(task.network):
        raise BadInput(
            f"the network of task '{task.name}' takes no depth; take another task, such as "
            "mnist1d-mlp or mnist-mlp, or let the network of your own take an argument depth, how "
            "many activation layers it is to have"
        )
    if not 1 <= depth <= MAX_DEPTH:
        raise BadInput(f"a depth must be from 1 to {MAX_DEPTH} layers, got {depth}")
    make_network: Callable[..., nn.Module] = task.network
    deeper = dataclasses.replace(task, network=functools.partial(make_network, depth=depth))
    try:
        n_places = deeper.n_places  # built once, to see that it can be
    except Exception as error:
        raise BadInput(
            f"the network of task '{task.name}' can't be built with depth {depth}: "
            f"{shorten(str(error), 200)}"
        ) from error
    if not n_places:
        raise BadInput(f"the network of task '{task.name}' has no activation at depth {depth}")
    return deeper
