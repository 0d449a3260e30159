"""The networks of the shipped tasks: small, plain, and the activation is their only nonlinearity.

Each takes a factory of activations and builds each layer with its activation by ``units.unit`` (a
formula may carry learnable parameters, so places don't share a module; it may read more than the
layer's projection). ``width`` is a factor on the widths of all hidden layers, by which networks of
equally many parameters are made; ``depth`` is the number of activation layers, by which a diagnosis
sees what more of them do. There is no max pooling: convolutions stride instead, so that what bends
the signal is the activation under judgement. Nor is there normalisation, which would hide how an
activation keeps or loses the signal's scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.tasks.units import MakeActivation, MakeNetwork, unit

__all__ = ["CNN", "MLP", "MakeActivation", "MakeNetwork"]


class MLP(nn.Module):
    """Flatten, then linear layers with an activation after each but the last.

    With a ``depth`` there are so many hidden layers, all as wide as the first of ``hidden``.
    """

    inputs = ("x", "u", "o")

    def __init__(
        self,
        make_activation: MakeActivation,
        *,
        n_inputs: int,
        hidden: Sequence[int],
        n_classes: int = 10,
        width: float = 1.0,
        depth: int | None = None,
    ) -> None:
        super().__init__()
        if depth is not None:
            hidden = (hidden[0],) * depth
        layers: list[nn.Module] = [nn.Flatten()]
        widths = [n_inputs, *(scaled_width(size, width) for size in hidden)]
        for width_in, width_out in itertools.pairwise(widths):
            layers += unit(nn.Linear(width_in, width_out), make_activation)
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], n_classes))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (n, ...) to logits (n, n_classes)."""
        logits: Tensor = self.layers(inputs)
        return logits


class CNN(nn.Module):
    """Convolutions given as (width, kernel, stride), an activation after each, then a linear layer.

    ``pool`` says how the last feature map reaches the linear layer: "mean" over positions, or
    "none" to keep them all. With a ``depth`` there are so many convolutions: those that are further
    follow the others, as wide as the last, 3 by 3 and of stride 1.

    Raises:
        BadInput: ``depth`` is less than the number of ``convolutions``.
    """

    inputs = ("x", "u")

    def __init__(
        self,
        make_activation: MakeActivation,
        *,
        shape: tuple[int, ...],
        convolutions: Sequence[tuple[int, int, int]],
        n_classes: int = 10,
        pool: str = "mean",
        width: float = 1.0,
        depth: int | None = None,
    ) -> None:
        super().__init__()
        if depth is not None:
            convolutions = deeper(convolutions, depth)
        channels, *size = shape
        convolution = nn.Conv1d if len(size) == 1 else nn.Conv2d
        layers: list[nn.Module] = []
        for n_filters, kernel, stride in convolutions:
            n_out = scaled_width(n_filters, width)
            projection = convolution(channels, n_out, kernel, stride=stride, padding=kernel // 2)
            layers += unit(projection, make_activation)
            channels = n_out
            size = [(length - 1 + 2 * (kernel // 2) - kernel + 1) // stride + 1 for length in size]
        self.features = nn.Sequential(*layers)
        self.pool = pool
        n_positions = 1
        for length in size:
            n_positions *= length
        n_features = channels if pool == "mean" else channels * n_positions
        self.classifier = nn.Linear(n_features, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (n, channels, ...) to logits (n, n_classes)."""
        features: Tensor = self.features(inputs)
        features = features.flatten(2).mean(2) if self.pool == "mean" else features.flatten(1)
        logits: Tensor = self.classifier(features)
        return logits


def deeper(
    convolutions: Sequence[tuple[int, int, int]], depth: int
) -> tuple[tuple[int, int, int], ...]:
    """Return ``depth`` convolutions, of which the further ones keep the width and the positions.

    Raises:
        BadInput: there are more of them already.
    """
    n_further = depth - len(convolutions)
    if n_further < 0:
        raise BadInput(
            f"this network has {len(convolutions)} convolutions, so its depth can be "
            f"{len(convolutions)} or more, got {depth}"
        )
    return (*convolutions, *[(convolutions[-1][0], 3, 1)] * n_further)


def scaled_width(size: int, width: float) -> int:
    """Return the width of a hidden layer of ``size`` under the factor ``width``; at least 1."""
    return max(1, round(size * width))
