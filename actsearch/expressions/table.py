"""The primitive table: every row, by name, and the names that people also use for some of them."""

from __future__ import annotations

from actsearch.expressions.primitive import Primitive
from actsearch.expressions.rows_internal import INTERNAL
from actsearch.expressions.rows_nary import NARY
from actsearch.expressions.rows_unary import UNARY

#: Every primitive by name, the internal ones included.
PRIMITIVES: dict[str, Primitive] = {row.name: row for row in (*UNARY, *NARY, *INTERNAL)}

#: Other spellings that the parser accepts; what is printed is the table's name.
ALIASES: dict[str, str] = {
    "arcsinh": "asinh",
    "arctan": "atan",
    "bessel_i0e": "i0e",
    "bessel_i1e": "i1e",
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish",
    "leakyrelu": "leaky_relu",
    "log_sigmoid": "logsigmoid",
    "maximum": "max",
    "minimum": "min",
    "swish": "silu",
}
