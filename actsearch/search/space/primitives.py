"""What a space offers as primitives: rows of the primitive table, and formulas of its own.

A published space seldom has our primitives: it has ``1/x``, a learned ``beta*x``, the constants 0
and 1 as functions. So an entry of a space is the name of a row or a formula: in ``x`` where it is
unary, in ``a``, ``b`` (and ``c``) where it takes more. Parameters ``p0`` ... in it are learned,
anew at every place where it is used.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actsearch.errors import BadInput, nearest
from actsearch.expressions import PRIMITIVES, Node
from actsearch.expressions.node import is_parameter
from actsearch.expressions.parser import parse_tree
from actsearch.expressions.table import ALIASES

#: What the operands are called in the formulas of entries, by their number.
FORMALS: dict[int, tuple[str, ...]] = {1: ("x",), 2: ("a", "b"), 3: ("a", "b", "c")}
KINDS: dict[int, str] = {1: "unary", 2: "binary", 3: "ternary"}
_MAX_SLOTS = 4


@dataclass(frozen=True)
class Entry:
    """One primitive of a space.

    Attributes:
        name: As the space file writes it.
        n_operands: What it takes, besides numbers and parameters.
        body: What it stands for, over ``FORMALS[n_operands]`` and its slots.
        slots: Names in the body for the numbers or parameters that it takes.
        learned: Whether its slots are learned parameters; else each is a number or a parameter.
    """

    name: str
    n_operands: int
    body: Node
    slots: tuple[str, ...] = ()
    learned: bool = False

    @property
    def is_row(self) -> bool:
        """Whether it is a row of the primitive table."""
        return self.name in PRIMITIVES

    @property
    def names(self) -> tuple[str, ...]:
        """What the body calls its operands and then its slots."""
        return (*FORMALS[self.n_operands], *self.slots)

    def applied(self, args: Sequence[Node]) -> Node:
        """Return what it stands for, with operands and then slots in the places of their names."""
        return filled(self.body, dict(zip(self.names, args, strict=True)))

    def extent(self, args: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Return the nodes and the depth of what it stands for, from those of its arguments.

        Operands that the body names twice are written twice: deep trees of such entries have more
        nodes than can be built, and are known by their numbers alone.
        """
        size, depth, uses = self._measured
        for name, (arg_size, arg_depth) in zip(self.names, args, strict=True):
            n_places, deepest = uses.get(name, (0, 0))
            size += n_places * (arg_size - 1)
            depth = max(depth, deepest + arg_depth if n_places else 0)
        return size, depth

    @functools.cached_property
    def _measured(self) -> tuple[int, int, dict[str, tuple[int, int]]]:
        """The body's nodes and depth, and of each name its places and the depth of the deepest."""
        uses: dict[str, tuple[int, int]] = {}
        stack = [(self.body, 0)]
        while stack:
            node, level = stack.pop()
            n_places, deepest = uses.get(node.op, (0, 0))
            uses[node.op] = (n_places + 1, max(deepest, level))
            stack.extend((arg, level + 1) for arg in node.args)
        return self.body.size, self.body.depth, uses

    def matched(self, node: Node) -> dict[str, Node] | None:
        """Return what stands in the places of operands and slots where ``node`` is of its form.

        Operands that it makes no use of are missing from the answer. None where it has another
        form.
        """
        found: dict[str, Node] = {}
        return found if self._matches(self.body, node, found) else None

    def _matches(self, body: Node, node: Node, found: dict[str, Node]) -> bool:
        if body.op in self.names:
            if body.op in self.slots:
                is_number = node.value is not None and not self.learned
                if not (is_number or is_parameter(node.op)):
                    return False
            return found.setdefault(body.op, node) == node
        if (body.op, body.value, len(body.args)) != (node.op, node.value, len(node.args)):
            return False
        pairs = zip(body.args, node.args, strict=True)
        return all(self._matches(one, other, found) for one, other in pairs)


def filled(body: Node, values: Mapping[str, Node]) -> Node:
    """Return a node with others in the places of the names that they are given for."""
    if body.op in values:
        return values[body.op]
    return Node(body.op, tuple(filled(arg, values) for arg in body.args), body.value)


def entry(text: str, n_operands: int) -> Entry:
    """Read one entry of a space.

    Args:
        text: The name of a row, or a formula in ``FORMALS[n_operands]``.
        n_operands: 1, 2 or 3.

    Raises:
        BadInput: It is neither; the message says what is offered.
    """
    text = text.strip()
    if text.isidentifier() and text not in FORMALS[n_operands] and not is_parameter(text):
        return _row(ALIASES.get(text, text), n_operands)
    formals = FORMALS[n_operands]
    slots = tuple(f"p{k}" for k in range(_MAX_SLOTS))
    body = parse_tree(text, (*formals, *slots))
    used = tuple(name for name in slots if any(node.op == name for node in body.walk()))
    return Entry(text, n_operands, body, used, learned=True)


def _row(name: str, n_operands: int) -> Entry:
    offered = offered_primitives(n_operands)
    if name not in offered:
        if name in PRIMITIVES and not PRIMITIVES[name].internal:
            raise BadInput(f"'{name}' is not {KINDS[n_operands]}")
        guess = nearest(name, offered)
        hint = f"; did you mean '{guess}'?" if guess else ""
        raise BadInput(f"unknown primitive '{name[:40]}'{hint}")
    return row_entry(name)


def row_entry(name: str) -> Entry:
    """Return a row of the primitive table as an entry."""
    row = PRIMITIVES[name]
    n_operands = row.arity - row.n_scalars
    slots = tuple(f"s{k}" for k in range(row.n_scalars))
    args = tuple(Node(formal) for formal in (*FORMALS[n_operands], *slots))
    return Entry(name, n_operands, Node(name, args), slots)


def offered_primitives(operands: int) -> list[str]:
    """Return names of the primitives of that many operands; scalars do not count as operands."""
    return [
        row.name
        for row in PRIMITIVES.values()
        if not row.internal and row.arity - row.n_scalars == operands
    ]
