"""A formula's tree as lines of text, with branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actsearch.expressions import Layered
from actsearch.expressions.printer import number

if TYPE_CHECKING:
    from actsearch.expressions import Candidate
    from actsearch.expressions.node import Node

#: What operators are called in a drawing, where their own names say less.
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "square": "^2", "cube": "^3", "pow": "^"}


def tree_lines(candidate: Candidate) -> list[str]:
    """Draw a formula as a tree, its operator on top and arguments below, left to right.

    A formula for each group of layers becomes one tree a group, under the group's name.
    """
    if not isinstance(candidate, Layered):
        return _drawn(candidate.root)
    lines = []
    for group, part in candidate.formulas:
        lines += [f"{group}:", *(f"  {line}" for line in _drawn(part.root))]
    return lines


def _drawn(root: Node) -> list[str]:
    lines: list[str] = []
    # A stack and not recursion, as with all walks over trees. Before each node stand the branches
    # of its ancestors: ``lead`` before its own line, ``below`` before those under it.
    stack = [(root, "", "")]
    while stack:
        node, lead, below = stack.pop()
        lines.append(lead + _label(node))
        children = [
            (arg, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))
            for k, arg in enumerate(node.args)
            for last in (k == len(node.args) - 1,)
        ]
        stack += reversed(children)
    return lines


def _label(node: Node) -> str:
    if node.value is not None:
        return number(node.value)
    return _SIGNS.get(node.op, node.op) if node.args else node.op
