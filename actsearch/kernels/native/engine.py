"""The native engine: tensors to pointers, and back.

Any dense memory is read as it lies, contiguous or channels last; what is not dense is copied once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch

from actsearch.expressions import Expression
from actsearch.kernels import dtypes, probe
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.native import library
from actsearch.kernels.native.layout import Layout, find_layout, in_step
from actsearch.kernels.native.library import REALS, Bodies, Unusable
from actsearch.kernels.plain import in_memory
from actsearch.kernels.warn import warn_once

_MAX_KNOWN = 8192

#: What this process knows of kernels, the oldest first; changed under the lock alone.
_lock = threading.RLock()
_known: dict[tuple[Expression, torch.dtype], Bodies | Unusable] = {}


def prepare(expressions: Sequence[Expression], dtype: torch.dtype = torch.float32) -> None:
    """Make the kernels of expressions ready, compiling what is missing in one compiler call.

    Warns once for each reason that there is none.
    """

    def judge(one: Expression, bodies: Bodies) -> str | None:
        return probe.disagreement(NativeEngine(one, {dtype: bodies}), dtype)

    with _lock:
        missing = [one for one in dict.fromkeys(expressions) if (one, dtype) not in _known]
        found = library.prepare(missing, dtype, judge) if missing else {}
        for one, bodies in found.items():
            _known[one, dtype] = bodies
            if isinstance(bodies, Unusable):
                warn_once(f"the native backend can't be used, eager takes its place: {bodies}")
        while len(_known) > _MAX_KNOWN:
            del _known[next(iter(_known))]


def forget() -> None:
    """Drop what this process knows, as after the compiler changed."""
    with _lock:
        _known.clear()


def kernel(expression: Expression, dtype: torch.dtype = torch.float32) -> Bodies | Unusable:
    """Return the kernel of an expression, or why there is none; compiled if need be."""
    with _lock:
        prepare([expression], dtype)
        return _known[expression, dtype]


class NativeEngine:
    """An expression in compiled C. Implements ``Engine`` for CPU tensors.

    What C has no kernel for (parameters that vary along several dimensions, tensors that only stand
    for others) goes through the eager engine.

    Args:
        expression: What to compute.
        bodies: Its kernels by type. Others are compiled when they are first needed; where that
            fails, the eager engine takes over with a warning.
    """

    name = "native"

    def __init__(
        self, expression: Expression, bodies: dict[torch.dtype, Bodies | None] | None = None
    ) -> None:
        self.expression = expression
        self.eager = EagerEngine(expression)
        self._bodies: dict[torch.dtype, Bodies | None] = dict(bodies or {})
        self._n_inputs = len(expression.inputs)
        self._n_parameters = len(expression.parameters)

    def value(self, *tensors: torch.Tensor) -> torch.Tensor:
        """See ``Engine.value``; also raises MemoryError."""
        computed, result = dtypes.widened(tensors, self._n_inputs)
        bodies = self._bodies_for(computed)
        layout = find_layout(computed, self._n_inputs) if bodies is not None else None
        if bodies is None or layout is None:
            return self.eager.value(*tensors)
        out = torch.empty_like(layout.inputs[0])
        body = bodies.value_channels if layout.in_rows else bodies.value
        self._run(bodies, body, layout, None, [out], None)
        return out if out.dtype == result else out.to(result)

    def gradients(
        self, gradient: torch.Tensor, needed: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See ``Engine.gradients``; also raises MemoryError."""
        computed, _ = dtypes.widened(tensors, self._n_inputs)
        bodies = self._bodies_for((*computed, gradient))
        layout = find_layout(computed, self._n_inputs) if bodies is not None else None
        if bodies is None or layout is None:
            return self.eager.gradients(gradient, needed, *tensors)
        like = layout.inputs[0]
        if gradient.dtype != like.dtype:
            gradient = gradient.to(like.dtype)
        outs = [torch.empty_like(like) for _ in layout.inputs]
        sums = None
        if self._n_parameters:
            size = (self._n_parameters, max(1, layout.channels))
            sums = torch.zeros(size, dtype=torch.float64, device="cpu")
        body = bodies.gradients_channels if layout.in_rows else bodies.gradients
        self._run(bodies, body, layout, in_step(gradient, like), outs, sums)
        if sums is not None and layout.repeat > 1:
            sums = sums.reshape(self._n_parameters, -1, layout.repeat).sum(-1)
        found = [*outs, *(sums if sums is not None else ())]
        return tuple(
            _fitted(found[index], tensor)
            for index, tensor in enumerate(tensors)
            if needed >> index & 1
        )

    def _bodies_for(self, tensors: Sequence[torch.Tensor]) -> Bodies | None:
        """Return the kernel for the type of the first tensor; None where eager has to do it."""
        if not all(tensor.device.type == "cpu" and in_memory(tensor) for tensor in tensors):
            return None
        dtype = tensors[0].dtype
        if dtype not in self._bodies:
            found = kernel(self.expression, dtype) if dtype in REALS else None
            self._bodies[dtype] = found if isinstance(found, Bodies) else None
        return self._bodies[dtype]

    def _run(
        self,
        bodies: Bodies,
        body: int | None,
        layout: Layout,
        gradient: torch.Tensor | None,
        outs: Sequence[torch.Tensor],
        sums: torch.Tensor | None,
    ) -> None:
        if outs[0].numel() == 0:
            return
        pointers = [tensor.data_ptr() for tensor in layout.inputs]
        results = [tensor.data_ptr() for tensor in outs]
        failed = bodies.call(
            body,
            self._n_parameters,
            layout.outer,
            layout.channels,
            layout.inner,
            torch.get_num_threads(),
            None if gradient is None else gradient.data_ptr(),
            *pointers,
            *[None] * (3 - len(pointers)),
            None if layout.parameters is None else layout.parameters.data_ptr(),
            *results,
            *[None] * (3 - len(results)),
            None if sums is None else sums.data_ptr(),
        )
        if failed:
            raise MemoryError(f"no memory for the sums of '{self.expression}'")


def _fitted(found: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Sum a gradient to the shape of its argument, and round it to its type."""
    if found.shape != tensor.shape:
        if found.numel() == tensor.numel():
            found = found.reshape(tensor.shape)
        elif tensor.numel() == 1:
            found = found.sum().reshape(tensor.shape)
        else:
            found = found.sum_to_size(tensor.shape)
    return found if found.dtype == tensor.dtype else found.to(tensor.dtype)
