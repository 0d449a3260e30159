"""Activations that are kept once: what a training step needs no more memory for than with ReLU.

A kernel saves its input for the backward, and the layer after it saves the same activation's
output: two tensors where ReLU, whose backward reads its output, has one. Inside ``thrifty`` the
output is not kept; the backward computes it once more from the input, to the same last bit. A pass
of a kernel costs little beside the layer that asks for it.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

Value = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class _Output:
    """An activation's output while it is alive, and how to compute it again."""

    tensor: weakref.ref[torch.Tensor]
    version: int
    value: Value
    arguments: tuple[torch.Tensor, ...]
    versions: tuple[int, ...]


@dataclass(frozen=True)
class _Recipe:
    """What is kept in an output's place."""

    value: Value
    arguments: tuple[torch.Tensor, ...]
    versions: tuple[int, ...]
    shape: torch.Size

    def compute(self) -> torch.Tensor:
        """Return the output once more.

        Raises:
            RuntimeError: An argument was changed in place since the forward pass.
        """
        if tuple(tensor._version for tensor in self.arguments) != self.versions:
            raise RuntimeError(
                "an input or a parameter of an activation was changed in place since the forward "
                "pass"
            )
        with torch.no_grad():
            return self.value(*self.arguments).view(self.shape)


class _State(threading.local):
    """Outputs by address, of this thread; None outside of ``thrifty``."""

    outputs: dict[int, _Output] | None = None


_state = _State()


def note(output: torch.Tensor, value: Value, arguments: Sequence[torch.Tensor]) -> None:
    """Remember how an output was computed; does nothing outside of ``thrifty``."""
    if _state.outputs is None or not output.requires_grad or not output.numel():
        return
    if output.is_contiguous():
        kept = tuple(argument.detach() for argument in arguments)
        versions = tuple(argument._version for argument in kept)
        made = _Output(weakref.ref(output), output._version, value, kept, versions)
        _state.outputs[output.data_ptr()] = made


@contextlib.contextmanager
def thrifty() -> Iterator[None]:
    """Keep no output of a kernel for the backward of the layer behind it.

    To be used around the forward pass; the backward may run outside. It acts on what contiguous
    outputs later layers save as they are, or under another shape.

    Raises:
        RuntimeError: In the backward, where something saved was changed in place meanwhile.
    """
    before, _state.outputs = _state.outputs, {}
    try:
        with torch.autograd.graph.saved_tensors_hooks(_pack, _unpack):
            yield
    finally:
        _state.outputs = before


def _pack(tensor: torch.Tensor) -> tuple[torch.Tensor, int] | _Recipe:
    plain = tensor, tensor._version
    if not _state.outputs or tensor.layout is not torch.strided:
        return plain
    output = _state.outputs.get(_address(tensor))
    if output is None:
        return plain
    # While its Python object lives its memory is not given to another tensor.
    alive = output.tensor()
    if (
        alive is None
        or tensor._version != output.version
        or tensor.numel() != alive.numel()
        or tensor.dtype != alive.dtype
        or not tensor.is_contiguous()
    ):
        return plain
    return _Recipe(output.value, output.arguments, output.versions, tensor.shape)


def _address(tensor: torch.Tensor) -> int:
    try:
        return tensor.data_ptr()
    except RuntimeError:  # a stand-in without memory
        return 0


def _unpack(kept: tuple[torch.Tensor, int] | _Recipe) -> torch.Tensor:
    if isinstance(kept, _Recipe):
        return kept.compute()
    tensor, version = kept
    # With hooks torch leaves this check to them.
    if tensor._version != version:
        raise RuntimeError("a saved tensor was changed in place since the forward pass")
    return tensor
