"""What both examples share: data, one training loop, and a table of two activations side by side.

The networks come from `resnet.py` and `transformer.py`, the activation from `found.py`, which
`actsearch export` wrote. actsearch is used here for the data alone.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from actsearch.tasks.datasets.store import open_training

#: Builds a network with an activation of a class.
Build = Callable[[type[nn.Module]], nn.Module]


def arguments(steps: int) -> argparse.Namespace:
    """Read the options that both examples take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, help="a folder in torchvision's layout")
    parser.add_argument("--steps", type=int, default=steps, help="steps of one training")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each activation")
    parser.add_argument("--samples", type=int, help="score on so many images; all by default")
    return parser.parse_args()


def images(data: Path | None) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return Fashion-MNIST, standardised: (n, 1, 28, 28) and labels, to train and to score on."""
    found = open_training("fashion-mnist", data)

    def split(part) -> tuple[Tensor, Tensor]:
        pixels = torch.tensor(part.inputs).float().reshape(-1, 1, 28, 28)
        return (pixels - found.mean[0]) / found.std[0], torch.tensor(part.targets).long()

    return split(found.train), split(found.validation)


def train(network: nn.Module, inputs: Tensor, labels: Tensor, steps: int) -> None:
    """Train with AdamW, a warm-up, and a rate that falls to nothing."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    network.train()
    for _ in range(steps):
        batch = torch.randint(len(inputs), (128,))
        loss = nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Return the share of samples that are classified right."""
    network.eval()
    hits = sum(
        (network(x).argmax(1) == y).sum().item()
        for x, y in zip(inputs.split(1000), labels.split(1000), strict=True)
    )
    return hits / len(labels)


def compare(build: Build, activations: dict[str, type[nn.Module]], options) -> None:
    """Train a network with each activation, from the same seeds, and print what came out."""
    training, validation = images(options.data)
    validation = tuple(part[: options.samples] for part in validation)
    print(f"{'activation':<12} {'validation accuracy, by seed':<36} {'mean':>7} {'seconds':>8}")
    for name, activation in activations.items():
        begin, scores = time.perf_counter(), []
        for seed in range(options.seeds):
            torch.manual_seed(seed)
            network = build(activation)
            train(network, *training, options.steps)
            scores.append(accuracy(network, *validation))
        listed = " ".join(f"{score:.4f}" for score in scores)
        mean, spent = sum(scores) / len(scores), time.perf_counter() - begin
        print(f"{name:<12} {listed:<36} {mean:>7.4f} {spent:>8.1f}")
    print("A few seeds show that it trains, not which is better; for that: actsearch compare")
