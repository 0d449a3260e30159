"""Which types a kernel computes in and answers in: one rule for every backend.

The result has the type of the inputs (x, u, o); parameters never raise it. Half precision is
computed in float32 and rounded once: softplus and mish made of half-precision steps collapse above
x = 11, and the intermediate values of many a formula leave float16's range.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def widened(
    tensors: Sequence[torch.Tensor], n_inputs: int
) -> tuple[Sequence[torch.Tensor], torch.dtype]:
    """Return the tensors in the type to compute in, and the type of the result.

    Args:
        tensors: The inputs, then the parameters.
        n_inputs: How many of them are inputs.

    Raises:
        TypeError: One is complex.
    """
    result = tensors[0].dtype
    if len(tensors) == 1 and result in (torch.float32, torch.float64):
        return tensors, result  # what nearly every call is
    for tensor in tensors[1:n_inputs]:
        result = torch.promote_types(result, tensor.dtype)
    if not result.is_floating_point:
        if result.is_complex:
            raise TypeError("activations are functions of real numbers, got a complex tensor")
        result = torch.get_default_dtype()
    wide = torch.promote_types(result, torch.float32)
    if all(tensor.dtype == wide for tensor in tensors):
        return tensors, result
    return [tensor.to(wide) for tensor in tensors], result
