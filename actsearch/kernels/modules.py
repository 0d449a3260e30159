"""An expression as a torch module, with its learnable parameters."""

from __future__ import annotations

import torch
from torch import nn

from actsearch.errors import BadInput
from actsearch.expressions import Expression, parse
from actsearch.kernels.backends import compile


class ActivationModule(nn.Module):
    """An elementwise activation; its parameters p0, p1, ... are one number each, or one a channel.

    They start where the formula says, 1 where it says nothing.

    Args:
        expression: A formula of ``x``, perhaps of ``u`` and ``o`` too, and parameters. One that is
            per channel needs ``n_channels``.
        backend: As in ``kernels.compile``.
        n_channels: Give every parameter one value a channel, for inputs (n, channels, ...), as
            ``torch.nn.PReLU`` has it; None for one value a layer.

    Raises:
        BadInput: The formula is per channel and the channels are not said, or there are none.
    """

    def __init__(
        self, expression: Expression, backend: str = "auto", n_channels: int | None = None
    ) -> None:
        super().__init__()
        whole = isinstance(n_channels, int) and not isinstance(n_channels, bool)
        if n_channels is not None and not (whole and n_channels >= 1):
            raise BadInput(
                f"n_channels must be a whole number from 1 on, or None, got {n_channels!r}"
            )
        if expression.per_channel and n_channels is None:
            raise BadInput(
                f"'{expression}' has parameters of one value a channel, so a module of it needs "
                "their number, as in n_channels=64"
            )
        self.expression = expression
        self.n_channels = n_channels
        self._backend = backend
        self._kernel = compile(expression, backend)
        for name in expression.parameters:
            shape = () if n_channels is None else (n_channels,)
            self.register_parameter(
                name, nn.Parameter(torch.full(shape, expression.start_of(name)))
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """What ``forward`` takes, in this order: of ``x``, ``u``, ``o`` those that are read."""
        return self.expression.inputs

    def forward(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        """Apply the activation to a tensor of any shape; with channels, to (n, channels, ...).

        Args:
            x: The pre-activations.
            *others: ``u`` and ``o``, of the shape of ``x``, where the formula reads them.

        Raises:
            BadInput: The tensor does not have the channels that the parameters are for, or there
                are not as many tensors as the formula has inputs.
        """
        if len(others) != len(self.inputs) - 1:
            raise BadInput(
                f"'{self.expression}' reads {', '.join(self.inputs)}, got {1 + len(others)} "
                f"tensor{'s' if others else ''}; a layer that gives more than x is built by "
                "actsearch.tasks.units.unit"
            )
        parameters: list[torch.Tensor] = [
            getattr(self, name)  # what torch.func put in the place of a parameter is not one
            for name in self.expression.parameters
        ]
        if parameters and self.n_channels is not None:
            if x.ndim < 2 or x.shape[1] != self.n_channels:
                raise BadInput(
                    f"'{self.expression}' has parameters for (n, {self.n_channels}, ...), "
                    f"got a tensor of shape {tuple(x.shape)}"
                )
            parameters = [p.reshape(-1, *(1,) * (x.ndim - 2)) for p in parameters]
        return self._kernel(x, *others, *parameters)

    def extra_repr(self) -> str:
        """Return the formula, for the module's printed form."""
        channels = "" if self.n_channels is None else f", n_channels={self.n_channels}"
        return f"{self.expression}{channels}"

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


def module(
    expression: Expression, backend: str = "auto", n_channels: int | None = None
) -> ActivationModule:
    """Return an expression as a torch module; the arguments are those of ``ActivationModule``."""
    return ActivationModule(expression, backend, n_channels)
