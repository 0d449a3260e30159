"""What becomes of the layers while a network learns: measures of each at steps along the way.

All are taken on the same validation samples, so that one step can be held against another. Nothing
of it reaches a score: weights, random state and the batches of the training stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from actsearch.tasks.feed import EVALUATION_BATCH, Feed, autocast
from actsearch.tasks.goals import Goal
from actsearch.tasks.signal import LayerSignal, Probe, SignalLimits, probing
from actsearch.tasks.training import Observer

#: Next to nothing, as a share of the root mean square of a layer's outputs.
NEAR_ZERO = 1e-3

#: A training that is looked into goes on where others would be given up: that is what is looked at.
NO_LIMITS = SignalLimits(
    dead_units=math.inf,
    variation=-math.inf,
    least_gradient_ratio=-math.inf,
    most_gradient_ratio=math.inf,
)


@dataclass(frozen=True)
class LayerLook:
    """One activation layer at one step, on one batch.

    Attributes:
        position: which activation, in the order in which they were built.
        dead_units: share of units (channels) whose inputs get no gradient from any sample.
        saturated: share of entries with |f'| < 0.01, of those that a gradient reaches; for a
            function of several inputs with all its derivatives below. NaN where none is reached.
        gradient: root mean square, over samples and entries, of the gradients of a sample's loss
            with respect to the outputs.
        output_mean: mean of the outputs.
        output_deviation: their standard deviation.
        zeros: share of the outputs that are exactly 0.
        near_zero: share of those below a thousandth of their root mean square, zeros among them.
    """

    position: int
    dead_units: float
    saturated: float
    gradient: float
    output_mean: float
    output_deviation: float
    zeros: float
    near_zero: float


MEASURES = tuple(field.name for field in fields(LayerLook) if field.name != "position")


class Looks(Observer):
    """Measures each activation layer at some steps of one training, into ``metrics``.

    A metric is called ``dead_units[0]@200``: the first layer after 200 steps. Those that are not
    finite are left out.

    Args:
        steps: after how many optimizer steps to look; 0 is before the first.
    """

    def __init__(self, steps: Iterable[int]) -> None:
        self.steps = frozenset(steps)
        self.metrics: dict[str, float] = {}

    def look(
        self, step: int, network: nn.Module, activations: list[nn.Module], feed: Feed, goal: Goal
    ) -> None:
        """Measure the layers; see ``Observer``."""
        inputs, targets = feed.validation_batch(slice(0, EVALUATION_BATCH))
        for layer in look_into(network, activations, inputs, targets, goal):
            self.metrics |= {
                f"{name}[{layer.position}]@{step}": float(value)
                for name in MEASURES
                if math.isfinite(value := getattr(layer, name))
            }


def look_into(
    network: nn.Module, activations: list[nn.Module], inputs: Tensor, targets: Tensor, goal: Goal
) -> list[LayerLook]:
    """Measure each activation layer on a batch; the network is left in training mode.

    Args:
        network: its gradients are cleared.
        activations: its activation modules; one that the batch does not pass is left out.
        inputs: (n, ...).
        targets: of each sample, as the goal wants them.
        goal: says the loss.
    """
    device = inputs.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        network.eval()
        network.zero_grad(set_to_none=True)
        with probing(activations) as probe, autocast(device):
            loss = goal.loss(network(inputs).float(), targets)
        loss.backward()
        network.zero_grad(set_to_none=True)
        network.train()
    signal = probe.signal(float(loss.detach()))
    return [_look(probe, layer, len(inputs)) for layer in signal.layers]


def _look(probe: Probe, layer: LayerSignal, n_samples: int) -> LayerLook:
    output = probe.outputs[layer.position].double()
    back = probe.gradients_out.get(layer.position)
    sizes = output.abs()
    # The loss is a mean over the samples: of one sample's loss the gradient is n times that.
    gradient = 0.0 if back is None else n_samples * _root_mean_square(back.double())
    return LayerLook(
        position=layer.position,
        dead_units=layer.dead_units,
        saturated=layer.saturated if gradient else math.nan,
        gradient=gradient,
        output_mean=layer.output_mean,
        output_deviation=math.sqrt(layer.output_variance),
        zeros=_share(sizes == 0),
        near_zero=_share(sizes <= NEAR_ZERO * _root_mean_square(output)),
    )


def _root_mean_square(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def _share(held: Tensor) -> float:
    return float(held.double().mean())


def looking_steps(steps: int, n_points: int) -> tuple[int, ...]:
    """Return at most ``n_points`` steps to look at: 0, and the others evenly by their logarithm.

    Args:
        steps: the length of the training, the last of them; 0 for the start alone.
        n_points: 2 or more.
    """
    if steps == 0:
        return (0,)
    last = n_points - 2
    later = [round(steps ** (k / last)) for k in range(last + 1)] if last else [steps]
    return tuple(sorted({0, *later}))
