"""An expression as one differentiable operation that saves its inputs and nothing else.

The backward recomputes the symbolic derivative, whatever the number of operations in the formula.
Where a second derivative is asked for, the derivative is itself such an operation.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.expressions.lowering import lower
from actsearch.kernels import eager


@functools.lru_cache(maxsize=4096)
def operation(expression: Expression, arguments: tuple[str, ...]) -> type[torch.autograd.Function]:
    """Build the autograd function of an expression over tensors ``arguments``.

    Args:
        expression: What to compute.
        arguments: Names of its inputs and parameters, in the order they are passed; broadcasting
            follows torch, and gradients are summed back to each argument's shape.
    """
    value = eager.function(expression, arguments)
    if not _reads_all(expression, arguments):
        value = functools.partial(_broadcast, value)

    class Activation(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*tensors: torch.Tensor) -> torch.Tensor:
            return value(*tensors)

        @staticmethod
        def setup_context(
            ctx: Any, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor
        ) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> Any:
            tensors = ctx.saved_tensors
            gradients: list[torch.Tensor | None] = []
            for index, name in enumerate(arguments):
                if not ctx.needs_input_grad[index]:
                    gradients.append(None)
                    continue
                slope = _slope(expression, arguments, name)
                gradients.append((gradient * slope(*tensors)).sum_to_size(tensors[index].shape))
            return tuple(gradients)

    return Activation


def _reads_all(expression: Expression, arguments: tuple[str, ...]) -> bool:
    """Tell whether the result is computed from every argument, so that its shape is theirs."""
    program = lower([expression.root], arguments)
    read = {arg for step in program.instructions for arg in step.args if isinstance(arg, int)}
    (output,) = program.outputs
    computed = isinstance(output, int) and output >= len(arguments)
    return computed and read >= set(range(len(arguments)))


def _broadcast(value: eager.Function, *tensors: torch.Tensor) -> torch.Tensor:
    """Give a result that ignores an argument, or is one, the shape of all: ``p0``, ``2``, ``x``.

    It is a view, never an argument itself, which autograd would refuse to save.
    """
    return value(*tensors).expand(torch.broadcast_shapes(*(tensor.shape for tensor in tensors)))


@functools.lru_cache(maxsize=4096)
def _derivative(expression: Expression, wrt: str) -> Expression:
    return expression.derivative(wrt)


def _slope(expression: Expression, arguments: tuple[str, ...], wrt: str) -> eager.Function:
    slope = _derivative(expression, wrt)
    if torch.is_grad_enabled():  # a second derivative may be asked for
        return operation(slope, arguments).apply
    return eager.function(slope, arguments)
