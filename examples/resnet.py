"""A ResNet for images with an activation that was found, beside ReLU.

    python examples/resnet.py                 # downloads Fashion-MNIST once
    python examples/resnet.py --data ~/data   # or reads it in place, in torchvision's layout

The only lines that know of the activation are the import and `init_`: networks with normalisation
also train without it, plain ones often don't (the docstring of `found.py` says what was measured).
"""

import torch
from found import Found, init_
from torch import Tensor, nn
from training import arguments, compare


class Block(nn.Module):
    """Two convolutions with a shortcut (He et al. 2016); the branch starts at zero."""

    def __init__(self, n_in: int, n_out: int, stride: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            activation(),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        nn.init.zeros_(self.branch[-1].weight)
        same = stride == 1 and n_in == n_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride, bias=False)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, height, width) to (n, n_out, height/stride, width/stride)."""
        return self.activation(self.shortcut(x) + self.branch(x))


def resnet(activation: type[nn.Module]) -> nn.Module:
    """Return a ResNet of nine layers for images (n, 1, 28, 28)."""
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        activation(),
        Block(16, 16, 1, activation),
        Block(16, 32, 2, activation),
        Block(32, 64, 2, activation),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    if activation is Found:
        init_(network)
    return network.to(memory_format=torch.channels_last)


if __name__ == "__main__":
    compare(resnet, {"Found": Found, "ReLU": nn.ReLU}, arguments(steps=400))
