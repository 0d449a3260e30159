"""Which backends there are and the choice among them: one row a backend."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from actsearch.errors import BadInput, unknown
from actsearch.expressions import Expression
from actsearch.kernels import native
from actsearch.kernels.autograd import Engine, Operation, operation
from actsearch.kernels.eager import EagerEngine
from actsearch.kernels.inductor import InductorEngine
from actsearch.kernels.jiterator import JiteratorEngine
from actsearch.kernels.verified import Verified, fault


@dataclass(frozen=True)
class Backend:
    """One way to compute an expression.

    Attributes:
        engine: Builds the engine of an expression.
        devices: The kinds of device that ``auto`` takes it for.
        fault: Says why an expression can't be computed this way here, or None. It may compile.
    """

    engine: Callable[[Expression], Engine]
    devices: tuple[str, ...]
    fault: Callable[[Expression], str | None]


def _native_fault(expression: Expression) -> str | None:
    found = native.kernel(expression)
    return str(found) if isinstance(found, native.Unusable) else None


def _on_cuda(engine: type[InductorEngine | JiteratorEngine]) -> Backend:
    return Backend(
        lambda expression: Verified(engine(expression)),
        ("cuda",),
        functools.partial(fault, engine.name),
    )


#: Name -> backend; ``auto`` takes the first that lists the device, and falls back to eager.
BACKENDS: dict[str, Backend] = {
    "native": Backend(native.NativeEngine, ("cpu",), _native_fault),
    "jiterator": _on_cuda(JiteratorEngine),
    "inductor": _on_cuda(InductorEngine),
    "eager": Backend(EagerEngine, ("cpu", "cuda"), lambda _: None),
}


class Kernel:
    """An expression as a function of tensors: its inputs, then its parameters.

    Tensors may be floating-point of any shape, type and device, and broadcast. The result has the
    type of the inputs; half precision is computed in float32 and rounded once. Only the arguments
    are saved for the backward, which is the symbolic derivative, and there is a second derivative.
    Under autocast a kernel takes the type that it is given.
    """

    def __init__(self, expression: Expression, backend: str) -> None:
        self.expression = expression
        self.arguments = (*expression.inputs, *expression.parameters)
        self._backend = backend
        self._operations: dict[str, Operation] = {}

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Compute.

        Raises:
            TypeError: Not as many tensors as the expression has inputs and parameters, something
                that is no tensor, or complex numbers.
        """
        if len(tensors) != len(self.arguments) or not all(map(_is_tensor, tensors)):
            given = ", ".join(type(tensor).__name__ for tensor in tensors) or "nothing"
            raise TypeError(
                f"'{self.expression}' is a function of the tensors {', '.join(self.arguments)}; "
                f"got {given}"
            )
        if torch.compiler.is_compiling():  # pointers mean nothing to a tracer
            return self._operation("traced")(*tensors)
        return self._operation(tensors[0].device.type)(*tensors)

    def __repr__(self) -> str:
        return f"Kernel({str(self.expression)!r}, backend={self._backend!r})"

    def __reduce__(self) -> tuple[Callable[..., Kernel], tuple[Expression, str]]:
        return compile, (self.expression, self._backend)

    def _operation(self, device: str) -> Operation:
        if device not in self._operations:
            name = "eager" if device == "traced" else self._backend
            if name == "auto":
                name = choose(device)
            self._operations[device] = operation(BACKENDS[name].engine(self.expression))
        return self._operations[device]


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


def choose(device: str) -> str:
    """Return the backend that ``auto`` takes on a kind of device, as in ``cpu`` or ``cuda``."""
    return next((name for name, row in BACKENDS.items() if device in row.devices), "eager")


@functools.lru_cache(maxsize=4096)
def compile(expression: Expression, backend: str = "auto") -> Kernel:
    """Compile an expression to a function of tensors: its inputs, then its parameters.

    Args:
        expression: What to compute. Where its parameters start is no matter here: expressions that
            differ in that alone have one kernel, that of ``expression.bare()``.
        backend: A name of ``BACKENDS``, or ``auto``: the fastest that works on the device of the
            tensors. Where ``auto`` can't use it, it warns once with the reason and computes
            eagerly, with the same results.

    Raises:
        BadInput: Unknown backend, or one that can't be used here.
    """
    if expression.bare() is not expression:
        return compile(expression.bare(), backend)
    if backend not in ("auto", *BACKENDS):
        raise unknown("backend", backend, ["auto", *BACKENDS])
    if backend != "auto":
        reason = BACKENDS[backend].fault(expression)
        if reason is not None:
            raise BadInput(
                f"the {backend} backend can't compute '{expression}' here: {reason}; "
                "backend 'auto' takes the next that can"
            )
    return Kernel(expression, backend)


def prepare(expressions: Sequence[Expression], device: str = "cpu") -> None:
    """Compile many expressions in one compiler call, for ``compile`` to find them ready.

    Args:
        expressions: What will be compiled soon, by this process or others of this machine.
        device: Where, as in ``cpu`` or ``cuda:0``.
    """
    if choose(device.partition(":")[0]) == "native":
        native.prepare([expression.bare() for expression in expressions])


def fallback(expression: Expression, device: str = "cpu") -> str | None:
    """Return why ``auto`` computes an expression eagerly on a device, None where it does not."""
    return BACKENDS[choose(device.partition(":")[0])].fault(expression.bare())
