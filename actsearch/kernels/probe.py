"""A kernel against the eager reference, value and gradients, before it is trusted.

The grid holds what kernels get wrong: kinks (of the primitives, and the formula's own constants)
and their neighbours, both zeros, denormals, all magnitudes, infinities and NaN. How far two correct
programs may be apart at a point is not one number: sin(exp(x)) has no digit left at x = 20 in
float32. It is measured: a kernel may be off some times as much as the reference in float32 is off
its own value in float64, or as the value moves when the point moves by a few roundings, or each
operation on the way by one (``rounding``).
"""

from __future__ import annotations

import functools
import itertools
import math

import torch

from actsearch.expressions import Expression
from actsearch.kernels.autograd import Engine
from actsearch.kernels.eager import EagerEngine, slope
from actsearch.kernels.rounding import clashes, shaken

#: Relative error that any point may have; float32 has the figure that values are promised to.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-9}
#: How many times the reference's own error a kernel may be off.
SLACK = 32.0
#: Relative move of a point, in roundings, that shows how steep the function is there.
NUDGE = 4.0
#: Absolute error that any point may have. GPUs flush denormal intermediates to zero, and a factor
#: multiplies what is lost: (x*tanh(softplus(x)))(-90) is -7e-38 or 0.
LOST = {"cpu": 4 * torch.finfo(torch.float32).smallest_normal, "cuda": 1e-30}
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
    x = grid(_constants(expression)).to(device)
    # Further inputs meet every kind of number in another order.
    inputs = [x.roll(61 * k) for k in range(n_inputs)]
    at_end = functools.reduce(torch.logical_or, (~one.isfinite() for one in inputs))
    # Products of denormal numbers round to ties or not, and slopes of max and min hang on that.
    tiny = torch.finfo(torch.float32).smallest_normal
    denormal = functools.reduce(
        torch.logical_or, ((one != 0) & (one.abs() < tiny) for one in inputs)
    )
    gradient = torch.linspace(-1.5, 2.0, len(x), device=device)
    lost = LOST.get(x.device.type, LOST["cuda"])
    for values in _parameter_values(len(expression.parameters)):
        parameters = [torch.tensor(value, device=device) for value in values]

        def computed(by: Engine, form: torch.dtype, nudge: float = 0.0) -> list[torch.Tensor]:
            points = [one.to(form) * (1 + nudge) for one in inputs]
            fixed = [one.to(form) for one in parameters]  # noqa: B023 - called in this turn
            slopes = by.gradients(gradient.to(form), (1 << n_inputs) - 1, *points, *fixed)
            return [by.value(*points, *fixed), *slopes]

        found = computed(engine, dtype)
        near, true = computed(reference, torch.float32), computed(reference, torch.float64)
        moved = computed(reference, torch.float64, NUDGE * torch.finfo(torch.float32).eps)
        own = near if dtype == torch.float32 else true
        labels = ["value", *(f"gradient of {name}" for name in names)]
        nodes = [expression.root, *(slope(expression, name).root for name in expression.inputs)]
        moves = shaken(nodes, names, [*(one.double().cpu().numpy() for one in inputs), *values])
        for index, got in enumerate(found):
            factor = gradient.abs() if index else 1.0
            move = torch.from_numpy(moves[index]).to(device) * factor
            own_error = _own_error(near[index], true[index], moved[index], at_end)
            own_error = torch.maximum(own_error, move)
            if index and len(got) == len(denormal):
                own_error[denormal] = math.inf
            lone = got.isnan() & own[index].isinf() | got.isinf() & own[index].isnan()
            if bool((lone & ~at_end).any()) and len(got) == len(at_end):
                clash = clashes(
                    nodes[index], names, [*(one.cpu().numpy() for one in inputs), *values]
                )
                own_error[lone & ~at_end & torch.from_numpy(clash).to(device)] = math.inf
            worst = _worst(got, own[index], own_error, lost)
            if worst is not None:
                at = ", ".join(
                    f"{name}={one[worst].item():.9g}"
                    for name, one in zip(names, inputs, strict=False)
                )
                return (
                    f"the {labels[index]} of '{expression}' at {at} is {got[worst].item():.9g}, "
                    f"and eager has {own[index][worst].item():.9g}"
                )
        wrong = _wrong_with_channels(engine, reference, dtype, parameters, device)
        if wrong is not None:
            label = ["value", *(f"gradient of {name}" for name in names)][wrong]
            return f"the {label} of '{expression}' is not eager's"
    return None


