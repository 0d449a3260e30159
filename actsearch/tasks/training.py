"""The training loop, from top to bottom: what one candidate goes through to get its score.

AdamW or SGD, a one-cycle learning rate, batches by index from the memory-mapped training split,
bfloat16 where the device has it. Weights, order of samples and augmentation come from the seed
alone, so that candidates differ by their activation and nothing else, and are compared in pairs.
On a CPU the same seed gives the same numbers to the last bit for a fixed count of torch threads.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from actsearch.errors import BadInput, unknown
from actsearch.kernels.thrift import thrifty
from actsearch.tasks import protocol
from actsearch.tasks.data import Split, TrainingData
from actsearch.tasks.initialisation import initialise, measured_gain
from actsearch.tasks.networks import MakeActivation, MakeNetwork

LOOP_VERSION = 2  # raise it with every change that moves scores: runs of two versions don't mix

STEPS_BETWEEN_LOOKS = 4  # at the clock
EVALUATION_BATCH = 500
THRIFTY_FROM = 4  # activation layers


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


@dataclass(frozen=True)
class Recipe:
    """How to train; the length is the rung's.

    The peak ``learning_rate`` is reached after the share ``warmup`` of the steps, then falls to
    zero in a straight line. ``curve_samples`` bounds the validation samples looked at during
    training (always the same ones); the score is measured on all of them.

    Raises:
        BadInput: an unknown name, or a count below 1.
    """

    batch_size: int = 128
    optimizer: str = "adamw"  # of OPTIMIZERS
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    clip_norm: float = 1.0  # bound on the norm of the whole gradient
    warmup: float = 0.2
    augmentation: str = "none"  # of AUGMENTATIONS
    curve_points: int = 8
    curve_samples: int = 1000

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        if self.augmentation not in AUGMENTATIONS:
            raise unknown("augmentation", self.augmentation, AUGMENTATIONS)
        for name in ("batch_size", "curve_points", "curve_samples"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be 1 or more, got {getattr(self, name)}")


DEFAULT_RECIPE = Recipe()


@dataclass(frozen=True)
class Outcome:
    """How a training ended: the fields of a ``Record`` that it decides, and the network."""

    status: str
    score: float | None
    metrics: dict[str, float]
    curve: tuple[tuple[int, float, float], ...]
    network: nn.Module


def fit(
    make_activation: MakeActivation,
    make_network: MakeNetwork,
    data: TrainingData,
    recipe: Recipe,
    *,
    steps: int,
    seed: int,
    device: str = "cpu",
    deadline: float | None = None,
) -> Outcome:
    """Train one network with one activation and score it on the validation split.

    Args:
        make_activation: builds the activation module, once for each place in the network.
        make_network: builds the network from that factory.
        data: training and validation split.
        recipe: optimizer, batch size and the like.
        steps: number of optimizer steps, at least 1.
        seed: of the weights, the order of samples, the augmentation and any dropout.
        device: a torch device.
        deadline: ``time.time()`` value after which to stop.

    Returns:
        The outcome; status "diverged" at the first loss that is not finite, "stopped" once the
        deadline has passed.

    Raises:
        Exception: whatever the activation or the network raises.
    """
    place = torch.device(device)
    weights_rng, order_rng, augment_rng = (
        torch.Generator().manual_seed(1_000_003 * seed + stream) for stream in range(3)
    )
    with contextlib.ExitStack() as stack:
        # What a network draws by itself (its own layers, dropout) comes from the seed as well, and
        # the random state of the calling program is left as it was.
        forked = [place] if place.type == "cuda" else []
        stack.enter_context(torch.random.fork_rng(devices=forked))
        torch.manual_seed(seed)

        activations: list[nn.Module] = []

        def make_and_note() -> nn.Module:
            activations.append(make_activation())
            return activations[-1]

        network = make_network(make_and_note)
        initialise(network, measured_gain(make_activation()), weights_rng)
        network.to(place)
        optimizer = make_optimizer(network, activations, recipe)
        # In a shallow network the memory's peak is a single layer's, whatever else is kept.
        keeping = thrifty if len(activations) >= THRIFTY_FROM else contextlib.nullcontext

        feed, augment = Feed(data, place), AUGMENTATIONS[recipe.augmentation]
        order = sample_order(len(data.train), recipe.batch_size, steps, order_rng).to(place)
        points = curve_steps(steps, recipe.curve_points)
        curve: list[tuple[int, float, float]] = []
        sum_of_losses, n_losses = torch.zeros((), device=place), 0
        # Reading the loss makes a GPU wait; a NaN stays in the sum until it is looked at.
        steps_between_reads = 1 if place.type == "cpu" else 10

        network.train()
        for step in range(1, steps + 1):
            if deadline is not None and step % STEPS_BETWEEN_LOOKS == 1 and time.time() > deadline:
                return Outcome(protocol.STOPPED, None, {}, tuple(curve), network)

            inputs, labels = feed.train_batch(order[step - 1])
            inputs = augment(inputs, augment_rng)
            with autocast(place), keeping():
                loss = cross_entropy(network(inputs).float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            # Without a bound, one outsized gradient ends the training of many a steep candidate.
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm, foreach=True)
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * one_cycle(step, steps, recipe.warmup)
            optimizer.step()

            sum_of_losses += loss.detach()
            n_losses += 1
            reads = step % steps_between_reads == 0 or step in points
            if reads and not math.isfinite(float(sum_of_losses)):
                return Outcome(protocol.DIVERGED, None, {}, tuple(curve), network)
            if step in points:
                train_loss = float(sum_of_losses) / n_losses
                sum_of_losses, n_losses = torch.zeros_like(sum_of_losses), 0
                limit = None if step == steps else recipe.curve_samples
                accuracy, validation_loss = evaluate(network, feed, data.validation, limit)
                if not math.isfinite(validation_loss):
                    return Outcome(protocol.DIVERGED, None, {}, tuple(curve), network)
                curve.append((step, train_loss, accuracy))

        metrics = {
            "train_loss": train_loss,
            "validation_loss": validation_loss,
            **learned_parameters(activations),
        }
        return Outcome(protocol.OK, accuracy, metrics, tuple(curve), network)


class Feed:
    """Batches as standardised float32 on the device; the arrays stay in their memory map.

    On a GPU the training split is copied over once.
    """

    def __init__(self, data: TrainingData, place: torch.device) -> None:
        self._place = place
        self._inputs = torch.from_numpy(data.train.inputs).to(place)
        self._labels = torch.from_numpy(data.train.labels).to(place)
        shape = (1, -1) + (1,) * (data.train.inputs.ndim - 2)
        self._mean = torch.tensor(data.mean, device=place).reshape(shape)
        self._scale = 1 / torch.tensor(data.std, device=place).reshape(shape)

    def train_batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (batch, ...) and labels (batch,) of the training samples ``indices``."""
        return self.standardised(self._inputs[indices]), self._labels[indices].long()

    def standardised(self, inputs: Tensor) -> Tensor:
        """Return raw inputs as float32 with mean 0 and standard deviation 1 a channel."""
        return (inputs.to(self._place).float() - self._mean) * self._scale


