"""The value and the derivatives of a function as the lines of a function's body, in any dialect.

NaN goes through: where it would be lost, as a step of NaN is a number, a last operation puts it
back. All comes from the validated trees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.dialects import Dialect, lines, run
from actsearch.expressions.lowering import Instruction, Program, lower
from actsearch.expressions.node import Node

#: What other inputs and parameters are while one is NaN: 1 to the power of NaN is 1.
_PROBES = (-2.3, -0.7, 0.0, 0.4, 1.0, 1.9)


@dataclass(frozen=True)
class Programs:
    """Trees of a value and its derivatives by argument, over inputs and parameters."""

    value: Node
    derivatives: Mapping[str, Node]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The inputs, then the parameters."""
        return (*self.inputs, *self.parameters)

    def value_program(self, dialect: Dialect) -> Program:
        """Return the value as operations of a dialect; NaN in an input comes out as NaN."""
        return self._nan_safe(dialect.lower([self.value], self.arguments))

    def derivative_program(self, dialect: Dialect, wrt: Sequence[str]) -> Program:
        """Return derivatives by some arguments, one output each, subexpressions shared."""
        return dialect.lower([self.derivatives[name] for name in wrt], self.arguments)

    def value_lines(self, dialect: Dialect, result: str = "y") -> list[str]:
        """Return the lines that compute the value into ``result``."""
        return lines(self.value_program(dialect), dialect, result=result)

    def derivative_lines(
        self, dialect: Dialect, wrt: Sequence[str] = ("x",), result: str = "y"
    ) -> list[str]:
        """Return the lines that compute derivatives; of several into result0, result1 ..."""
        return lines(self.derivative_program(dialect, wrt), dialect, result=result)

    def operations(self, dialect: Dialect) -> tuple[str, ...]:
        """Return the base operations that value and derivatives need, in order of appearance."""
        programs = [self.value_program(dialect), self.derivative_program(dialect, self.arguments)]
        steps = (step for program in programs for step in program.instructions)
        return tuple(dict.fromkeys(step.op for step in steps if step.op != "input"))

    def lacking(self, dialect: Dialect) -> tuple[str, ...]:
        """Return the operations of it that a dialect has no text for."""
        return tuple(op for op in self.operations(dialect) if op not in dialect.ops)

    def _nan_safe(self, program: Program) -> Program:
        lost = self._losing_nan
        if not lost:
            return program
        steps, (out,) = list(program.instructions), program.outputs
        for name in lost:
            place = self.arguments.index(name)
            steps.append(Instruction("eq", (place, place)))
            steps.append(Instruction("where", (len(steps) - 1, out, place)))
            out = len(steps) - 1
        return replace(program, instructions=tuple(steps), outputs=(out,))

    @property
    def _losing_nan(self) -> tuple[str, ...]:
        """The inputs whose NaN the bare program would turn into a number."""
        program = lower([self.value], self.arguments)
        lost = []
        for name in self.inputs:
            given = [
                np.full(len(_PROBES), np.nan) if one == name else np.array(_PROBES)
                for one in self.arguments
            ]
            with np.errstate(all="ignore"):
                (result,) = run(program, _NAN_OPS, given)
            if not np.isnan(result).all():
                lost.append(name)
        return tuple(lost)


def reads(program: Program, names: Sequence[str]) -> bool:
    """Tell whether what a program returns depends on any of some variables, or is a constant."""
    waiting, seen = list(program.outputs), set[int]()
    if all(isinstance(out, float) for out in waiting):
        return True
    while waiting:
        number = waiting.pop()
        if isinstance(number, float) or number in seen:
            continue
        seen.add(number)
        step = program.instructions[number]
        if step.op == "input" and step.name in names:
            return True
        waiting += step.args
    return False


def _sign(a: Any) -> Any:
    return np.where(np.isnan(a), 0.0, np.sign(a))  # as torch and C have it


_NAN_OPS: dict[str, Callable[..., Any]] = NUMPY_OPS | {"sign": _sign}
