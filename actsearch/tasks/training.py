"""The training loop, from top to bottom: what one candidate goes through to get its score.

AdamW or SGD, a one-cycle learning rate, batches by index from the memory-mapped training split,
bfloat16 where the device has it. Weights, order of samples and augmentation come from the seed
alone, so that candidates differ by their activation and nothing else, and are compared in pairs.
On a CPU the same seed gives the same numbers to the last bit for a fixed count of torch threads.
The first step doubles as a probe: where no signal comes through, the training ends with it.
An observer may look in at steps that it names; what it sees moves no score.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass

import torch
from torch import nn

from actsearch.kernels.thrift import thrifty
from actsearch.tasks import protocol
from actsearch.tasks.data import TrainingData
from actsearch.tasks.equal import n_parameters
from actsearch.tasks.feed import (
    EVALUATION_BATCH,
    Feed,
    autocast,
    evaluate,
    sample_order,
    shared_feed,
)
from actsearch.tasks.goals import CLASSIFICATION, Goal
from actsearch.tasks.initialisation import (
    gains_behind,
    initialise,
    measured_gain,
    own_gain,
    scale_to_batch,
)
from actsearch.tasks.protocol import Pace
from actsearch.tasks.recipe import (
    AUGMENTATIONS,
    SCHEDULES,
    SHORT_CURVE_POINTS,
    Recipe,
    clip_gradients,
    curve_steps,
    make_optimizer,
)
from actsearch.tasks.signal import Signal, fault, probing
from actsearch.tasks.target import Target
from actsearch.tasks.units import MakeActivation, MakeNetwork, Noting
from actsearch.tasks.watch import Watch

LOOP_VERSION = 3  # raise it with every change that moves scores: runs of two versions don't mix

STEPS_BETWEEN_LOOKS = 4  # at the clock
THRIFTY_FROM = 4  # activation layers


@dataclass(frozen=True)
class Outcome:
    """How a training ended: the fields of a ``Record`` that it decides, and the network."""

    status: str
    score: float | None
    metrics: dict[str, float]
    curve: tuple[tuple[int, float, float], ...]
    network: nn.Module
    message: str = ""


class Observer:
    """Looks at a network while it trains; this one never does, and others derive from it.

    ``steps`` says after how many optimizer steps; 0 is before the first.
    """

    steps: frozenset[int] = frozenset()

    def look(
        self, step: int, network: nn.Module, activations: list[nn.Module], feed: Feed, goal: Goal
    ) -> None:
        """Look at a network; weights and random state have to stay as they are.

        Args:
            step: how many optimizer steps were made, one of ``steps``.
            network: in training mode, which it has to be in afterwards; gradients may be lost.
            activations: its activation modules, in the order in which they were built.
            feed: the task's data.
            goal: what the outputs are for.
        """


NO_OBSERVER = Observer()


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
    pace: Pace = (),
    goal: Goal = CLASSIFICATION,
    score: str = "",
    until: Target | None = None,
    brief: bool = False,
    observer: Observer = NO_OBSERVER,
    gain: float | None = None,
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
        pace: points (step, least score); at those among the curve's the training ends if it is
            behind.
        goal: what the outputs are for: the loss, what is counted, and the scores.
        score: the key of one of its scores; "" for the first.
        until: end the training, with status "ok", as soon as this is reached; ``reached_step`` and
            ``reached_s`` (seconds of training, validation left out) are metrics then.
        brief: look at validation a few times only, score by the recipe's ``short_samples``, and
            leave the layers out of the metrics.
        observer: looks at the network on the way.
        gain: of the initial weights of all layers that see activations; None: the one that suits
            the activation, or the network's own.

    Returns:
        The outcome; status "diverged" at the first loss that is not finite, "no signal" if nothing
        sensible comes through the network as it is initialised (unless the goal knows why the first
        loss is not finite, which is "diverged"), "pruned" behind the pace, "stopped"
        once the deadline has passed.

    Raises:
        Exception: whatever the activation or the network raises.
    """
    place = torch.device(device)
    weights_rng, order_rng, augment_rng, second_rng = (
        torch.Generator().manual_seed(1_000_003 * seed + stream) for stream in range(4)
    )
    with contextlib.ExitStack() as stack:
        # What a network draws by itself (its own layers, dropout) comes from the seed as well, and
        # the random state of the calling program is left as it was.
        forked = [place] if place.type == "cuda" else []
        stack.enter_context(torch.random.fork_rng(devices=forked))
        torch.manual_seed(seed)

        factory = Noting(make_activation)
        network, activations = make_network(factory), factory.built
        has_overlap = "o" in factory.inputs  # which depends on weights and inputs at hand
        is_given = gain is not None
        if gain is None:
            gain = own_gain(network)
        if gain is None:
            gain = 1.0 if has_overlap else measured_gain(factory.sample())
        after = {} if is_given else gains_behind(make_activation, activations)
        initialise(network, gain, weights_rng, second_rng, data.rms, after)
        network.to(place)
        parameters = list(network.parameters())
        optimizer = make_optimizer(network, activations, recipe)
        schedule = SCHEDULES[recipe.schedule]
        # In a shallow network the memory's peak is a single layer's, whatever else is kept.
        keeping = thrifty if len(activations) >= THRIFTY_FROM else contextlib.nullcontext

        feed, augment = shared_feed(data, place), AUGMENTATIONS[recipe.augmentation]
        order = sample_order(len(data.train), recipe.batch_size, steps, order_rng).to(place)
        if has_overlap and not is_given:
            scale_to_batch(network, feed.train_batch(order[0])[0])
        n_points = min(recipe.curve_points, SHORT_CURVE_POINTS) if brief else recipe.curve_points
        points = curve_steps(steps, n_points)
        score_samples = recipe.short_samples if brief else None  # None: all
        watch = Watch(until, pace, place, goal)
        scored_by = goal.score(score)
        curve: list[tuple[int, float, float]] = []
        sum_of_losses, n_losses = torch.zeros((), device=place), 0
        # Reading the loss makes a GPU wait; a NaN stays in the sum until it is looked at.
        steps_between_reads = 1 if place.type == "cpu" else 10

        def ended(status: str, message: str = "") -> Outcome:
            return Outcome(status, None, {}, tuple(curve), network, message)

        network.train()
        if 0 in observer.steps:
            observer.look(0, network, activations, feed, goal)
        for step in range(1, steps + 1):
            if deadline is not None and step % STEPS_BETWEEN_LOOKS == 1 and time.time() > deadline:
                return ended(protocol.STOPPED)

            inputs, targets = feed.train_batch(order[step - 1])
            inputs = augment(inputs, augment_rng)
            optimizer.zero_grad(set_to_none=True)
            # The first step is the probe, too: hooks read what passes and change no number.
            with probing(activations if step == 1 else ()) as probe:
                with autocast(place), keeping():
                    outputs = network(inputs).float()
                    loss = goal.loss(outputs, targets)
                loss.backward()
            if step == 1:
                first_loss = float(loss.detach())
                said = "" if math.isfinite(first_loss) else goal.reason(outputs.detach())
                if said:
                    return ended(protocol.DIVERGED, said)
                reason = fault(probe.signal(first_loss), recipe.signal)
                if reason is not None:
                    return ended(protocol.NO_SIGNAL, reason)
            # Without a bound, one outsized gradient ends the training of many a steep candidate.
            clip_gradients(parameters, recipe.clip_norm)
            for group in optimizer.param_groups:
                rate = recipe.learning_rate * schedule(step, steps, recipe.warmup)
                group["lr"] = rate * group["factor"]
            optimizer.step()

            sum_of_losses += loss.detach()
            n_losses += 1
            watch.note(step, loss, outputs, targets)
            reads = step % steps_between_reads == 0 or step in points
            if reads and not math.isfinite(float(sum_of_losses)):
                return ended(protocol.DIVERGED, goal.reason(outputs.detach()))
            if step in observer.steps:
                observer.look(step, network, activations, feed, goal)
            reached = reads and watch.training_reached(step)
            if step in points or reached:
                limit = score_samples if step == steps or reached else recipe.curve_samples
                with watch.away() as stopped:
                    measured = evaluate(network, feed, limit, goal)
                    if watch.validation_reached(step, measured, stopped):
                        reached = True
                        if limit != score_samples:
                            measured = evaluate(network, feed, score_samples, goal)
                if not math.isfinite(measured.loss):
                    return ended(protocol.DIVERGED)
                train_loss = float(sum_of_losses) / n_losses
                sum_of_losses, n_losses = torch.zeros_like(sum_of_losses), 0
                value = scored_by.of(measured)
                curve.append((step, train_loss, value))
                behind = watch.behind(step, value)
                if behind:
                    return ended(protocol.PRUNED, behind)
                if reached:
                    break

        metrics = {
            "train_loss": train_loss,
            **measured.metrics("validation"),
            **watch.reached,
            **learned_parameters(activations),
        }
        if not brief:
            metrics["n_parameters"] = float(n_parameters(network))
            metrics |= final_signal(network, activations, feed, goal).metrics()
        return Outcome(protocol.OK, value, metrics, tuple(curve), network)


