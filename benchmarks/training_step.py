"""A training step with eager candidates, native candidates, F.silu and ReLU: time and memory.

The step is that of the shipped tasks (forward, backward, clipping, optimizer) on random images of
their shapes. Candidates are random expressions of the default space and three known activations.
Times are taken in turns; memory is the peak of what one step allocates.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
from collections.abc import Callable, Iterator

import torch
from torch import nn

from actsearch import kernels
from actsearch.expressions import Expression, parse
from actsearch.kernels.thrift import thrifty
from actsearch.tasks.shipped import shipped_task
from actsearch.tasks.training import THRIFTY_FROM, make_optimizer
from benchmarks._timing import alternate, keep_memory, machine, ratio, spread
from benchmarks.kernels import random_expressions

TASKS = {"mnist-mlp": (1, 28, 28), "fashion-cnn": (1, 28, 28), "cifar10-cnn": (3, 32, 32)}
N_RANDOM = 9
Make = Callable[[], nn.Module]


def deep(make: Make) -> nn.Module:
    """Eight convolutions of one size: what a network of many layers keeps."""
    layers: list[nn.Module] = []
    for width in (3, *(32,) * 7):
        layers += [nn.Conv2d(width, 32, 3, padding=1), make()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def training_step(
    task: str, make: Make, inputs: torch.Tensor, labels: torch.Tensor
) -> Callable[[], object]:
    """Return one step of a task with an activation, as the training loop makes it."""
    activations: list[nn.Module] = []

    def noted() -> nn.Module:
        activations.append(make())
        return activations[-1]

    recipe = shipped_task("cifar10-cnn" if task == "deep" else task).recipe
    network = deep(noted) if task == "deep" else shipped_task(task).network(noted)
    optimizer = make_optimizer(network, activations, recipe)
    keeping = thrifty if len(activations) >= THRIFTY_FROM else contextlib.nullcontext

    def run() -> None:
        with keeping():
            loss = nn.functional.cross_entropy(network(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # last, so that each step begins with nothing

    return run


def peak_bytes(step: Callable[[], object]) -> int:
    """Return the most memory allocated at once in a step, beyond what it began with."""
    step()
    with _no_messages(), torch.profiler.profile(profile_memory=True) as profile:
        step()
    events = profile.profiler.kineto_results.events()
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak


@contextlib.contextmanager
def _no_messages() -> Iterator[None]:
    # The profiler writes to the file descriptor of standard error, past Python.
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--tasks", nargs="*", default=[*TASKS, "deep"])
    options = parser.parse_args()
    keep_memory()
    torch.manual_seed(options.seed)
    print(f"{machine()}, seed {options.seed}, {options.repeats} turns")
    candidates: list[Expression] = random_expressions(N_RANDOM, options.seed)
    candidates += [parse(text) for text in ("silu(x)", "gelu(x)", "mish(x)")]
    kernels.prepare(candidates)
    print("\n| step of | ReLU ms | native / ReLU | eager / ReLU | F.silu / ReLU | eager / native "
          "| memory: native / ReLU | F.silu / ReLU | eager / ReLU |")  # fmt: skip
    print("|---" * 9 + "|")
    for task in options.tasks:
        shape = TASKS.get(task, (3, 16, 16))
        n = 64 if task == "deep" else shipped_task(task).recipe.batch_size
        inputs, labels = torch.randn(n, *shape), torch.randint(0, 10, (n,))
        makes: dict[str, Make] = {"ReLU": nn.ReLU, "F.silu": nn.SiLU}
        for expression in candidates:
            for backend in ("native", "eager"):
                makes[f"{backend} {expression}"] = lambda e=expression, b=backend: e.module(b)  # type: ignore[misc]
        steps = {name: training_step(task, make, inputs, labels) for name, make in makes.items()}
        times = alternate(steps, repeats=options.repeats)
        memory = {
            name: peak_bytes(step) / peak_bytes(steps["ReLU"]) for name, step in steps.items()
        }

        def over_relu(kind: str, times: dict[str, list[float]] = times) -> list[float]:
            return [ratio(t, times["ReLU"]) for name, t in times.items() if name.startswith(kind)]

        gains = [ratio(times[f"eager {e}"], times[f"native {e}"]) for e in candidates]
        held = {
            kind: statistics.median(m for name, m in memory.items() if name.startswith(kind))
            for kind in ("native", "F.silu", "eager")
        }
        cells = [
            f"{statistics.median(times['ReLU']) * 1e3:.2f}",
            *(spread(over_relu(kind)) for kind in ("native", "eager", "F.silu")),
            spread(gains),
            *(f"{held[kind]:.2f}" for kind in ("native", "F.silu", "eager")),
        ]
        print(f"| {task} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
