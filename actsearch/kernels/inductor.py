"""The backend of torch.compile: Triton on CUDA, C++ on a CPU.

Value and gradients are two compiled functions inside the one operation, so that here, too, only
arguments are saved. Shapes are dynamic: a network has many, and each would be compiled anew. One
expression takes seconds to compile, which is why ``auto`` takes others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.kernels.eager import EagerEngine


class InductorEngine:
    """An expression through torch.compile, each function compiled at its first call.

    Implements ``Engine``.
    """

    name = "inductor"

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._eager = EagerEngine(expression)
        self.value: Callable[..., torch.Tensor] = _compile(self._eager.value)
        self._gradients: dict[int, Callable[..., Any]] = {}

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``."""
        if needed not in self._gradients:
            self._eager.get_ready(needed)

            def wanted(gradient: torch.Tensor, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return self._eager.gradients(gradient, needed, *tensors)

            self._gradients[needed] = _compile(wanted)
        found: tuple[torch.Tensor, ...] = self._gradients[needed](gradient, *tensors)
        return found


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(own_code(function), dynamic=True)


def own_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function behind a code object of its own.

    torch.compile counts compilations by code object and gives up after eight: all expressions share
    the methods above, and the ninth would be left to run as it is. The copy keeps the name of this
    file, since functions without one share a wrapper, and its count, before torch 2.13.
    """

    def call(*tensors: torch.Tensor) -> Any:
        return function(*tensors)

    call.__code__ = call.__code__.replace()
    return call
