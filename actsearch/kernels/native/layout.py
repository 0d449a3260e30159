"""How tensors lie in memory beside each other: what a kernel is told instead of shapes.

All inputs are brought to one order of elements; parameters are single numbers (the flat shape) or
vary along one dimension of the inputs (rows or planes, whichever that dimension makes of them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

#: A stretch with one value of a parameter that is shorter is not worth a loop of its own.
SHORT = 64


class Layout(NamedTuple):
    """Inputs in the same dense order, packed parameters, and the extents for the driver.

    ``channels`` is 0 where parameters are single numbers; ``inner`` then counts all elements. Else
    elements are ordered as (outer, channels, inner). Where ``repeat`` is above 1 each value of a
    parameter stands that many times in a row, since stretches of a few elements would be slow.
    """

    inputs: tuple[torch.Tensor, ...]
    parameters: torch.Tensor | None
    outer: int
    channels: int
    inner: int
    repeat: int = 1

    @property
    def in_rows(self) -> bool:
        """Tell whether each element of a row has parameters of its own."""
        return self.channels > 0 and self.inner == 1


def find_layout(tensors: Sequence[torch.Tensor], n_inputs: int) -> Layout | None:
    """Lay out inputs and parameters, copying only inputs that are not dense or not in step.

    Args:
        tensors: Inputs, then parameters, all of one type.
        n_inputs: How many are inputs.

    Returns:
        The layout, or None for parameters that vary along more than one dimension or make the
        result larger than the inputs, and where there are parameters and no elements.
    """
    base = tensors[0]
    if n_inputs > 1:
        shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors[:n_inputs]))
        base = next((t for t in tensors[:n_inputs] if t.shape == shape), base.expand(shape))
    base = base if is_dense(base) else base.contiguous()
    inputs = (base,) if n_inputs == 1 else tuple(in_step(t, base) for t in tensors[:n_inputs])
    parameters = tensors[n_inputs:]
    if not parameters:
        return Layout(inputs, None, 1, 0, base.numel())
    if any(p.ndim > base.ndim for p in parameters) or base.numel() == 0:
        return None
    along = {dim for p in parameters for dim in _varying(p, base.ndim)}
    if not along:
        packed = torch.cat([p.detach().reshape(1) for p in parameters])
        return Layout(inputs, packed, 1, 0, base.numel())
    dim = along.pop()
    channels = base.shape[dim]
    if along or any(p.numel() not in (1, channels) for p in parameters):
        return None
    packed = torch.stack([p.detach().reshape(-1).expand(channels) for p in parameters])
    inner = 1
    for other, (size, stride) in enumerate(zip(base.shape, base.stride(), strict=True)):
        if other != dim and size > 1 and stride < base.stride(dim):
            inner *= size
    outer = base.numel() // (channels * inner)
    if 1 < inner < SHORT:
        packed = packed.repeat_interleave(inner, dim=1)
        return Layout(inputs, packed, outer, channels * inner, 1, repeat=inner)
    return Layout(inputs, packed, outer, channels, inner)


def is_dense(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor's elements fill a stretch of memory, each once, in any order."""
    if tensor.is_contiguous():
        return not tensor.is_neg()
    if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        return not tensor.is_neg()
    extents = sorted(
        (stride, size)
        for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
        if size != 1
    )
    expected = 1
    for stride, size in extents:
        if stride != expected:
            return False
        expected *= size
    return math.prod(tensor.shape) > 0 and not tensor.is_neg()


def in_step(tensor: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    """Return a tensor broadcast to the dense ``base``, its elements in the same order in memory."""
    if tensor.shape == base.shape and not tensor.is_neg():
        if tensor.stride() == base.stride():
            return tensor
        if tensor.is_contiguous() and base.is_contiguous():
            return tensor
    return torch.empty_like(base).copy_(tensor)


def _varying(parameter: torch.Tensor, rank: int) -> list[int]:
    """Return the dimensions of the inputs along which a parameter varies."""
    missing = rank - parameter.ndim
    return [missing + dim for dim, size in enumerate(parameter.shape) if size != 1]