@torch.no_grad()
def evaluate(
    network: nn.Module, feed: Feed, split: Split, limit: int | None = None
) -> tuple[float, float]:
    """Return accuracy and mean cross-entropy on the first ``limit`` samples of a split."""
    n_samples = len(split) if limit is None else min(limit, len(split))
    n_right, sum_of_losses = 0, 0.0
    was_training = network.training
    network.eval()
    for start in range(0, n_samples, EVALUATION_BATCH):
        chunk = slice(start, min(start + EVALUATION_BATCH, n_samples))
        inputs = feed.standardised(torch.from_numpy(split.inputs[chunk]))
        labels = torch.from_numpy(split.labels[chunk]).long().to(inputs.device)
        with autocast(inputs.device):
            logits = network(inputs).float()
        n_right += int((logits.argmax(1) == labels).sum())
        sum_of_losses += float(cross_entropy(logits, labels, reduction="sum"))
    network.train(was_training)
    return n_right / n_samples, sum_of_losses / n_samples


def autocast(place: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return bfloat16 autocast where the device computes in it, else an empty context."""
    if place.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def make_optimizer(
    network: nn.Module, activations: list[nn.Module], recipe: Recipe
) -> torch.optim.Optimizer:
    """Build the optimizer; biases and the activations' own parameters don't decay."""
    of_activations = {id(p) for activation in activations for p in activation.parameters()}
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for parameter in network.parameters():
        plain = parameter.ndim < 2 or id(parameter) in of_activations
        (kept if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return OPTIMIZERS[recipe.optimizer](groups, lr=recipe.learning_rate)


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak learning rate at ``step`` = 1 ... ``steps``; above 0 in all."""
    n_rising = max(1.0, warmup * steps)
    return min(step / n_rising, (steps + 1 - step) / (steps + 1 - n_rising))


def sample_order(n_samples: int, batch_size: int, steps: int, rng: torch.Generator) -> Tensor:
    """Return the indices of all batches, (steps, batch_size): one permutation after another."""
    needed = steps * batch_size
    n_epochs = -(-needed // n_samples)
    epochs = [torch.randperm(n_samples, generator=rng) for _ in range(n_epochs)]
    return torch.cat(epochs)[:needed].reshape(steps, batch_size)


def curve_steps(steps: int, n_points: int) -> frozenset[int]:
    """Return at most ``n_points`` steps at which to look at validation, the last among them."""
    return frozenset(max(1, round(steps * k / n_points)) for k in range(1, n_points + 1))


def learned_parameters(activations: list[nn.Module]) -> dict[str, float]:
    """Return what the activations' parameters became, as ``p0[1]``: p0 in the second place."""
    learned = {}
    for position, activation in enumerate(activations):
        for name, parameter in activation.named_parameters():
            value = float(parameter.detach().float().mean())
            if math.isfinite(value):
                learned[f"{name.rpartition('.')[2]}[{position}]"] = value
    return learned
