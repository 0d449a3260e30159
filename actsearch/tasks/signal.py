"""What comes through a network: statistics of each activation layer, forward and backward.

Taken from one batch at the start they tell candidates that can't learn from those that may: outputs
that don't vary, gradients that vanish or explode on their way back (Glorot and Bengio 2010;
Schoenholz et al. 2017, Deep Information Propagation), units without a gradient. Taken at the end
they describe what a training made of the layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor, nn

SATURATED_BELOW = 0.01  # |f'|

#: At which percentiles pre-activations are kept: enough to draw their density, with its tails.
PERCENTILES = (0.1, 1, 2.5, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 97.5, 99, 99.9)
#: From about so many of a layer's entries, evenly taken.
_SAMPLED = 65_536


@dataclass(frozen=True)
class SignalLimits:
    """Between which bounds a training may begin.

    Attributes:
        dead_units: least share of units without a gradient, in any layer, that ends a training.
        variation: least variance of the last layer's outputs, relative to their squared mean.
        least_gradient_ratio: least variance of the first layer's gradients over the last layer's;
            on MNIST-1D's convolutions nothing learned from 2e-7 on (``0.001*relu(x)``).
        most_gradient_ratio: the largest; squared ReLU has 2e6 over four convolutions, and learns.
    """

    dead_units: float = 0.99
    variation: float = 1e-12
    least_gradient_ratio: float = 1e-6
    most_gradient_ratio: float = 1e8


DEFAULT_LIMITS = SignalLimits()


@dataclass(frozen=True)
class LayerSignal:
    """One activation layer on one batch.

    Attributes:
        position: which activation, in the order in which they were built.
        output_mean: mean of the outputs.
        output_variance: variance of the outputs.
        gradient_variance: variance of the loss's gradients with respect to the outputs.
        dead_units: share of units (channels) whose inputs get no gradient from any sample.
        saturated: share of entries with |f'| < 0.01, of those that a gradient reaches; for a
            function of several inputs with all its derivatives below.
        preactivations: what comes into it, its input x, at ``PERCENTILES``; empty where that was
            not asked for.
    """

    position: int
    output_mean: float
    output_variance: float
    gradient_variance: float
    dead_units: float
    saturated: float
    preactivations: Mapping[float, float] = field(default_factory=dict)


_MEASURES = tuple(
    one.name for one in fields(LayerSignal) if one.name not in ("position", "preactivations")
)


@dataclass(frozen=True)
class Signal:
    """The activation layers that took part, by position, and the loss on the batch."""

    layers: tuple[LayerSignal, ...]
    loss: float

    def metrics(self) -> dict[str, float]:
        """Return the measures as ``dead_units[0]``, ``preactivation_p2.5[0]`` ... by position."""
        return {
            f"{name}[{layer.position}]": value
            for layer in self.layers
            for name, value in (
                *((name, getattr(layer, name)) for name in _MEASURES),
                *((f"preactivation_p{p:g}", x) for p, x in layer.preactivations.items()),
            )
        }


class Probe:
    """Tensors that pass the activations of one forward and backward pass, noted by hooks."""

    def __init__(self, keeps_inputs: bool = False) -> None:
        self.keeps_inputs = keeps_inputs
        self.inputs: dict[int, Tensor] = {}
        self.outputs: dict[int, Tensor] = {}
        self.gradients_out: dict[int, Tensor] = {}
        self.gradients_in: dict[int, Tensor] = {}
        self.has_input_gradient: set[int] = set()

    def signal(self, loss: float) -> Signal:
        """Return the measures; to be called after the backward."""
        return Signal(tuple(self._layer(position) for position in sorted(self.outputs)), loss)

    def _layer(self, position: int) -> LayerSignal:
        output = self.outputs[position]
        back = self.gradients_out.get(position)
        into = self.gradients_in.get(position)
        back = torch.zeros_like(output) if back is None else back
        dead = saturated = 0.0
        if position in self.has_input_gradient:  # else f' can't be seen, as with data for inputs
            into = torch.zeros_like(output) if into is None else into
            dead, saturated = _dead_units(into), _saturated(into, back)
        variance, mean = torch.var_mean(output.double(), correction=0)
        return LayerSignal(
            position=position,
            output_mean=float(mean),
            output_variance=float(variance),
            # In float32 the square of a small gradient is zero.
            gradient_variance=float(back.double().var(correction=0)),
            dead_units=dead,
            saturated=saturated,
            preactivations=percentiles(self.inputs[position]) if position in self.inputs else {},
        )


@contextmanager
def probing(activations: Sequence[nn.Module], *, keeps_inputs: bool = False) -> Iterator[Probe]:
    """Note what passes ``activations`` in the forward passes made inside; numbers don't change.

    Of a module that is called more than once the first call counts. The backward may run inside or
    after. Tensors are kept as they are, without a copy; those that come in if ``keeps_inputs``.
    """
    probe = Probe(keeps_inputs)
    handles = [
        activation.register_forward_hook(_hook(probe, position))
        for position, activation in enumerate(activations)
    ]
    try:
        yield probe
    finally:
        for handle in handles:
            handle.remove()


def fault(signal: Signal, limits: SignalLimits) -> str | None:
    """Return why a network can't be expected to learn from here, None where it may."""
    if not math.isfinite(signal.loss):
        return f"the loss on the first batch is {signal.loss}"
    for layer in signal.layers:
        where = f"in activation layer {layer.position}"
        for measure in ("output_mean", "output_variance", "gradient_variance"):
            if not math.isfinite(getattr(layer, measure)):
                what = measure.replace("_", " ")
                return f"the {what} {where} is {getattr(layer, measure)}"
        if layer.dead_units >= limits.dead_units:
            return f"{layer.dead_units:.0%} of the units {where} get no gradient"
    if not signal.layers:
        return None
    first, last = signal.layers[0], signal.layers[-1]
    if last.output_variance <= limits.variation * last.output_mean**2:
        return f"the outputs of the last activation layer don't vary (all {last.output_mean:.3g})"
    if first.gradient_variance == 0 or last.gradient_variance == 0:
        return "no gradient reaches the first activation layer"
    ratio = first.gradient_variance / last.gradient_variance
    if ratio < limits.least_gradient_ratio:
        return f"gradients vanish from the last activation layer to the first: {ratio:.1e} is left"
    if ratio > limits.most_gradient_ratio:
        return f"gradients explode from the last activation layer to the first: {ratio:.1e} times"
    return None


