"""Templates of a space, as text: ``b(u(x), u(x))``, or ``b(u(core), u(core))`` to be repeated.

``u``, ``b`` and ``t`` stand for any unary, binary or ternary primitive of the space, ``x`` (``u``
without an argument, ``o``) for an input, and ``core`` for an input or the whole template again.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from actsearch.errors import shorten
from actsearch.expressions.node import INPUTS

SLOTS = {"u": 1, "b": 2, "t": 3}
CORE = "core"
#: Formulas are read back from their text, which may be nested a hundred deep.
MAX_DEPTH = 32


@dataclass(frozen=True)
class Slot:
    """A place of a template: for a primitive of so many operands, or an input, or ``core``."""

    name: str
    operands: tuple[Slot, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.operands))})" if self.operands else self.name

    @property
    def n_cores(self) -> int:
        """How often ``core`` stands in it."""
        return (self.name == CORE) + sum(one.n_cores for one in self.operands)

    @property
    def depth(self) -> int:
        """How many places lie one in another."""
        return 1 + max((one.depth for one in self.operands), default=-1)

    @property
    def inputs(self) -> set[str]:
        """The inputs that it reads."""
        own = {self.name} - {CORE} if not self.operands else set()
        return own.union(*(one.inputs for one in self.operands))

    @property
    def kinds(self) -> set[int]:
        """The numbers of operands of the primitives that it has places for."""
        own = {len(self.operands)} if self.operands else set()
        return own.union(*(one.kinds for one in self.operands))


def read_template(text: str) -> Slot:
    """Read a template.

    Raises:
        ValueError: The text is none; the message says what is accepted.
    """
    problem = (
        f"'{shorten(text, 60)}' is no template; write one of u(...), b(..., ...), t(..., ..., ...) "
        "for unary, binary and ternary primitives, x for the input, core for the template again, "
        "as in b(u(x), u(x)) or b(u(core), u(core))"
    )
    try:
        slot = _slot(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(problem) from None
    if slot is None or not slot.operands:
        raise ValueError(problem)
    if slot.depth > MAX_DEPTH:
        raise ValueError(
            f"'{shorten(text, 60)}' is {slot.depth} places deep, and may be {MAX_DEPTH}"
        )
    return slot


def _slot(tree: ast.expr) -> Slot | None:
    match tree:
        case ast.Name(id=name) if name in (*INPUTS, CORE):
            return Slot(name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            if SLOTS.get(name) == len(args):
                operands = [_slot(arg) for arg in args]
                found = tuple(one for one in operands if one is not None)
                return Slot(name, found) if len(found) == len(args) else None
    return None
