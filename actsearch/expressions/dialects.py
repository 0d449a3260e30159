"""How each base operation is written in torch and in C: one table a target.

A further target is a further table. ``run`` computes a program without writing it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actsearch.expressions.lowering import Instruction, Operand, Program

_NON_FINITE = {
    "torch": {"inf": "math.inf", "-inf": "-math.inf", "nan": "math.nan"},
    "c": {"inf": "(REAL)INFINITY", "-inf": "-(REAL)INFINITY", "nan": "(REAL)NAN"},
}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "gt": ">", "eq": "=="}
_COMPARISONS = ("lt", "gt", "eq")
_SAME_NAME = ["abs", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "sinh", "cosh", "tanh"]
_SAME_NAME += ["asinh", "atan", "erf", "erfc"]
_COMMON = {op: f"{{0}} {sign} {{1}}" for op, sign in _INFIX.items()} | {"neg": "-{0}"}

TORCH: dict[str, str] = (
    _COMMON
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
C: dict[str, str] = (
    _COMMON
    | {op: f"{op}({{0}})" for op in _SAME_NAME if op != "abs"}
    | {op: f"-(MASK)({{0}} {_INFIX[op]} {{1}})" for op in _COMPARISONS}
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
#: Rows that C has a function for, faster than the row's code.
C_ROWS = frozenset({"half_gauss", "normal_tail"})


#: The same with a number, which is never NaN: torch.maximum takes tensors only, C has it cheaper.
_WITH_NUMBER = {
    "torch": {"maximum": "torch.clamp_min({0}, {1})", "minimum": "torch.clamp_max({0}, {1})"},
    "c": {"maximum": "ACT_AT_LEAST({0}, {1})", "minimum": "ACT_AT_MOST({0}, {1})"},
}


def lines(program: Program, dialect: str, *, result: str) -> list[str]:
    """Print a program, one assignment a line.

    Args:
        program: What to print.
        dialect: ``torch`` or ``c``.
        result: Name that the last line assigns to; with several outputs ``result0``, ``result1``.

    Returns:
        The lines, without indentation. Inputs keep their names, other values are ``t1``, ``t2``.
        In torch a name is used again once its value is no longer needed: a tensor that stays
        bound stays allocated, and a long formula would take ten times as long for its memory.
    """
    table = {"torch": TORCH, "c": C}[dialect]
    names: dict[int, str] = {}
    text: list[str] = []
    last_use = _last_uses(program)
    free: list[str] = []
    n_names = 0
    for number, instruction in enumerate(program.instructions):
        if instruction.op == "input":
            names[number] = instruction.name
            continue
        right = _render(instruction, table, names, dialect)
        if dialect != "c":
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
        if isinstance(output, float) and dialect == "torch":
            # A constant result still has the shape and type of the input.
            right = f"torch.full_like({program.inputs[0]}, {right})"
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


def _assign(name: str, right: str, dialect: str, op: str) -> str:
    if dialect == "torch":
        return f"{name} = {right}"
    kind = "MASK" if op in _COMPARISONS else "REAL"
    return f"{name} = {right};" if op == "result" else f"const {kind} {name} = {right};"


def _render(
    instruction: Instruction, table: Mapping[str, str], names: Mapping[int, str], dialect: str
) -> str:
    op, args = instruction.op, instruction.args
    template = table[op]
    if op in _WITH_NUMBER[dialect]:
        numbers = [arg for arg in args if isinstance(arg, float)]
        # A folded constant may be NaN, which C's cheaper form would let go.
        if numbers and not (dialect == "c" and math.isnan(numbers[0])):
            template = _WITH_NUMBER[dialect][op]
            args = (*(arg for arg in args if isinstance(arg, int)), *numbers)
    return template.format(*(_operand(arg, names, dialect) for arg in args))


def _operand(operand: Operand, names: Mapping[int, str], dialect: str) -> str:
    if isinstance(operand, int):
        return names[operand]
    text = repr(operand)
    if not math.isfinite(operand):
        text = _NON_FINITE[dialect][text]
    elif dialect == "c":
        text = f"(REAL){text}"
    return f"({text})" if text.startswith("-") else text


def run(
    program: Program, ops: Mapping[str, Callable[..., Any]], inputs: Sequence[Any]
) -> list[Any]:
    """Compute a program with the functions of ``ops``; constants are passed as they are."""
    values: list[Any] = list(inputs)
    for instruction in program.instructions[len(program.inputs) :]:
        args = (values[arg] if isinstance(arg, int) else arg for arg in instruction.args)
        values.append(ops[instruction.op](*args))
    return [values[out] if isinstance(out, int) else out for out in program.outputs]
