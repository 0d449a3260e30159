"""Which tensors have numbers that a kernel can read."""

from __future__ import annotations

import torch

_PLAIN = (torch.Tensor, torch.nn.Parameter)


def in_memory(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is numbers in the memory of its device, and no stand-in for some."""
    if type(tensor) not in _PLAIN:
        return False
    try:
        # Autograd's tensors of zeros have no memory, either.
        return tensor.data_ptr() != 0 or tensor.numel() == 0
    except RuntimeError:  # a batch under way, as for a vectorised Jacobian, or sparse
        return False