@functools.lru_cache(maxsize=64)
def grid(constants: tuple[float, ...]) -> torch.Tensor:
    """Return the points of the probe in float32, sorted, NaN last."""
    dtype = torch.float32
    info = torch.finfo(dtype)
    edge = math.log10(info.max)
    kinks = {sign * k for k in (*_KINKS, *map(abs, constants)) for sign in (1, -1)}
    exact = torch.tensor(sorted(kinks), dtype=torch.float64, device="cpu").to(dtype)
    up, down = torch.full_like(exact, math.inf), torch.full_like(exact, -math.inf)
    magnitudes = torch.logspace(-edge, edge, 241, dtype=torch.float64, device="cpu").to(dtype)
    denormal = torch.tensor(
        [info.smallest_normal / 2**k for k in (1, 3, 9)], dtype=dtype, device="cpu"
    )
    special = torch.tensor(
        [0.0, -0.0, math.inf, -math.inf, math.nan, info.max, -info.max], device="cpu"
    )
    points = torch.cat(
        [
            torch.linspace(-12, 12, 481, dtype=dtype, device="cpu"),
            torch.linspace(-110, 110, 221, dtype=dtype, device="cpu"),
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


def _own_error(
    near: torch.Tensor, true: torch.Tensor, moved: torch.Tensor, at_end: torch.Tensor
) -> torch.Tensor:
    """Return how far off float32 is at each point by itself; infinite where it says nothing.

    Args:
        near: The reference in float32.
        true: The same in float64.
        moved: In float64, at points that were moved a little.
        at_end: Whether a point is infinite or NaN; its neighbours say nothing of it.
    """
    same = near.isnan() & true.isnan() | (near == true)
    rounding = torch.where(same, 0.0, (near.double() - true).abs().nan_to_num(math.inf, math.inf))
    same = moved.isnan() & true.isnan() | (moved == true)
    steepness = torch.where(same, 0.0, (moved - true).abs().nan_to_num(math.inf, math.inf))
    # The error of a single point may be small by luck: that of its neighbours counts as well.
    around = torch.nn.functional.max_pool1d(rounding[None, None], 9, 1, 4)[0, 0]
    return torch.maximum(torch.where(at_end, rounding, around), steepness)


def _worst(
    got: torch.Tensor, own: torch.Tensor, own_error: torch.Tensor, lost: float
) -> int | None:
    """Return the place of a point that no rounding explains, or None.

    Args:
        got: What is judged.
        own: The reference in the same type.
        own_error: As ``_own_error`` gives it, for float32.
        lost: Absolute error that is allowed everywhere.
    """
    info = torch.finfo(got.dtype)
    scale = info.eps / torch.finfo(torch.float32).eps
    allowed = TOLERANCES[got.dtype] * own.double().abs() + SLACK * scale * own_error
    allowed += lost
    # Any number is within a share of an infinite one: there it has to be the same.
    fits = ((got.double() - own.double()).abs() <= allowed) & own.isfinite()
    fits |= (got == own) | (got.isnan() & own.isnan()) | (own_error == math.inf)
    if got.dtype == torch.float64:  # where float32 keeps no digit it can't tell what float64 keeps
        fits |= own_error > 1e-3 * own.abs()
    return None if bool(fits.all()) else int((~fits).nonzero()[0])


def _wrong_with_channels(
    engine: Engine,
    reference: Engine,
    dtype: torch.dtype,
    parameters: list[torch.Tensor],
    device: str,
) -> int | None:
    """Compare value and all gradients for parameters of one value a layer, and one a channel.

    On inputs of moderate size, so that sums over them mean something.

    Returns:
        0 where the value is wrong, 1 and up for the gradients, None where all agree.
    """
    if not parameters:
        return None
    n_inputs = len(engine.expression.inputs)
    needed = (1 << (n_inputs + len(parameters))) - 1
    for shape in ((7, 5, 75), (7, 5, 3), (41, 5)):
        n = math.prod(shape)
        calm = torch.linspace(-2.9, 3.1, n, dtype=dtype, device=device)
        inputs = [calm.roll(7 * k).reshape(shape) for k in range(n_inputs)]
        gradient = torch.linspace(-1, 2, n, dtype=dtype, device=device).roll(5).reshape(shape)
        for n_channels in (1, 5):
            form = (n_channels, *(1,) * (len(shape) - 2))
            spread = torch.linspace(1, 1.25, n_channels, dtype=dtype, device=device).reshape(form)
            tensors = [*inputs, *(parameter.to(dtype) * spread for parameter in parameters)]
            wide = [tensor.double() for tensor in tensors]

            def computed(by: Engine, g: torch.Tensor, on: list[torch.Tensor]) -> list[torch.Tensor]:
                return [by.value(*on), *by.gradients(g, needed, *on)]

            found = computed(engine, gradient, tensors)
            near, true = (
                computed(reference, gradient, tensors),
                computed(reference, gradient.double(), wide),
            )
            # Sums whose terms cancel are judged by the size of the terms.
            size = computed(reference, gradient.double().abs(), wide)
            for index, got in enumerate(found):
                off = (near[index].double() - true[index]).abs().nan_to_num(math.inf).max() * SLACK
                allowed = off + 10 * TOLERANCES[dtype] * (size[index].abs() + 1)
                fits = (got.double() - true[index]).abs() <= allowed
                fits |= (got == near[index]) | ~near[index].isfinite()
                if not bool(fits.all()):
                    return index
    return None
