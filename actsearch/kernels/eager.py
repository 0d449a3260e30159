"""The eager backend: straight-line torch code for a formula and for its derivatives.

The text is generated from the validated tree, one assignment an operation, and compiled once. No
name in it comes from a user: variables are x, u, o, p0 ..., temporaries t1, t2 ... . It runs
wherever torch does, and it is what the other backends are held against.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.expressions.dialects import TORCH, lines
from actsearch.expressions.lowering import lower
from actsearch.kernels import dtypes

#: Takes tensors, gives a tensor.
Function = Callable[..., torch.Tensor]


def source(expression: Expression, arguments: tuple[str, ...], name: str) -> str:
    """Return a Python function that computes an expression from tensors ``arguments``."""
    body = lines(lower([expression.root], arguments), TORCH, result="y")
    return "\n".join([f"def {name}({', '.join(arguments)}):", *(f"    {line}" for line in body),
                      "    return y", ""])  # fmt: skip


@functools.lru_cache(maxsize=4096)
def function(expression: Expression, arguments: tuple[str, ...]) -> Function:
    """Compile an expression to a plain torch function, differentiable by autograd's own rules."""
    namespace: dict[str, Any] = {"torch": torch, "math": math}
    text = source(expression, arguments, "f")
    exec(compile(text, f"<actsearch {str(expression)[:60]}>", "exec"), namespace)  # noqa: S102 - text of our own making
    compiled: Function = namespace["f"]
    return compiled


@functools.lru_cache(maxsize=8192)
def slope(expression: Expression, wrt: str) -> Expression:
    """Return the derivative, kept for the next who asks."""
    return expression.derivative(wrt)


class EagerEngine:
    """An expression and its gradients, one torch operation after another. Implements ``Engine``."""

    name = "eager"

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.arguments = (*expression.inputs, *expression.parameters)
        self._n_inputs = len(expression.inputs)
        self._function = function(expression, self.arguments)
        self._slopes: dict[int, Function] = {}

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """See ``Engine.value``."""
        computed, result = dtypes.widened(tensors, self._n_inputs)
        value = self._function(*computed)
        shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors))
        # A formula that ignores an argument still has the shape of all. One that is an argument
        # gives a view of it, since autograd would refuse to save the argument itself.
        whole = value.shape == shape and all(value is not tensor for tensor in tensors)
        return (value if whole else value.expand(shape)).to(result)

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``."""
        self.get_ready(needed)
        computed, _ = dtypes.widened(tensors, self._n_inputs)
        wide = gradient.to(computed[0].dtype)
        found = []
        for index, tensor in enumerate(tensors):
            if needed >> index & 1:
                product = wide * self._slopes[index](*computed)
                found.append(product.sum_to_size(tensor.shape).to(tensor.dtype))
        return tuple(found)

    def get_ready(self, needed: int) -> None:
        """Derive and compile what ``gradients`` needs, so that a tracer meets torch code alone."""
        for index, name in enumerate(self.arguments):
            if needed >> index & 1 and index not in self._slopes:
                self._slopes[index] = function(slope(self.expression, name), self.arguments)
