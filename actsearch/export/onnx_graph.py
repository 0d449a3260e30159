"""A function as nodes of standard ONNX operators."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actsearch.export import rewrites
from actsearch.export.programs import reads
from actsearch.expressions.dialects import Dialect, run
from actsearch.expressions.lowering import Program

if TYPE_CHECKING:
    import onnx

#: The version of the standard operators: the last whose models the runtimes of 2023 load.
OPSET = 18
#: The version of the file format that goes with it.
IR_VERSION = 8

#: Base operation -> operator.
_OPERATORS = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "neg": "Neg",
    "abs": "Abs",
    "sign": "Sign",
    "maximum": "Max",
    "minimum": "Min",
    "lt": "Less",
    "gt": "Greater",
    "eq": "Equal",
    "where": "Where",
    "cast": "Cast",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "asinh": "Asinh",
    "atan": "Atan",
    "erf": "Erf",
}

ONNX = Dialect(
    ops=_OPERATORS | {rewrites.COARSE: "Floor"},
    non_finite={},
    whole=frozenset({rewrites.COARSE}),
    rewrites={
        **rewrites.GAUSSIAN,
        **rewrites.BESSEL,
        "sinh": rewrites.SINH,
        # The operator's tail ends early in runtimes that compute it by polynomials.
        "sigmoid": rewrites.SIGMOID,
        "expm1": "tanh(a/2)*(exp(a) + 1)",
        "log1p": rewrites.LOG1P,
    },
)


def _erf() -> str:
    """Return erf by its series of positive terms up to 1 (DLMF 7.6.2), from erfc beyond."""
    terms = "1"
    for odd in range(35, 1, -2):
        terms = f"1 + z/{odd}*({terms})"
    return (
        f"m = abs(a); w = minimum(m, 1); z = 2*(w*w); s = {terms}; "
        "y = where(m < 1, 1.1283791670955126*w*(exp(-(w*w))*s), 1 - erfc(m)); where(a < 0, -y, y)"
    )


#: In float64 the operator Erf is missing from onnxruntime, and of float32 in onnx's own evaluator.
ONNX_DOUBLE = replace(ONNX, rewrites={**ONNX.rewrites, "erf": _erf()})


class Nodes:
    """Nodes in order, equal constants once; all values are of one element type."""

    def __init__(self, element: int) -> None:
        import onnx

        self._onnx = onnx
        self._element = element
        self._constants: dict[str, str] = {}
        self.list: list[onnx.NodeProto] = []

    def add(self, operator: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = out or f"t{len(self.list) + 1}"
        node = self._onnx.helper.make_node(operator, list(inputs), [name], **attributes)
        self.list.append(node)
        return name

    def cast(self, name: str, element: int) -> str:
        """Append a change of type."""
        return self.add("Cast", name, to=element)

    def constant(self, value: float) -> str:
        """Return the name of a number, which is a tensor without dimensions."""
        kind = self._onnx.helper.tensor_dtype_to_np_dtype(self._element)
        with np.errstate(over="ignore"):  # beyond the type's range it is infinite
            return self._tensor(np.float64(value).astype(kind))

    def integers(self, *values: int) -> str:
        """Return the name of a list of integers."""
        return self._tensor(np.array(values, np.int64))

    def _tensor(self, array: Any) -> str:
        key = f"{array!r} {array.dtype}"
        if key not in self._constants:
            tensor = self._onnx.numpy_helper.from_array(np.asarray(array))
            self._constants[key] = self.add("Constant", value=tensor)
        return self._constants[key]

    def program(self, program: Program, inputs: Sequence[str], out: str) -> None:
        """Append a program of one output, which gets the shape of the first input."""
        ops = {op: functools.partial(self._operation, op) for op in ONNX.ops}
        (result,) = run(program, ops, inputs)
        if not isinstance(result, float) and reads(program, program.inputs[:1]):
            self.add("Identity", result, out=out)
        else:  # a constant, or parameters alone: they have no shape of their own
            name = self.constant(result) if isinstance(result, float) else result
            self.add("Expand", name, self.add("Shape", inputs[0]), out=out)

    def _operation(self, op: str, *operands: str | float) -> str:
        names = [self.constant(one) if isinstance(one, float) else one for one in operands]
        if op == "cast":
            return self.cast(names[0], self._element)
        if op == rewrites.COARSE:
            # Of a number up to 40 that leaves 12 binary digits.
            whole = self.add("Floor", self.add("Mul", names[0], self.constant(64.0)))
            return self.add("Div", whole, self.constant(64.0))
        return self.add(_OPERATORS[op], *names)
