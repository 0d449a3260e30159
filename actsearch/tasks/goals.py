"""What the outputs of a network are for: the loss it trains by, what is counted, what scores it.

The loop, the feed and the tasks ask a goal and know neither labels nor cross-entropy themselves, so
that a network may classify, or give a density, or what a user's own goal says. A goal is sent to
the workers with its task: its functions are those of a module, no lambdas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from actsearch.errors import BadInput, unknown
from actsearch.tasks.data import TrainingData
from actsearch.tasks.target import TARGETS, Target


class Measured(NamedTuple):
    """What a network came to on a split; ``accuracy`` is None where nothing is right or wrong."""

    accuracy: float | None
    loss: float

    def metrics(self, split: str) -> dict[str, float]:
        """Return what a record keeps of it, as ``validation_loss``, ``validation_accuracy``."""
        found = {f"{split}_loss": self.loss}
        return found if self.accuracy is None else {**found, f"{split}_accuracy": self.accuracy}


@dataclass(frozen=True)
class Score:
    """What a training may be scored by: how it is asked for, its name, and how it is had."""

    key: str
    name: str
    of: Callable[[Measured], float]


class Loss(Protocol):
    """The loss of outputs and targets, as a mean or a sum over the samples."""

    def __call__(self, outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return a tensor without dimensions; ``reduction`` is "mean" or "sum"."""


def _no_reason(_outputs: Tensor) -> str:
    return ""


@dataclass(frozen=True)
class Goal:
    """What the outputs of a network are for.

    Attributes:
        name: what runs know it by.
        loss: of outputs (n, ...) in float32 and targets; what is trained by.
        scores: what a training can be scored by, higher for better; the first where nothing is
            said.
        output: what an output is called, and its shape for given data; a word in the shape stands
            for a size that the network is free to choose.
        of_labels: whether targets are labels (n,), else numbers (n, d).
        right: which outputs are right, booleans (n,); None where none is right or wrong.
        least_loss: no loss is below it.
        reason: why outputs give no finite loss, in words, "" where there is nothing to say; what
            gives a reason has diverged.
    """

    name: str
    loss: Loss
    scores: tuple[Score, ...]
    output: tuple[str, Callable[[TrainingData], tuple[int | str, ...]]]
    of_labels: bool = True
    right: Callable[[Tensor, Tensor], Tensor] | None = None
    least_loss: float = 0.0
    reason: Callable[[Tensor], str] = _no_reason

    def score(self, key: str) -> Score:
        """Return the score that is asked for by ``key``; "" stands for the first.

        Raises:
            BadInput: there is no such score.
        """
        by_key = {score.key: score for score in self.scores}
        if key and key not in by_key:
            raise unknown("score", key, by_key)
        return by_key[key or self.scores[0].key]

    def check_target(self, task: str, target: Target) -> None:
        """Refuse a target that means nothing here.

        Raises:
            BadInput: an error where nothing is wrong, or a loss that can't be.
        """
        sensible = [m for m in TARGETS if self.right is not None or not m.endswith("-error")]
        if target.metric not in sensible:
            raise BadInput(
                f"target {target.metric} counts wrong answers, and task '{task}' has none "
                f"({self.name}); it takes {', '.join(sensible)}"
            )
        if target.value < self.least_loss:
            raise BadInput(
                f"target {target.metric} of task '{task}' must be a number from "
                f"{self.least_loss:g} on, got {target.value:g}"
            )

    def check_data(self, task: str, data: TrainingData) -> None:
        """Refuse data whose targets are of the other kind.

        Raises:
            BadInput: they are.
        """
        if self.of_labels != (data.n_classes is not None):
            wanted = "labels (n,), integers 0, 1, 2 ..." if self.of_labels else "numbers (n, d)"
            raise BadInput(
                f"task '{task}' ({self.name}) needs targets that are {wanted}, got "
                f"{data.train.targets.dtype} of shape {data.train.targets.shape}"
            )

    def check_outputs(self, task: str, shape: tuple[int, ...], data: TrainingData) -> None:
        """Refuse outputs of another shape than the loss takes.

        Args:
            task: whose network it is.
            shape: of the outputs for two samples.
            data: of the task.

        Raises:
            BadInput: the shape does not fit.
        """
        called, shape_of = self.output
        wanted = (2, *shape_of(data))
        fits = len(shape) == len(wanted) and all(
            isinstance(asked, str) or asked == size
            for asked, size in zip(wanted, shape, strict=True)
        )
        if not fits:
            listed = ", ".join(map(str, wanted))
            raise BadInput(
                f"the network of task '{task}' must turn 2 samples into {called} of shape "
                f"({listed}), got {shape}"
            )


def _logits_shape(data: TrainingData) -> tuple[int | str, ...]:
    assert data.n_classes is not None  # check_data made sure of it
    return (data.n_classes,)


def _entropy(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    return cross_entropy(outputs, targets, reduction=reduction)


def _right(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(1) == targets


def accuracy(measured: Measured) -> float:
    """Return the share that is right."""
    return math.nan if measured.accuracy is None else measured.accuracy


def negative_loss(measured: Measured) -> float:
    """Return minus the loss."""
    return -measured.loss


#: One logit a class; trained by cross-entropy.
CLASSIFICATION = Goal(
    name="classification",
    loss=_entropy,
    scores=(
        Score("accuracy", "validation accuracy", accuracy),
        Score("loss", "negative validation loss", negative_loss),
    ),
    output=("logits", _logits_shape),
    right=_right,
)


def share_wrong(goal: Goal, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the share of outputs that are not right, a tensor without dimensions."""
    assert goal.right is not None  # check_target made sure of it
    return torch.logical_not(goal.right(outputs, targets)).float().mean()