def _hook(probe: Probe, position: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def note(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if position in probe.outputs or not isinstance(output, Tensor):
            return
        probe.outputs[position] = output.detach()
        if probe.keeps_inputs and inputs and isinstance(inputs[0], Tensor):
            probe.inputs[position] = inputs[0].detach()
        if output.requires_grad:
            output.register_hook(lambda grad: _keep(probe.gradients_out, position, grad))
        for given in inputs:  # x, and what else its formula reads
            if isinstance(given, Tensor) and given.requires_grad:
                probe.has_input_gradient.add(position)
                given.register_hook(lambda grad: _keep_larger(probe.gradients_in, position, grad))

    return note


def percentiles(values: Tensor) -> dict[float, float]:
    """Return the ``PERCENTILES`` of some values of any shape; of many, those of a part of them.

    Of n values every k-th is taken. An odd k goes through all channels and all positions, as their
    numbers are mostly even. Values that are not finite are left out; without others it is empty.
    """
    flat = values.flatten()[:: values.numel() // _SAMPLED | 1].double()
    flat = flat[torch.isfinite(flat)]
    if not len(flat):
        return {}
    at = torch.tensor(PERCENTILES, dtype=torch.float64, device=flat.device) / 100
    found = torch.quantile(flat, at).tolist()
    return {p: round(x, 5) for p, x in zip(PERCENTILES, found, strict=True)}


def _keep(where: dict[int, Tensor], position: int, gradient: Tensor) -> None:
    where[position] = gradient.detach()


def _keep_larger(where: dict[int, Tensor], position: int, gradient: Tensor) -> None:
    """Keep the larger magnitude where an activation has several inputs: one may carry it all."""
    gradient, before = gradient.detach(), where.get(position)
    where[position] = gradient if before is None else torch.maximum(before.abs(), gradient.abs())


def _dead_units(into: Tensor) -> float:
    """Return the share of units along axis 1 whose gradient is zero for every sample."""
    if into.ndim < 2:
        return float(not into.any())
    alive = (into != 0).flatten(2).any(2).any(0) if into.ndim > 2 else (into != 0).any(0)
    return 1.0 - float(alive.float().mean())


def _saturated(into: Tensor, back: Tensor) -> float:
    """Return the share of entries with |f'| small, where f' = gradient in / gradient out."""
    n_reached = int(torch.count_nonzero(back))
    n_small = int((into.abs() < SATURATED_BELOW * back.abs()).sum())  # never where back is 0
    return n_small / n_reached if n_reached else 0.0
