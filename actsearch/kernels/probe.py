"""A kernel against the eager reference, value and gradients, before it is trusted.

The grid holds what kernels get wrong: kinks (of the primitives, and the formula's own constants) and
their neighbours, both zeros, denormals, all magnitudes, infinities and NaN. How far two correct
programs may be apart at a point is not one number: sin(exp(x)) has no digit left at x = 20 in
float32. It is measured: where the reference in float32 is off its own value in float64, a kernel may
be off as much, and some.
"""

from __future__ import annotations

import functools
import itertools
import math

import torch

from actsearch.expressions import Expression
from actsearch.kernels.autograd import Engine
from actsearch.kernels.eager import EagerEngine

#: Relative error that any point may have, for each type: the figure that values are promised to.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12}
#: How many times the reference's own error a kernel may be off.
SLACK = 16.0
#: Values of the parameters on the two passes over the grid.
PARAMETERS = (1.0, 0.7, -0.4, 1.3, 0.25)

_KINKS = (0.0, 0.5, 1.0, 2.0, 3.0, 6.0)


def disagreement(engine: Engine, dtype: torch.dtype, device: str = "cpu") -> str | None:
    """Compare an engine with the eager one on the probe grid.

    Args:
        engine: What to judge.
        dtype: float32 or float64.
        device: Where to compute.

    Returns:
        What differs, in one line, or None where they agree.
    """
    expression = engine.expression
    reference = EagerEngine(expression)
    n_inputs, names = len(expression.inputs), (*expression.inputs, *expression.parameters)
    x = grid(_constants(expression), dtype).to(device)
    # Further inputs meet every kind of number in another order.
    inputs = [x.roll(61 * k) for k in range(n_inputs)]
    gradient = torch.linspace(-1.5, 2.0, len(x), dtype=dtype)
    for values in _parameter_values(len(expression.parameters)):
        parameters = [torch.tensor(value, dtype=dtype) for value in values]
        found = _all(engine, gradient, [*inputs, *parameters], n_inputs)
        single = _all(reference, gradient, [*inputs, *parameters], n_inputs)
        double = _all(
            reference, gradient.double(), [t.double() for t in (*inputs, *parameters)], n_inputs
        )
        labels = ["value", *(f"gradient of {name}" for name in names)]
        for label, got, near, true in zip(labels, found, single, double, strict=False):
            worst = _worst(got, near, true, dtype)
            if worst is not None:
                at = ", ".join(f"{n}={t[worst].item():.9g}" for n, t in zip(names, inputs, strict=False))
                return (
                    f"the {label} at {at} is {got[worst].item():.9g}, "
                    f"and eager has {near[worst].item():.9g}"
                )
        wrong = _wrong_sums(engine, reference, inputs, parameters, n_inputs)
        if wrong is not None:
            return f"the gradient of {names[n_inputs + wrong]} is not that of eager"
    return None


@functools.lru_cache(maxsize=64)
def grid(constants: tuple[float, ...], dtype: torch.dtype) -> torch.Tensor:
    """Return the points of the probe, sorted, NaN last."""
    info = torch.finfo(dtype)
    edge = math.log10(info.max)
    kinks = {sign * k for k in (*_KINKS, *map(abs, constants)) for sign in (1, -1)}
    exact = torch.tensor(sorted(kinks), dtype=torch.float64).to(dtype)
    up, down = torch.full_like(exact, math.inf), torch.full_like(exact, -math.inf)
    magnitudes = torch.logspace(-edge, edge, 241, dtype=torch.float64).to(dtype)
    denormal = torch.tensor([info.smallest_normal / 2**k for k in (1, 3, 9)], dtype=dtype)
    special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, info.max, -info.max])
    points = torch.cat(
        [
            torch.linspace(-12, 12, 481, dtype=dtype),
            torch.linspace(-110, 110, 221, dtype=dtype),
            exact,
            torch.nextafter(exact, up),
            torch.nextafter(exact, down),
            magnitudes,
            -magnitudes,
            denormal,
            -denormal,
            special.to(dtype),
        ]
    )
    return points[torch.argsort(points, stable=True)]


def _constants(expression: Expression) -> tuple[float, ...]:
    found = {abs(node.value) for node in expression.root.walk() if node.value is not None}
    return tuple(sorted(found))[:16]


def _parameter_values(n: int) -> list[list[float]]:
    if n == 0:
        return [[]]
    first, second = itertools.cycle(PARAMETERS[:1]), itertools.cycle(PARAMETERS[1:])
    return [[next(values) for _ in range(n)] for values in (first, second)]


def _all(
    engine: Engine, gradient: torch.Tensor, tensors: list[torch.Tensor], n_inputs: int
) -> list[torch.Tensor]:
    """Return the value and the gradients of the inputs."""
    needed = (1 << n_inputs) - 1
    return [engine.value(*tensors), *engine.gradients(gradient, needed, *tensors)]


def _worst(
    got: torch.Tensor, near: torch.Tensor, true: torch.Tensor, dtype: torch.dtype
) -> int | None:
    """Return the place of a point that no rounding explains, or None."""
    tiny = torch.finfo(dtype).smallest_normal
    own_error = (near.double() - true).abs().nan_to_num(math.inf, math.inf)
    own_error[near.isnan() & true.isnan()] = 0
    # The error of a single point may be small by luck: that of its neighbours counts as well.
    own_error = torch.nn.functional.max_pool1d(own_error[None, None], 5, 1, 2)[0, 0]
    allowed = TOLERANCES[dtype] * true.abs() + SLACK * own_error + 4 * tiny
    fits = (got.double() - true).abs() <= allowed
    fits |= (got == near) | (got.isnan() & near.isnan()) | (own_error == math.inf)
    # Beyond the largest number of the type both are infinite, on the same side.
    fits |= (got == true.to(dtype)) & got.isinf()
    return None if bool(fits.all()) else int((~fits).nonzero()[0])


def _wrong_sums(
    engine: Engine,
    reference: Engine,
    inputs: list[torch.Tensor],
    parameters: list[torch.Tensor],
    n_inputs: int,
) -> int | None:
    """Return the index of a parameter whose gradient is wrong, one a layer or one a channel."""
    if not parameters:
        return None
    dtype = inputs[0].dtype
    needed = ((1 << len(parameters)) - 1) << n_inputs
    for shape in ((7, 5, 37), (41, 5)):
        n = math.prod(shape)
        calm = [torch.linspace(-2.9, 3.1, n, dtype=dtype).roll(7 * k) for k in range(n_inputs)]
        tensors = [one.reshape(shape) for one in calm]
        gradient = torch.linspace(-1, 2, n, dtype=dtype).roll(5).reshape(shape)
        for n_channels in (1, 5):
            form = (n_channels, *(1,) * (len(shape) - 2))
            own = [p * torch.linspace(1, 1.25, n_channels, dtype=dtype).reshape(form) for p in parameters]
            got = engine.gradients(gradient, needed, *tensors, *own)
            near = reference.gradients(gradient, needed, *tensors, *own)
            wide = [t.double() for t in (*tensors, *own)]
            true = reference.gradients(gradient.double(), needed, *wide)
            sizes = reference.gradients(gradient.double().abs(), needed, *wide)
            for index in range(len(parameters)):
                off = (near[index].double() - true[index]).abs() * SLACK
                scale = n * (true[index].abs().max() + sizes[index].abs().max() + 1)
                fits = (got[index].double() - true[index]).abs() <= off + 10 * TOLERANCES[dtype] * scale
                fits |= (got[index] == near[index]) | ~near[index].isfinite()
                if not bool(fits.all()):
                    return index
    return None
