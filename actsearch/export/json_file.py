"""Write a formula as data: what other programs need to check it, to run it, or to export it.

Strict JSON, which has no NaN and no infinities: those are the strings ``nan``, ``inf``, ``-inf``.
The same activation gives the same text, byte for byte.
"""

from __future__ import annotations

import json
from typing import Any

from actsearch.export.activation import Activation
from actsearch.export.points import Point
from actsearch.export.text import WIDTH, plain
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import Dialect
from actsearch.expressions.lowering import Operand, Program
from actsearch.expressions.node import Node

#: Raised with every change that a reader of the file would have to follow.
FORMAT_VERSION = 1

#: Base operation -> what it computes of its operands a, b, c.
MEANINGS = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b, as IEEE 754 divides",
    "pow": "a to the power b",
    "neg": "-a",
    "abs": "the absolute value of a",
    "sign": "-1, 0 or 1: the sign of a",
    "maximum": "the larger of a and b; NaN if one of them is",
    "minimum": "the smaller of a and b; NaN if one of them is",
    "lt": "whether a < b; false for NaN",
    "gt": "whether a > b; false for NaN",
    "eq": "whether a = b; false for NaN",
    "where": "b where a is true, else c",
    "cast": "1 where a is true, else 0, in the type of b",
    "sqrt": "the square root of a",
    "exp": "e to the power a",
    "expm1": "e to the power a, minus 1, exact for small a",
    "log": "the natural logarithm of a",
    "log1p": "the natural logarithm of 1 + a, exact for small a",
    "sin": "the sine of a",
    "cos": "the cosine of a",
    "sinh": "the hyperbolic sine of a",
    "cosh": "the hyperbolic cosine of a",
    "tanh": "the hyperbolic tangent of a",
    "asinh": "the inverse hyperbolic sine of a",
    "atan": "the inverse tangent of a",
    "sigmoid": "1 / (1 + exp(-a))",
    "erf": "the error function of a",
    "erfc": "1 - erf(a), exact for large a",
    "erfcx": "exp(a^2) * erfc(a)",
    "i0e": "exp(-|a|) * I0(a), I0 being the modified Bessel function of the first kind, order 0",
    "i1e": "exp(-|a|) * I1(a), I1 being the modified Bessel function of the first kind, order 1",
}

#: Programs in base operations as they are; nothing is ever printed with it.
_BASE = Dialect(ops=dict.fromkeys(NUMPY_OPS, ""), non_finite={})


def json_files(activation: Activation) -> dict[str, str]:
    """Return the file ``NAME.json``."""
    return {f"{activation.name}.json": json_text(activation)}


def json_text(activation: Activation) -> str:
    """Return an activation as strict JSON."""
    programs, points = activation.programs, activation.points
    used = programs.operations(_BASE)
    facts = {
        "format": "actsearch activation",
        "format_version": FORMAT_VERSION,
        "name": activation.name,
        **activation.metadata,
        "tree": _tree(activation.expression.root),
        "operations": {op: MEANINGS[op] for op in used},
        "programs": {
            "value": _program(programs.value_program(_BASE), ["value"]),
            "derivatives": _program(
                programs.derivative_program(_BASE, activation.arguments),
                [f"by {name}" for name in activation.arguments],
            ),
        },
        "points": {
            "arguments": list(activation.inputs),
            "parameters": activation.parameters,
            "common": list(map(_point, points.common)),
            "float64_only": list(map(_point, points.wide)),
            "value_at_zero": points.at_zero,
        },
    }
    return _written(plain(facts)) + "\n"


def _written(value: Any, indent: str = "") -> str:
    """Write plain values, one line each where that is short enough to read."""
    text = json.dumps(value, allow_nan=False)
    if len(indent) + len(text) <= WIDTH or not isinstance(value, dict | list):
        return text
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_written(one, inner)}" for key, one in value.items()]
    else:
        parts = [_written(one, inner) for one in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{last}"


def _tree(node: Node) -> dict[str, Any]:
    """Return a tree of primitives as nested records."""
    if node.value is not None:
        return {"constant": node.value}
    if not node.args:
        return {"variable": node.op}
    return {"primitive": node.op, "arguments": [_tree(arg) for arg in node.args]}


def _program(program: Program, names: list[str]) -> dict[str, Any]:
    """Return a program: value number k is input k, or step k less the number of inputs."""
    n_inputs = len(program.inputs)
    return {
        "inputs": list(program.inputs),
        "steps": [
            {"operation": step.op, "operands": [_operand(arg) for arg in step.args]}
            for step in program.instructions[n_inputs:]
        ],
        "outputs": {name: _operand(out) for name, out in zip(names, program.outputs, strict=True)},
    }


def _operand(operand: Operand) -> int | dict[str, float]:
    return operand if isinstance(operand, int) else {"constant": operand}


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": list(point.arguments),
        "value": point.value,
        "slopes": list(point.slopes),
        "slack": list(point.slack),
    }
