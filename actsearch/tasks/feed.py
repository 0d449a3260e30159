"""From arrays to batches on a device, and what a network comes to on a split.

What a feed holds is read alone, so that all trainings of a process on the same data share one: on
a GPU the splits are copied over once, not once a training.
"""

from __future__ import annotations

import contextlib
import weakref

import torch
from torch import Tensor, nn

from actsearch.tasks.data import Split, TrainingData
from actsearch.tasks.goals import CLASSIFICATION, Goal, Measured

EVALUATION_BATCH = 500

_shared: dict[tuple[int, str], Feed] = {}


class Feed:
    """Batches as standardised float32 on the device; on a CPU the arrays stay in their map."""

    def __init__(self, data: TrainingData, place: torch.device) -> None:
        self._place = place
        self._inputs, self._targets = _tensors(data.train, place)
        self._validation = _tensors(data.validation, place)
        shape = (1, -1) + (1,) * (data.train.inputs.ndim - 2)
        self._mean = torch.tensor(data.mean, device=place).reshape(shape)
        self._scale = 1 / torch.tensor(data.std, device=place).reshape(shape)

    @property
    def n_validation(self) -> int:
        """The number of validation samples."""
        return len(self._validation[1])

    def train_batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (batch, ...) and targets of the training samples ``indices``."""
        return self.standardised(self._inputs[indices]), _typed(self._targets[indices])

    def validation_batch(self, chunk: slice) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a range of the validation samples."""
        inputs, targets = self._validation
        return self.standardised(inputs[chunk]), _typed(targets[chunk])

    def standardised(self, inputs: Tensor) -> Tensor:
        """Return raw inputs as float32 with mean 0 and standard deviation 1 a channel."""
        return (inputs.to(self._place).float() - self._mean) * self._scale


def shared_feed(data: TrainingData, place: torch.device) -> Feed:
    """Return the feed of ``data`` on a device; it lives as long as the data."""
    key = id(data), str(place)
    if key not in _shared:
        _shared[key] = Feed(data, place)
        weakref.finalize(data, _shared.pop, key, None)
    return _shared[key]


@torch.no_grad()
def evaluate(
    network: nn.Module, feed: Feed, limit: int | None = None, goal: Goal = CLASSIFICATION
) -> Measured:
    """Return accuracy and mean loss on the first ``limit`` validation samples."""
    n_samples = feed.n_validation if limit is None else min(limit, feed.n_validation)
    n_right, sum_of_losses = 0, 0.0
    was_training = network.training
    network.eval()
    for start in range(0, n_samples, EVALUATION_BATCH):
        chunk = slice(start, min(start + EVALUATION_BATCH, n_samples))
        inputs, targets = feed.validation_batch(chunk)
        with autocast(inputs.device):
            outputs = network(inputs).float()
        if goal.right is not None:
            n_right += int(goal.right(outputs, targets).sum())
        sum_of_losses += float(goal.loss(outputs, targets, reduction="sum"))
    network.train(was_training)
    accuracy = None if goal.right is None else n_right / n_samples
    return Measured(accuracy, sum_of_losses / n_samples)


def autocast(place: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return bfloat16 autocast where the device computes in it, else an empty context."""
    if place.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def sample_order(n_samples: int, batch_size: int, steps: int, rng: torch.Generator) -> Tensor:
    """Return the indices of all batches, (steps, batch_size): one permutation after another."""
    needed = steps * batch_size
    n_epochs = -(-needed // n_samples)
    epochs = [torch.randperm(n_samples, generator=rng) for _ in range(n_epochs)]
    return torch.cat(epochs)[:needed].reshape(steps, batch_size)


def _tensors(split: Split, place: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(split.inputs).to(place), torch.from_numpy(split.targets).to(place)


def _typed(targets: Tensor) -> Tensor:
    """Return labels as int64, whatever they are stored as, and numbers as they are."""
    return targets if targets.is_floating_point() else targets.long()
