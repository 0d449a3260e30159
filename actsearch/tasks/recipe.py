"""How a network is trained: optimizer, learning rate, batches; plain values and tables of names."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from actsearch.errors import BadInput, unknown
from actsearch.tasks.signal import DEFAULT_LIMITS, SignalLimits

#: Validation looks of a rung that is not the last: few, for they cost as much as the steps between.
SHORT_CURVE_POINTS = 4

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": functools.partial(torch.optim.AdamW, fused=True),
    "sgd": functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True),
}


def no_augmentation(inputs: Tensor, _rng: torch.Generator) -> Tensor:
    """Return the batch as it is."""
    return inputs


def flip_and_crop(images: Tensor, rng: torch.Generator, padding: int = 2) -> Tensor:
    """Mirror half of the images and shift each by up to ``padding`` pixels, zeros moving in.

    Args:
        images: (n, channels, height, width), standardised, so that 0 is the mean colour.
        rng: a CPU generator.
        padding: the largest shift, in pixels.
    """
    n, _, height, width = images.shape
    mirrored = torch.rand(n, generator=rng) < 0.5
    shifts = torch.randint(0, 2 * padding + 1, (2, n), generator=rng).to(images.device)
    images = torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # n, c, shifts, shifts, h, w
    return windows[torch.arange(n, device=images.device), :, shifts[0], shifts[1]].contiguous()


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "none": no_augmentation,
    "flip-crop": flip_and_crop,
}


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak learning rate at ``step`` = 1 ... ``steps``; above 0 in all."""
    n_rising = max(1.0, warmup * steps)
    return min(step / n_rising, (steps + 1 - step) / (steps + 1 - n_rising))


def constant(step: int, steps: int, warmup: float) -> float:
    """Return the share of the learning rate at ``step``: it rises, then stays."""
    return min(1.0, step / max(1.0, warmup * steps))


SCHEDULES: dict[str, Callable[[int, int, float], float]] = {
    "one-cycle": one_cycle,
    "constant": constant,
}

_CHOICES: dict[str, Mapping[str, object]] = {
    "optimizer": OPTIMIZERS,
    "augmentation": AUGMENTATIONS,
    "schedule": SCHEDULES,
}


@dataclass(frozen=True)
class Recipe:
    """How to train; the length is the rung's.

    The peak ``learning_rate`` is reached after the share ``warmup`` of the steps, then falls to
    zero in a straight line ("one-cycle") or stays ("constant"). ``curve_samples`` bounds the
    validation samples looked at during training (always the same ones); the score is measured on
    all of them. Rungs before the last have ``SHORT_CURVE_POINTS`` at most, and their score is of
    the first ``short_samples``: on 10,000 images it would take a third of a short training.
    ``parameter_rate`` is a factor on the learning rate of the activations' own parameters.

    Raises:
        BadInput: an unknown name, a count below 1, or a factor below 0.
    """

    batch_size: int = 128
    optimizer: str = "adamw"  # of OPTIMIZERS
    learning_rate: float = 3e-3
    schedule: str = "one-cycle"  # of SCHEDULES
    weight_decay: float = 0.01
    clip_norm: float = 1.0  # bound on the norm of the whole gradient
    warmup: float = 0.2
    augmentation: str = "none"  # of AUGMENTATIONS
    curve_points: int = 8
    curve_samples: int = 500
    short_samples: int = 4000
    signal: SignalLimits = DEFAULT_LIMITS
    parameter_rate: float = 1.0  # 0 keeps them where they start

    def __post_init__(self) -> None:
        for field, known in _CHOICES.items():
            if getattr(self, field) not in known:
                raise unknown(field, getattr(self, field), known)
        for name in ("batch_size", "curve_points", "curve_samples", "short_samples"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be 1 or more, got {getattr(self, name)}")
        if not 0 <= self.parameter_rate < math.inf:
            raise BadInput(
                "parameter_rate, a factor on the learning rate, must be 0 or more, got "
                f"{self.parameter_rate}"
            )

    def settings(self) -> dict[str, Any]:
        """Return it as plain values, for telling whether two trainings are alike.

        A ``parameter_rate`` of 1 is left out: so did recipes train that knew of no such factor, and
        runs from before it go on.
        """
        values = dataclasses.asdict(self)
        if self.parameter_rate == 1:
            del values["parameter_rate"]
        return values


DEFAULT_RECIPE = Recipe()


def curve_steps(steps: int, n_points: int) -> frozenset[int]:
    """Return at most ``n_points`` steps at which to look at validation, the last among them."""
    return frozenset(max(1, round(steps * k / n_points)) for k in range(1, n_points + 1))


def make_optimizer(
    network: nn.Module, activations: list[nn.Module], recipe: Recipe
) -> torch.optim.Optimizer:
    """Build the optimizer; biases and the activations' own parameters don't decay.

    Its groups have the ``factor`` that their learning rate is to be multiplied by.
    """
    of_activations = {id(p) for activation in activations for p in activation.parameters()}
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    learned: list[nn.Parameter] = []
    for parameter in network.parameters():
        plain = kept if parameter.ndim < 2 else decayed
        (learned if id(parameter) in of_activations else plain).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay, "factor": 1.0},
        {"params": kept, "weight_decay": 0.0, "factor": 1.0},
    ]
    if learned:
        groups.append({"params": learned, "weight_decay": 0.0, "factor": recipe.parameter_rate})
    return OPTIMIZERS[recipe.optimizer](groups, lr=recipe.learning_rate)


@torch.no_grad()
def clip_gradients(parameters: list[nn.Parameter], limit: float) -> None:
    """Scale all gradients so that the norm of the whole is at most ``limit``.

    What ``nn.utils.clip_grad_norm_`` does, in half of its time for parameters on one device.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp(max=1.0))
