"""The networks of the shipped tasks: small, plain, and the activation is their only nonlinearity.

Each takes a factory of activations and calls it once for each place (a formula may carry learnable
parameters, so places don't share a module). There is no max pooling: convolutions stride instead,
so that what bends the signal is the activation under judgement. Nor is there normalisation, which
would hide how an activation keeps or loses the signal's scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

MakeActivation = Callable[[], nn.Module]
MakeNetwork = Callable[[MakeActivation], nn.Module]


class MLP(nn.Module):
    """Flatten, then linear layers with an activation after each but the last."""

    def __init__(
        self,
        make_activation: MakeActivation,
        *,
        n_inputs: int,
        hidden: Sequence[int],
        n_classes: int = 10,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in zip([n_inputs, *hidden], hidden, strict=False):
            layers += [nn.Linear(width_in, width_out), make_activation()]
        self.layers = nn.Sequential(*layers, nn.Linear([n_inputs, *hidden][-1], n_classes))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (n, ...) to logits (n, n_classes)."""
        logits: Tensor = self.layers(inputs)
        return logits


class CNN(nn.Module):
    """Convolutions given as (width, kernel, stride), an activation after each, then a linear layer.

    ``pool`` says how the last feature map reaches the linear layer: "mean" over positions, or
    "none" to keep them all.
    """

    def __init__(
        self,
        make_activation: MakeActivation,
        *,
        shape: tuple[int, ...],
        convolutions: Sequence[tuple[int, int, int]],
        n_classes: int = 10,
        pool: str = "mean",
    ) -> None:
        super().__init__()
        channels, *size = shape
        convolution = nn.Conv1d if len(size) == 1 else nn.Conv2d
        layers: list[nn.Module] = []
        for width, kernel, stride in convolutions:
            layers += [
                convolution(channels, width, kernel, stride=stride, padding=kernel // 2),
                make_activation(),
            ]
            channels = width
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
