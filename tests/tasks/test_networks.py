"""The networks: shapes, one activation for each place, and nothing else that bends the signal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from actsearch.tasks.networks import CNN, MLP


@pytest.mark.parametrize(
    ("build", "shape", "n_places"),
    [
        ((MLP, {"n_inputs": 40, "hidden": (8, 9)}), (1, 40), 2),
        ((MLP, {"n_inputs": 784, "hidden": (8,)}), (1, 28, 28), 1),
        ((CNN, {"shape": (1, 40), "convolutions": ((4, 5, 2), (5, 3, 2))}), (1, 40), 2),
        (
            (CNN, {"shape": (1, 28, 28), "convolutions": ((4, 5, 3), (5, 3, 2)), "pool": "none"}),
            (1, 28, 28),
            2,
        ),
        ((CNN, {"shape": (3, 32, 32), "convolutions": ((4, 4, 2), (5, 3, 1))}), (3, 32, 32), 2),
    ],
)
def test_shapes_and_places(
    build: tuple[type[nn.Module], dict[str, Any]], shape: tuple[int, ...], n_places: int
) -> None:
    kind, settings = build
    made: list[nn.Module] = []

    def make() -> nn.Module:
        made.append(nn.PReLU())
        return made[-1]

    network = kind(make, **settings)
    assert network(torch.randn(6, *shape)).shape == (6, 10)
    assert len(made) == n_places
    assert len({id(module) for module in made}) == n_places

    linear = kind(nn.Identity, **settings)
    with torch.no_grad():
        for bias in (p for name, p in linear.named_parameters() if name.endswith("bias")):
            bias.zero_()
        x, y = torch.randn(2, 6, *shape)
        torch.testing.assert_close(
            linear(2 * x - y), 2 * linear(x) - linear(y), rtol=1e-4, atol=1e-5
        )