def final_signal(
    network: nn.Module, activations: list[nn.Module], feed: Feed, goal: Goal = CLASSIFICATION
) -> Signal:
    """Measure the activation layers on the first validation samples; the weights stay."""
    network.eval()
    network.zero_grad(set_to_none=True)
    inputs, targets = feed.validation_batch(slice(0, EVALUATION_BATCH))
    with probing(activations, keeps_inputs=True) as probe, autocast(inputs.device):
        loss = goal.loss(network(inputs).float(), targets)
    loss.backward()
    network.zero_grad(set_to_none=True)
    network.train()
    return probe.signal(float(loss.detach()))


def learned_parameters(activations: list[nn.Module]) -> dict[str, float]:
    """Return what the activations' parameters became, as ``p0[1]``: p0 in the second place.

    Of one with several values, as one a channel, it is their mean, and ``p0_sd[1]`` is their
    standard deviation.
    """
    learned = {}
    for position, activation in enumerate(activations):
        for path, parameter in activation.named_parameters():
            name, values = path.rpartition(".")[2], parameter.detach().float()
            learned[f"{name}[{position}]"] = float(values.mean())
            if values.numel() > 1:
                learned[f"{name}_sd[{position}]"] = float(values.std(correction=0))
    return {name: value for name, value in learned.items() if math.isfinite(value)}
