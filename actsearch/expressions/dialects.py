"""How each base operation is written in a target language: one ``Dialect`` a target.

Here are those of the kernels, torch and C; those of the exports lie with their writers. ``run``
computes a program without writing it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actsearch.expressions.lowering import Instruction, Operand, Program, lower
from actsearch.expressions.node import Node

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "gt": ">", "eq": "=="}
COMPARISONS = ("lt", "gt", "eq")
_SAME_NAME = ["abs", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "sinh", "cosh", "tanh"]
_SAME_NAME += ["asinh", "atan", "erf", "erfc"]
#: Operations that choose between values, and compute none.
_PICKY = frozenset({"maximum", "minimum", "where"})
_LARGEST = 3.4028234663852886e38  # of float32
#: How Python writes what is not finite.
NON_FINITE = {"inf": "math.inf", "-inf": "-math.inf", "nan": "math.nan"}
#: Operations that most languages write alike.
COMMON = {op: f"{{0}} {sign} {{1}}" for op, sign in _INFIX.items()} | {"neg": "-{0}"}


@dataclass(frozen=True)
class Dialect:
    """How programs are written in one language.

    Attributes:
        ops: Base operation -> template with ``{0}``, ``{1}`` ... for its operands.
        non_finite: How ``inf``, ``-inf`` and ``nan`` are written.
        beside_number: The templates of maximum and minimum where the second operand is a number.
        nan_is_number: Those templates hold for a folded constant that is NaN, too.
        declares: Every value is declared, as in C; else names are used again.
        number: Template of a finite constant.
        constant: Template of a result that is a constant: ``{0}`` is the first input, ``{1}`` it.
        beyond: Template of a number that float32 can't hold, where an operation takes no such
            number: ``{0}`` is a tensor, ``{1}`` the number. Empty where any number is taken.
        whole: Rows of the primitive table that the language has a function of its own for.
        rewrites: Operations and rows that are written as other operations: name -> code, in the
            language of rows.
    """

    ops: Mapping[str, str]
    non_finite: Mapping[str, str]
    beside_number: Mapping[str, str] = field(default_factory=dict)
    nan_is_number: bool = False
    declares: bool = False
    number: str = "{0}"
    constant: str = "{1}"
    beyond: str = ""
    whole: frozenset[str] = frozenset()
    rewrites: Mapping[str, str] = field(default_factory=dict)

    def lower(self, nodes: Sequence[Node], inputs: Sequence[str]) -> Program:
        """Lower trees to a program of what the language has."""
        return lower(nodes, inputs, whole=self.whole, rewrites=self.rewrites)

    def body(self, nodes: Sequence[Node], inputs: Sequence[str], *, result: str) -> list[str]:
        """Write trees as the lines of a function's body, as ``lines`` has them."""
        return lines(self.lower(nodes, inputs), self, result=result)


_TORCH_OPS: dict[str, str] = (
    COMMON
    | {op: f"torch.{op}({{0}})" for op in (*_SAME_NAME, "sign", "sigmoid")}
    | {op: f"torch.special.{op}({{0}})" for op in ("erfcx", "i0e", "i1e")}
    | {
        "pow": "torch.pow({0}, {1})",
        "maximum": "torch.maximum({0}, {1})",
        "minimum": "torch.minimum({0}, {1})",
        "where": "torch.where({0}, {1}, {2})",
        "cast": "{0}.to({1}.dtype)",
    }
)

#: For C with <tgmath.h>, which picks float or double by the argument, and the prelude in
#: ``c_prelude.py``: its maximum and minimum let NaN through, unlike fmax. A comparison is a mask
#: of ones or zeros and a choice is made by its bits: from ``?:`` compilers make branches, move
#: calls of functions into them, and then a loop can't be vectorised any more.
_C_OPS: dict[str, str] = (
    COMMON
    | {op: f"{op}({{0}})" for op in _SAME_NAME if op != "abs"}
    | {op: f"-(MASK)({{0}} {_INFIX[op]} {{1}})" for op in COMPARISONS}
    | {
        "abs": "fabs({0})",
        "pow": "pow({0}, {1})",
        "where": "ACT_CHOOSE({0}, {1}, {2})",
        "cast": "(REAL)-{0}",
        "sigmoid": "(REAL)1 / ((REAL)1 + exp(-{0}))",
        "maximum": "ACT_MAX({0}, {1})",
        "minimum": "ACT_MIN({0}, {1})",
        "sign": "(REAL)(({0} > 0) - ({0} < 0))",
        "erfcx": "act_erfcx({0})",
        "i0e": "act_i0e({0})",
        "i1e": "act_i1e({0})",
        "half_gauss": "act_half_gauss({0})",
        "normal_tail": "act_normal_tail({0})",
    }
)
TORCH = Dialect(
    ops=_TORCH_OPS,
    non_finite=NON_FINITE,
    # torch.maximum takes tensors only
    beside_number={
        "maximum": "torch.clamp_min({0}, {1})",
        "minimum": "torch.clamp_max({0}, {1})",
    },
    nan_is_number=True,
    # A constant result still has the shape and type of the input.
    constant="torch.full_like({0}, {1})",
    # In arithmetic an overflowing number becomes infinite; clamp_min, where and full_like raise.
    beyond="torch.ones_like({0}) * {1}",
)

