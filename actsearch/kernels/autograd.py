"""An expression as one differentiable operation that saves its arguments and nothing else.

Values and gradients come from an engine, which computes on plain tensors. The backward recomputes
the symbolic derivative, whatever the number of operations in the formula; where a second derivative
is asked for, the derivative is itself such an operation. Under ``torch.func.vmap`` the batch is one
more dimension, in front, of the same elementwise operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from actsearch.expressions import Expression
from actsearch.kernels import thrift
from actsearch.kernels.eager import EagerEngine, slope

Operation = Callable[..., torch.Tensor]


class Engine(Protocol):
    """Computes one expression on plain tensors; knows nothing of autograd."""

    @property
    def name(self) -> str:
        """The backend's name."""

    @property
    def expression(self) -> Expression:
        """What it computes."""

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Return the expression's value.

        Args:
            *tensors: The inputs, then the parameters; they broadcast.

        Returns:
            A tensor of their common shape and of the inputs' type, never one of them.
        """

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return ``gradient`` times the derivatives, summed back to the arguments' shapes.

        Args:
            gradient: Of the result's shape.
            needed: Bit k is set where the gradient of argument k is asked for.
            *tensors: As in ``value``.

        Returns:
            One tensor for each set bit, of its argument's shape and type.
        """


@functools.lru_cache(maxsize=8192)
def eager_operation(expression: Expression) -> Operation:
    """Return the differentiable operation of the eager engine."""
    return operation(EagerEngine(expression))


def operation(engine: Engine) -> Operation:
    """Make an engine differentiable, to any order, and usable under torch.func."""
    expression = engine.expression

    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        tensors, wanted = ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():  # a second derivative may be asked for
            return tuple(_terms(expression, tensors, [gradient] * len(tensors), wanted))
        needed = sum(1 << index for index, want in enumerate(wanted) if want)
        compute = Gradients.apply if _in_transform() else engine.gradients
        found = iter(compute(gradient, needed, *tensors))
        return tuple(next(found) if want else None for want in wanted)

    def jvp(ctx: Any, *tangents: torch.Tensor | None) -> torch.Tensor:
        wanted = [tangent is not None for tangent in tangents]
        terms = _terms(expression, ctx.saved_tensors, tangents, wanted, summed=False)
        return functools.reduce(torch.add, (term for term in terms if term is not None))

    class Activation(torch.autograd.Function):
        """The operation as it runs in a training step: this form costs a third of the next."""

        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)
            return engine.value(*tensors)

    class Transformed(torch.autograd.Function):
        """The same under torch.func, which needs the context set up apart."""

        @staticmethod
        def forward(*tensors: torch.Tensor) -> torch.Tensor:
            return engine.value(*tensors)

        @staticmethod
        def setup_context(
            ctx: Any, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor
        ) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def vmap(
            _info: Any, in_dims: tuple[int | None, ...], *tensors: torch.Tensor
        ) -> tuple[torch.Tensor, int]:
            return Transformed.apply(*_batch_in_front(tensors, in_dims)), 0

    class Gradients(torch.autograd.Function):
        """A backward whose gradients come in a batch, as for a Jacobian."""

        @staticmethod
        def forward(
            gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
        ) -> tuple[torch.Tensor, ...]:
            return engine.gradients(gradient, needed, *tensors)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass  # never differentiated: a second derivative takes the other way

        @staticmethod
        def vmap(
            info: Any, in_dims: Any, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
        ) -> tuple[tuple[torch.Tensor, ...], tuple[int, ...]]:
            n, dims = info.batch_size, (in_dims[0], *in_dims[2:])
            # Each sample has a gradient of its own, also of what the samples share.
            batched = [
                tensor.expand(n, *tensor.shape[1:])
                for tensor in _batch_in_front((gradient, *tensors), dims)
            ]
            found = Gradients.apply(batched[0], needed, *batched[1:])
            shapes = [
                _without(tensor.shape, dim)
                for index, (tensor, dim) in enumerate(zip(tensors, dims[1:], strict=True))
                if needed >> index & 1
            ]
            pairs = zip(found, shapes, strict=True)
            return tuple(one.reshape(n, *shape) for one, shape in pairs), (0,) * len(shapes)

    for form in (Activation, Transformed):
        form.backward = staticmethod(backward)  # type: ignore[method-assign]
        form.jvp = staticmethod(jvp)  # type: ignore[method-assign]

    def apply(*tensors: torch.Tensor) -> torch.Tensor:
        if _in_transform():
            transformed: torch.Tensor = Transformed.apply(*tensors)
            return transformed
        result: torch.Tensor = Activation.apply(*tensors)
        thrift.note(result, engine.value, tensors)
        return result

    return apply


#: Whether torch.func is at work; torch's own Function asks the same. Where a later torch has it no
#: more, every call takes the form that works always.
_in_transform: Callable[[], bool] = getattr(
    torch._C, "_are_functorch_transforms_active", lambda: True
)


def _terms(
    expression: Expression,
    tensors: Sequence[torch.Tensor],
    factors: Sequence[torch.Tensor | None],
    wanted: Sequence[bool],
    *,
    summed: bool = True,
) -> list[torch.Tensor | None]:
    """Return each factor times the derivative by its argument, in operations with derivatives.

    ``summed`` brings a term to the shape and type of its argument, as a gradient has it.
    """
    by_name = dict(zip((*expression.inputs, *expression.parameters), tensors, strict=True))
    terms: list[torch.Tensor | None] = []
    for (name, tensor), factor, want in zip(by_name.items(), factors, wanted, strict=True):
        if not want or factor is None:
            terms.append(None)
            continue
        derivative = slope(expression, name)
        read = [by_name[read] for read in (*derivative.inputs, *derivative.parameters)]
        term = factor * eager_operation(derivative)(*read)
        terms.append(term.sum_to_size(tensor.shape).to(tensor.dtype) if summed else term)
    return terms


def _batch_in_front(
    tensors: Sequence[torch.Tensor], dims: Sequence[int | None]
) -> list[torch.Tensor]:
    """Move each batch dimension to the front (1 where there is none) and level the ranks."""
    ranks = [t.ndim - (d is not None) for t, d in zip(tensors, dims, strict=True)]
    rank = max(ranks)
    moved = []
    for tensor, dim in zip(tensors, dims, strict=True):
        front = tensor.unsqueeze(0) if dim is None else tensor.movedim(dim, 0)
        missing = rank + 1 - front.ndim
        moved.append(front.reshape(front.shape[0], *(1,) * missing, *front.shape[1:]))
    return moved


def _without(shape: torch.Size, dim: int | None) -> list[int]:
    return [size for index, size in enumerate(shape) if dim is None or index != dim % len(shape)]
