"""An expression as one differentiable operation that saves its inputs and nothing else.

The backward recomputes the symbolic derivative, whatever the number of operations in the formula.
Where a second derivative is asked for, the derivative is itself such an operation.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from actsearch.expressions import Expression
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


@functools.lru_cache(maxsize=4096)
def _derivative(expression: Expression, wrt: str) -> Expression:
    return expression.derivative(wrt)


def _slope(expression: Expression, arguments: tuple[str, ...], wrt: str) -> eager.Function:
    slope = _derivative(expression, wrt)
    if torch.is_grad_enabled():  # a second derivative may be asked for
        return operation(slope, arguments).apply
    return eager.function(slope, arguments)