C = Dialect(
    ops=_C_OPS,
    non_finite={"inf": "(REAL)INFINITY", "-inf": "-(REAL)INFINITY", "nan": "(REAL)NAN"},
    beside_number={"maximum": "ACT_AT_LEAST({0}, {1})", "minimum": "ACT_AT_MOST({0}, {1})"},
    declares=True,
    number="(REAL){0}",
    whole=frozenset({"half_gauss", "normal_tail"}),
)


def lines(program: Program, dialect: Dialect, *, result: str) -> list[str]:
    """Print a program, one assignment a line.

    Args:
        program: What to print.
        dialect: The language.
        result: Name that the last line assigns to; with several outputs ``result0``, ``result1``.

    Returns:
        The lines, without indentation. Inputs keep their names, other values are ``t1``, ``t2``.
        Where values need no declaration a name is used again once its value is no longer needed:
        a tensor that stays bound stays allocated, and a long formula would take ten times as long
        for its memory.
    """
    names: dict[int, str] = {}
    text: list[str] = []
    last_use = _last_uses(program)
    free: list[str] = []
    n_names = 0
    for number, instruction in enumerate(program.instructions):
        if instruction.op == "input":
            names[number] = instruction.name
            continue
        right = _render(instruction, names, dialect)
        if not dialect.declares:
            ended = {arg for arg in instruction.args if last_use.get(arg) == number}
            free += [names[int(arg)] for arg in sorted(ended) if arg >= len(program.inputs)]
        if not free:
            n_names += 1
            free.append(f"t{n_names}")
        names[number] = free.pop()
        text.append(_assign(names[number], right, dialect, instruction.op))
    several = len(program.outputs) > 1
    for index, output in enumerate(program.outputs):
        right = _operand(output, names, dialect)
        if isinstance(output, float):
            template = dialect.beyond if _is_beyond(output, dialect) else dialect.constant
            right = template.format(program.inputs[0], right)
        text.append(_assign(f"{result}{index}" if several else result, right, dialect, "result"))
    return text


def _last_uses(program: Program) -> dict[Operand, int]:
    """Return for each value the number of the last instruction that reads it; never for outputs."""
    last: dict[Operand, int] = {}
    for number, instruction in enumerate(program.instructions):
        last.update((arg, number) for arg in instruction.args if isinstance(arg, int))
    for output in program.outputs:
        last.pop(output, None)
    return last


def _assign(name: str, right: str, dialect: Dialect, op: str) -> str:
    if not dialect.declares:
        return f"{name} = {right}"
    kind = "MASK" if op in COMPARISONS else "REAL"
    return f"{name} = {right};" if op == "result" else f"const {kind} {name} = {right};"


def _render(instruction: Instruction, names: Mapping[int, str], dialect: Dialect) -> str:
    op, args = instruction.op, instruction.args
    template = dialect.ops[op]
    if op in _PICKY and any(_is_beyond(arg, dialect) for arg in args):
        *_, like = (arg for arg in args if isinstance(arg, int))
        texts = [_operand(arg, names, dialect) for arg in args]
        for place, arg in enumerate(args):
            if isinstance(arg, float):
                texts[place] = dialect.beyond.format(names[like], texts[place])
        return template.format(*texts)
    if op in dialect.beside_number:
        numbers = [arg for arg in args if isinstance(arg, float)]
        # A folded constant may be NaN, which a cheaper form would let go.
        if numbers and (dialect.nan_is_number or not math.isnan(numbers[0])):
            template = dialect.beside_number[op]
            args = (*(arg for arg in args if isinstance(arg, int)), *numbers)
    return template.format(*(_operand(arg, names, dialect) for arg in args))


def _is_beyond(operand: Operand, dialect: Dialect) -> bool:
    """Tell whether it is a number that needs the dialect's template for what overflows."""
    return (
        bool(dialect.beyond) and isinstance(operand, float) and _LARGEST < abs(operand) < math.inf
    )


def _operand(operand: Operand, names: Mapping[int, str], dialect: Dialect) -> str:
    if isinstance(operand, int):
        return names[operand]
    text = repr(operand)
    finite = math.isfinite(operand)
    text = dialect.number.format(text) if finite else dialect.non_finite[text]
    return f"({text})" if text.startswith("-") else text


def run(
    program: Program, ops: Mapping[str, Callable[..., Any]], inputs: Sequence[Any]
) -> list[Any]:
    """Compute a program with the functions of ``ops``; constants are passed as they are."""
    values: list[Any] = list(inputs)
    for op, args, _ in program.instructions[len(program.inputs) :]:
        values.append(ops[op](*[values[arg] if isinstance(arg, int) else arg for arg in args]))
    return [values[out] if isinstance(out, int) else out for out in program.outputs]
