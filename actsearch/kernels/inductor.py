"""The backend of torch.compile: Triton on CUDA, C++ on a CPU.

Value and gradients are two compiled functions inside the one operation, so that here, too, only
arguments are saved. Shapes are dynamic: a network has many, and each would be compiled anew. One
candidate takes seconds to compile, which is why a CPU has the native backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.kernels import probe
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.warn import warn_once

#: Why an expression is not computed this way here, as found at its first use.
_faults: dict[Expression, str] = {}


def fault(expression: Expression) -> str | None:
    """Return why an expression is computed eagerly after all, None as long as nothing is known."""
    return _faults.get(expression)


class InductorEngine:
    """An expression through torch.compile. Implements ``Engine``."""

    name = "inductor"

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._eager = EagerEngine(expression)
        self._compiled = _Compiled(self._eager)
        self._usable: dict[str, bool] = {}

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """See ``Engine.value``."""
        engine = self._engine(tensors[0])
        return engine.value(*tensors)

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``."""
        return self._engine(tensors[0]).gradients(gradient, needed, *tensors)

    def _engine(self, x: torch.Tensor) -> EagerEngine | _Compiled:
        """Return the compiled functions once they agreed with eager on the device of ``x``."""
        device = str(x.device)
        if device not in self._usable:
            try:
                reason = probe.disagreement(self._compiled, torch.float32, device)
            except Exception as error:  # noqa: BLE001 - torch.compile raises what it likes
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            if reason is not None:
                _faults[self.expression] = reason
                warn_once(f"the inductor backend can't be used, eager takes its place: {reason}")
            self._usable[device] = reason is None
        return self._compiled if self._usable[device] else self._eager


class _Compiled:
    """The engine's two functions, compiled at their first call."""

    name = "inductor"

    def __init__(self, eager: EagerEngine) -> None:
        self.expression = eager.expression
        self._eager = eager
        self.value: Callable[..., torch.Tensor] = _compile(eager.value)
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
    the methods above, and the ninth would be left to run as it is.
    """
    namespace: dict[str, Any] = {"function": function}
    text = "def call(*tensors):\n    return function(*tensors)\n"
    exec(compile(text, "<actsearch inductor>", "exec"), namespace)  # noqa: S102 - the text above
    made: Callable[..., Any] = namespace["call"]
    return made
