"""An expression as a torch module, with its learnable parameters."""

from __future__ import annotations

import torch
from torch import nn

from actsearch.errors import BadInput
from actsearch.expressions import Expression, parse
from actsearch.expressions.expression import PARAMETER_START
from actsearch.kernels.backends import compile


class ActivationModule(nn.Module):
    """An elementwise activation; its parameters p0, p1, ... are scalars, one set a module.

    Args:
        expression: A formula of ``x`` and parameters.
        backend: As in ``kernels.compile``.

    Raises:
        BadInput: The formula reads an input besides ``x``.
    """

    def __init__(self, expression: Expression, backend: str = "auto") -> None:
        super().__init__()
        if expression.inputs != ("x",):
            extra = ", ".join(name for name in expression.inputs if name != "x")
            raise BadInput(
                f"'{expression}' reads {extra}; a module of one input reads x and p0, p1 ... only"
            )
        self.expression = expression
        self._backend = backend
        self._kernel = compile(expression, backend)
        for name in expression.parameters:
            self.register_parameter(name, nn.Parameter(torch.tensor(PARAMETER_START)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the activation to a tensor of any shape."""
        parameters = [self.get_parameter(name) for name in self.expression.parameters]
        return self._kernel(x, *parameters)

    def extra_repr(self) -> str:
        """Return the formula, for the module's printed form."""
        return str(self.expression)

    def __getstate__(self) -> dict[str, object]:
        # The kernel is a function made at run time: it is compiled again where it arrives.
        state = self.__dict__.copy()
        del state["_kernel"]
        state["expression"] = str(self.expression)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        expression = parse(str(state["expression"]))
        self.__dict__.update(state | {"expression": expression})
        self._kernel = compile(expression, self._backend)


def module(expression: Expression, backend: str = "auto") -> ActivationModule:
    """Return an expression as a torch module."""
    return ActivationModule(expression, backend)
