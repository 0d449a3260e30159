"""From a tree to a straight-line program of base operations, each value computed once.

Rows of the primitive table are expanded by their ``code``; equal operations on equal operands get
one number (value numbering), so that subexpressions are shared across rows too: softplus and mish
of the same argument share their exponential. Constants are folded. Dialects print the program.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.coefficients import SERIES
from actsearch.expressions.node import Node
from actsearch.expressions.table import PRIMITIVES

_NONE: Mapping[str, str] = MappingProxyType({})

#: An operand is the number of an instruction (int) or a constant (float).
Operand = int | float

#: Largest integer exponent that is written as a product.
MAX_PRODUCT_POWER = 16

_BINARY_OPS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.Gt: "gt", ast.Eq: "eq"}


class Instruction(NamedTuple):
    """One base operation on operands; ``input`` instructions name a variable instead."""

    op: str
    args: tuple[Operand, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Program:
    """A straight-line program: instructions in order, inputs first, and what it returns."""

    inputs: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[Operand, ...]


def lower(
    nodes: Sequence[Node],
    inputs: Sequence[str],
    *,
    definitions: bool = False,
    whole: frozenset[str] = frozenset(),
    rewrites: Mapping[str, str] = _NONE,
) -> Program:
    """Lower trees to one program that returns their values.

    Args:
        nodes: The trees; subexpressions are shared between them.
        inputs: Names of the variables, in the order the program takes them.
        definitions: Expand rows by their mathematical definition instead of their code; such a
            program is right only in high precision.
        whole: Rows to keep as one operation, for a dialect that has functions of its own for them.
        rewrites: Base operations and rows that a dialect lacks, by their code in what it has.
    """
    builder = _Builder(inputs, definitions, whole, rewrites)
    outputs = tuple(builder.node(node) for node in nodes)
    return builder.program(outputs)


@functools.lru_cache(maxsize=512)
def lower_call(
    name: str,
    inputs: tuple[str, ...],
    *,
    definitions: bool = False,
    whole: frozenset[str] = frozenset(),
) -> Program:
    """Lower one row of the table, applied to variables of the given names."""
    builder = _Builder(inputs, definitions, whole)
    return builder.program((builder.call(name, list(range(len(inputs)))),))


#: An expression in the language of rows, ready to be lowered with the operands of its names.
_Lowered = Callable[["_Builder", Mapping[str, Operand]], Operand]


@functools.lru_cache(maxsize=512)
def _statements(text: str) -> list[tuple[str, _Lowered]]:
    """Return the assignments of a row's code, the last of them, which is its value, to ""."""
    *assignments, last = ast.parse(text.replace("; ", "\n"), mode="exec").body
    statements = []
    for statement in assignments:
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.targets[0], ast.Name)
        statements.append((statement.targets[0].id, _prepared(statement.value)))
    assert isinstance(last, ast.Expr)
    return [*statements, ("", _prepared(last.value))]


def _prepared(tree: ast.expr) -> _Lowered:
    """Return what lowers an expression: its syntax tree is looked at once, not in each formula."""
    match tree:
        case ast.Constant(value=int() | float() as value):
            number = float(value)
            return lambda _builder, _names: number
        case ast.Name(id=name):
            return lambda _builder, names: names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _emitted("neg", [operand])
        case ast.BinOp(left=left, op=op, right=right):
            return _emitted(_BINARY_OPS[type(op)], [left, right])
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _emitted(_COMPARISONS[type(op)], [left, right])
        case ast.Call(func=ast.Name(id="cheb"), args=[ast.Constant(value=str(series)), arg]):
            inner = _prepared(arg)
            return lambda builder, names: builder.chebyshev(series, inner(builder, names))
        case ast.Call(func=ast.Name(id=name), args=args):
            if name in NUMPY_OPS:
                return _emitted(name, args)
            each = [_prepared(arg) for arg in args]
            return lambda builder, names: builder.call(name, [one(builder, names) for one in each])
    raise ValueError(f"not in the language of rows: {ast.unparse(tree)}")


def _emitted(op: str, args: Sequence[ast.expr]) -> _Lowered:
    each = [_prepared(arg) for arg in args]
    return lambda builder, names: builder.emit(op, *[one(builder, names) for one in each])


