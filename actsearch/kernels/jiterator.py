"""The backend of CUDA: the generated C text, compiled by torch's jiterator while the program runs.

One kernel for the value and one for the gradients, in 0.2 s each where torch.compile takes seconds,
and kept on disk by torch. The jiterator reads any strides, broadcasts and launches; half precision
is widened before and rounded after, as everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from actsearch.expressions import Expression
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import C, lines
from actsearch.expressions.lowering import lower
from actsearch.kernels import dtypes
from actsearch.kernels.eager import EagerEngine, slope
from actsearch.kernels.plain import in_memory

#: The types that there are kernels for, as C names them.
REALS = {torch.float32: "float", torch.float64: "double"}

#: What the jiterator takes; the gradient is a further one.
MAX_TENSORS = 8

# The jiterator finds the last template of the text, and wants one at its very beginning.
_FIRST = "template <typename T> T act_first(T x) { return x; }\n"


class JiteratorEngine:
    """An expression through torch's jiterator. Implements ``Engine`` for CUDA tensors.

    More tensors than the jiterator takes, tensors on several devices and tensors that only stand
    for others go through the eager engine.
    """

    name = "jiterator"

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._eager = EagerEngine(expression)
        self._n_inputs = len(expression.inputs)

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """See ``Engine.value``."""
        computed, result = dtypes.widened(tensors, self._n_inputs)
        if not _together(*computed):
            return self._eager.value(*tensors)
        (value,) = self._launch(value_source, 1, computed)
        return value if value.dtype == result else value.to(result)

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``."""
        computed, _ = dtypes.widened(tensors, self._n_inputs)
        gradient = gradient.to(computed[0].dtype)
        if not _together(gradient, *computed):
            return self._eager.gradients(gradient, needed, *tensors)
        found = self._launch(gradients_source, len(tensors), (gradient, *computed))
        return tuple(
            found[index].sum_to_size(tensor.shape).to(tensor.dtype)
            for index, tensor in enumerate(tensors)
            if needed >> index & 1
        )

    def _launch(
        self, source: Callable[[Expression, str], str], n_outputs: int, tensors: Any
    ) -> tuple[torch.Tensor, ...]:
        function = _function(source(self.expression, REALS[tensors[0].dtype]), n_outputs)
        found = function(*tensors)
        return (found,) if isinstance(found, torch.Tensor) else tuple(found)


@functools.lru_cache(maxsize=8192)
def value_source(expression: Expression, real: str) -> str:
    """Return the jiterator's text that computes an expression, in ``float`` or ``double``."""
    arguments = (*expression.inputs, *expression.parameters)
    program = lower([expression.root], arguments, whole=C.whole)
    return _source(real, arguments, 1, lines(program, C, result="y0"), "out0 = y0;", "y0")


@functools.lru_cache(maxsize=8192)
def gradients_source(expression: Expression, real: str) -> str:
    """Return the text that computes ``g`` times the derivative by each argument."""
    arguments = (*expression.inputs, *expression.parameters)
    n = len(arguments)
    slopes = [slope(expression, wrt).root for wrt in arguments]
    program = lower(slopes, arguments, whole=C.whole)
    body = lines(program, C, result="d" if n > 1 else "d0")
    end = " ".join(f"out{k} = g * d{k};" for k in range(n))
    return _source(real, ("g", *arguments), n, body, end, ", ".join(f"d{k}" for k in range(n)))


def _source(
    real: str, names: tuple[str, ...], n_outputs: int, body: list[str], end: str, results: str
) -> str:
    declared = [*(f"T {name}" for name in names), *(f"T &out{k}" for k in range(n_outputs))]
    steps = "\n    ".join([f"REAL {results};", *body, end])
    entry = f"template <typename T> void act_entry({', '.join(declared)})\n{{\n    {steps}\n}}\n"
    return f"{_FIRST}{prelude(real)}\n{entry}"


@functools.lru_cache(maxsize=8192)
def _function(source: str, n_outputs: int) -> Callable[..., Any]:
    from torch.cuda.jiterator import _create_multi_output_jit_fn as create

    made: Callable[..., Any] = create(source, num_outputs=n_outputs)
    return made


def _together(*tensors: torch.Tensor, device: str = "cuda") -> bool:
    """Tell whether the jiterator can take tensors: plain ones with numbers on one CUDA device."""
    place = tensors[0].device
    return (
        len(tensors) <= MAX_TENSORS
        and place.type == device
        and all(tensor.device == place and in_memory(tensor) for tensor in tensors)
        and all(tensor.numel() for tensor in tensors)
    )
