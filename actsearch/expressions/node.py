"""The tree of a formula: an immutable value that text, SymPy and DEAP are converted to and from.

A node is an operator's name from the primitive table with its arguments, a variable, or a
constant. Nothing here knows what an operator means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: What a unit sees: its pre-activation, a second projection of the same input, and the overlap
#: between input and weights.
INPUTS = ("x", "u", "o")
#: Learnable parameters are p0, p1, ...; more than this many is a typing error, not a formula.
MAX_PARAMETERS = 16
_PARAMETER = re.compile(r"p(0|[1-9][0-9]?)\Z")


def is_parameter(name: str) -> bool:
    """Tell whether ``name`` is that of a learnable parameter, ``p0`` to ``p15``."""
    match = _PARAMETER.match(name)
    return match is not None and int(match[1]) < MAX_PARAMETERS


@dataclass(frozen=True, slots=True)
class Node:
    """One node: ``op`` is a primitive's name, a variable's name, or ``"const"`` with ``value``."""

    op: str
    args: tuple[Node, ...] = ()
    value: float | None = None

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, parents first, left to right."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.args))

    @property
    def size(self) -> int:
        """The number of nodes."""
        return sum(1 for _ in self.walk())

    @property
    def depth(self) -> int:
        """The number of edges on the longest path to a leaf."""
        deepest, stack = 0, [(self, 0)]
        while stack:
            node, level = stack.pop()
            deepest = max(deepest, level)
            stack.extend((arg, level + 1) for arg in node.args)
        return deepest


def const(value: float) -> Node:
    """Build a constant; -0.0 becomes 0.0, so that equal constants are equal nodes."""
    return Node("const", (), float(value) + 0.0)
