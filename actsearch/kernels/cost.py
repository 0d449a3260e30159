"""What an activation costs: measured here and now, or modelled by a number that never changes."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

import torch

from actsearch.errors import BadInput
from actsearch.expressions import Expression
from actsearch.expressions.cost import modelled_cost
from actsearch.kernels.backends import compile

__all__ = ["measured_cost", "modelled_cost"]

#: Short work is repeated within a turn until it takes about so long: the clock and the interpreter
#: then weigh little.
_LEAST_S = 0.002


def measured_cost(
    expression: Expression, device: str = "cpu", n: int = 100_000, repeats: int = 9
) -> float:
    """Measure one step through the compiled kernel, forward and backward together.

    It is no two times the same number, so it must never decide a birth or a score: a search with
    the same seed would then be another one. For decisions there is ``modelled_cost``.

    Args:
        expression: The activation; its inputs are drawn from N(0, 1), always the same ones, its
            parameters stand at their start, one value each.
        device: A torch device. On a CPU one thread is used, as in trainings.
        n: Elements.
        repeats: Turns, of which the median is taken: what else the machine did for a moment does
            not show.

    Returns:
        Nanoseconds an element.

    Raises:
        BadInput: No elements or no turns.
    """
    if n < 1 or repeats < 1:
        raise BadInput(f"a cost needs n >= 1 and repeats >= 1, got n={n} and repeats={repeats}")
    place = torch.device(device)
    rng = torch.Generator().manual_seed(0)
    tensors = [torch.randn(n, generator=rng).to(place) for _ in expression.inputs]
    tensors += [
        torch.tensor(expression.start_of(name), device=place) for name in expression.parameters
    ]
    gradient = torch.randn(n, generator=rng).to(place)
    for tensor in tensors:
        tensor.requires_grad_()
    kernel = compile(expression)

    def step() -> None:
        torch.autograd.grad(kernel(*tensors), tensors, gradient)

    with _one_thread():
        return statistics.median(_turns(step, place, repeats)) / n * 1e9


def _turns(step: Callable[[], None], place: torch.device, repeats: int) -> list[float]:
    """Return the seconds of a step, ``repeats`` times."""

    def timed(n_steps: int) -> float:
        start = time.perf_counter()
        for _ in range(n_steps):
            step()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        return (time.perf_counter() - start) / n_steps

    timed(1)  # compiles, fills caches
    n_steps = max(1, round(_LEAST_S / max(timed(1), 1e-7)))
    return [timed(n_steps) for _ in range(repeats)]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
