"""An engine that compiles at its first use, held against the eager one before it is trusted."""

from __future__ import annotations

import torch

from actsearch.expressions import Expression
from actsearch.kernels import probe
from actsearch.kernels.autograd import Engine
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.warn import warn_once

#: Why an expression is not computed by a backend here, as found at its first use in float32, which
#: is what trainings compute in; the oldest first.
_faults: dict[tuple[str, Expression], str] = {}
_MAX_KNOWN = 8192


def fault(backend: str, expression: Expression) -> str | None:
    """Return why a backend leaves an expression to eager, None as long as nothing is known."""
    return _faults.get((backend, expression))


def forget() -> None:
    """Drop what is known, as after something was installed."""
    _faults.clear()


def _note(backend: str, expression: Expression, reason: str) -> None:
    _faults[backend, expression] = reason
    while len(_faults) > _MAX_KNOWN:
        del _faults[next(iter(_faults))]


class Verified:
    """Another engine, or the eager one where that raises or gives wrong numbers.

    Implements ``Engine``. Each device and each of float32 and float64 is judged by itself.

    Args:
        engine: What is to compute.
    """

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.expression = engine.expression
        self._engine = engine
        self._eager = EagerEngine(engine.expression)
        self._chosen: dict[tuple[str, torch.dtype], Engine] = {}

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """See ``Engine.value``."""
        return self._choose(tensors[0]).value(*tensors)

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``."""
        return self._choose(tensors[0]).gradients(gradient, needed, *tensors)

    def _choose(self, x: torch.Tensor) -> Engine:
        dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
        key = str(x.device), dtype
        if key not in self._chosen:
            try:
                reason = probe.disagreement(self._engine, dtype, key[0])
            except Exception as error:  # noqa: BLE001 - compilers raise what they like
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            if reason is not None:
                if dtype == torch.float32:
                    _note(self.name, self.expression, reason)
                warn_once(f"the {self.name} backend can't be used, eager takes its place: {reason}")
            self._chosen[key] = self._engine if reason is None else self._eager
        return self._chosen[key]
