"""A small vision transformer with an activation that was found, beside GELU.

    python examples/transformer.py                 # downloads Fashion-MNIST once
    python examples/transformer.py --data ~/data   # or reads it in place, in torchvision's layout

`nn.TransformerEncoderLayer` takes any callable as its activation, so the function goes in as it is.
Transformers normalise, and bring an initialisation of their own: `init_` is not needed here.
"""

import torch
from found import Found
from torch import Tensor, nn
from training import arguments, compare


class VisionTransformer(nn.Module):
    """Patches of 4 x 4 pixels as words, two encoder layers, the mean of the words classified."""

    def __init__(self, activation: type[nn.Module], width: int = 64) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, kernel_size=4, stride=4)
        self.places = nn.Parameter(0.02 * torch.randn(49, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, activation=activation(), batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (n, 1, 28, 28) into logits (n, 10)."""
        words = self.patches(x).flatten(2).transpose(1, 2) + self.places
        return self.head(self.encoder(words).mean(dim=1))


if __name__ == "__main__":
    compare(VisionTransformer, {"Found": Found, "GELU": nn.GELU}, arguments(steps=400))