class _Builder:
    """Collects instructions with value numbering and constant folding."""

    def __init__(
        self,
        inputs: Sequence[str],
        definitions: bool,
        whole: frozenset[str],
        rewrites: Mapping[str, str] = _NONE,
    ) -> None:
        self._inputs = tuple(inputs)
        self._rewrites = rewrites
        self._whole = whole
        self._definitions = definitions
        self._instructions = [Instruction("input", name=name) for name in inputs]
        self._numbers: dict[tuple[Operand | str, ...], int] = {}
        self._nodes: dict[Node, Operand] = {}

    def program(self, outputs: tuple[Operand, ...]) -> Program:
        """Return what was collected, without what no output needs."""
        needed = {out for out in outputs if isinstance(out, int)}
        for number in range(len(self._instructions) - 1, -1, -1):
            if number in needed:
                needed.update(a for a in self._instructions[number].args if isinstance(a, int))
        kept = [
            number
            for number, instruction in enumerate(self._instructions)
            if number in needed or instruction.op == "input"
        ]
        if len(kept) == len(self._instructions):
            return Program(self._inputs, tuple(self._instructions), outputs)
        renumber = {old: new for new, old in enumerate(kept)}

        def moved(operand: Operand) -> Operand:
            return renumber[operand] if isinstance(operand, int) else operand

        instructions = tuple(
            Instruction(i.op, tuple(moved(a) for a in i.args), i.name)
            for i in (self._instructions[number] for number in kept)
        )
        return Program(self._inputs, instructions, tuple(moved(out) for out in outputs))

    def node(self, node: Node) -> Operand:
        if node.value is not None:
            return node.value
        if not node.args:
            return self._inputs.index(node.op)
        known = self._nodes.get(node)
        if known is None:
            known = self.call(node.op, [self.node(arg) for arg in node.args])
            self._nodes[node] = known
        return known

    def call(self, name: str, args: Sequence[Operand]) -> Operand:
        if name in self._whole:
            return self.emit(name, *args)
        names: dict[str, Operand] = dict(zip("abc", args, strict=False))
        # Of numbers alone the row's own code folds to a number.
        if name in self._rewrites and any(isinstance(arg, int) for arg in args):
            return self._run(self._rewrites[name], names)
        row = PRIMITIVES[name]
        return self._run(row.definition if self._definitions else row.code, names)

    def _run(self, text: str, names: dict[str, Operand]) -> Operand:
        value: Operand = 0.0
        for name, lowered in _statements(text):
            value = names[name] = lowered(self, names)
        return value

    def chebyshev(self, series: str, t: Operand) -> Operand:
        """Emit Clenshaw's recurrence for a stored Chebyshev series at ``t`` in [-1, 1]."""
        first, *rest = SERIES[series]
        two_t = self.emit("mul", 2.0, t)
        b1: Operand = 0.0
        b2: Operand = 0.0
        for coefficient in reversed(rest):
            step = self.emit("sub", self.emit("mul", two_t, b1), b2)
            b1, b2 = self.emit("add", step, coefficient), b1
        return self.emit("add", self.emit("sub", self.emit("mul", t, b1), b2), first)

    def emit(self, op: str, *args: Operand) -> Operand:
        key: tuple[Operand | str, ...] = (op, *args)
        n_floats = sum([isinstance(arg, float) for arg in args])
        if n_floats:
            # A definition is computed in high precision: nothing folded in float64 belongs there.
            if not self._definitions and op not in self._whole:
                simpler = self._simplified(op, args, n_floats)
                if simpler is not None:
                    return simpler
            # Constants as text: 1.0 is equal to operand 1 in Python, and 0.0 to -0.0.
            key = (op, *[repr(arg) if isinstance(arg, float) else arg for arg in args])
        if op in self._rewrites:
            return self._run(self._rewrites[op], dict(zip("abc", args, strict=False)))
        number = self._numbers.setdefault(key, len(self._instructions))
        if number == len(self._instructions):
            self._instructions.append(Instruction(op, args))
        return number

    def _simplified(self, op: str, args: tuple[Operand, ...], n_floats: int) -> Operand | None:
        """Fold constants and the neutral elements; nothing here may change a rounded result."""
        if n_floats == len(args):
            return _fold(op, args)
        match op, args:
            case ("add", (float(z), other)) | ("add", (other, float(z))) if z == 0:
                return other
            case "sub", (other, float(z)) if z == 0:
                return other
            case ("mul", (float(one), other)) | ("mul", (other, float(one))) if one == 1:
                return other
            case "div", (other, float(one)) if one == 1:
                return other
            case ("mul", (float(minus), other)) | ("mul", (other, float(minus))) if minus == -1:
                return self.emit("neg", other)
            case "pow", (base, float(n)) if n.is_integer() and abs(n) <= MAX_PRODUCT_POWER:
                return self._product_power(base, int(n))
            case "pow", (base, float(n)) if n == 0.5:
                return self.emit("sqrt", base)
            case "pow", (base, float(n)) if n == -0.5:
                return self.emit("div", 1.0, self.emit("sqrt", base))
            case "where", (float(condition), yes, no):
                return yes if condition else no
            case "where", (condition, float(yes), float(no)):
                # torch gives `where` of two numbers its default type, so cast the condition.
                assert isinstance(condition, int)
                compared = self._instructions[condition].args
                like = next(arg for arg in compared if isinstance(arg, int))
                scaled = self.emit("mul", yes - no, self.emit("cast", condition, like))
                return self.emit("add", scaled, no)
        return None

    def _product_power(self, base: Operand, n: int) -> Operand:
        if n < 0:
            return self.emit("div", 1.0, self._product_power(base, -n))
        result: Operand = 1.0
        square = base
        while n:
            if n & 1:
                result = self.emit("mul", result, square)
            n >>= 1
            if n:
                square = self.emit("mul", square, square)
        return result


def _fold(op: str, args: Sequence[Operand]) -> float:
    with np.errstate(all="ignore"):
        return float(NUMPY_OPS[op](*(np.float64(arg) for arg in args)))
