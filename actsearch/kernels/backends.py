"""Which backends there are and the choice among them: one row a backend."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from actsearch.errors import unknown
from actsearch.expressions import Expression
from actsearch.kernels import autograd

Kernel = Callable[..., torch.Tensor]


def _eager(expression: Expression) -> Kernel:
    arguments = (*expression.inputs, *expression.parameters)
    apply: Kernel = autograd.operation(expression, arguments).apply
    return apply


#: Name -> how to build a kernel, fastest first; ``auto`` takes the first.
BACKENDS: dict[str, Callable[[Expression], Kernel]] = {"eager": _eager}


@functools.lru_cache(maxsize=4096)
def compile(expression: Expression, backend: str = "auto") -> Kernel:
    """Compile an expression to a function of tensors: its inputs, then its parameters.

    Args:
        expression: What to compute.
        backend: ``auto`` or a name of ``BACKENDS``.

    Returns:
        A function of floating-point tensors of any shape, dtype and device, which broadcast. It
        saves only its arguments for the backward, which is the symbolic derivative.

    Raises:
        BadInput: Unknown backend.
    """
    if backend == "auto":
        backend = next(iter(BACKENDS))
    if backend not in BACKENDS:
        raise unknown("backend", backend, ["auto", *BACKENDS])
    return BACKENDS[backend](expression)
