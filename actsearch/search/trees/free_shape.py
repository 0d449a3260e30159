"""Free trees: any formula of the space's primitives up to a number of nodes and a depth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deap import gp

from actsearch.expressions import Candidate, Expression, Node
from actsearch.expressions.node import is_parameter
from actsearch.search.space import SearchSpace
from actsearch.search.space.primitives import FORMALS
from actsearch.search.trees.counted import CountedShape, slots_of, takes_constants
from actsearch.search.trees.counting import Alternative, splits
from actsearch.search.trees.tree import (
    EntryPrimitive,
    Value,
    factor,
    input_leaf,
    leaf_of,
    offered,
    primitive_set,
    row_primitive,
)


class FreeShape(CountedShape):
    """Trees that DEAP's half-and-half generator makes (Koza 1992), read back by their form.

    Implements ``shapes.Shape``.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(space)
        self.pset = primitive_set(space)
        self.root: type = Value
        # What gives an operand as it came is of every form, over and over.
        offers = offered(space).entries
        entries = [one for one in offers if one.body.op not in FORMALS[one.n_operands]]
        # The most particular form first: 1/x is no division where a space has it as a whole.
        self._entries = sorted(entries, key=lambda one: -one.body.size)

    def random(self) -> list[Any]:
        """Draw a tree of the ramp, its constants still to be drawn."""
        shape = self._space.shape
        low, high = shape.min_random_depth, shape.max_random_depth
        tree: list[Any] = gp.genHalfAndHalf(self.pset, min_=low, max_=high)
        return tree

    def subtree(self, kind: type) -> list[Any]:
        """Draw what may stand at a place of a type."""
        tree: list[Any] = gp.genHalfAndHalf(self.pset, min_=0, max_=2, type_=kind)
        return tree

    def fits(self, tree: list[Any]) -> bool:
        """Tell whether a tree is within the limits."""
        shape = self._space.shape
        return len(tree) <= shape.max_nodes and gp.PrimitiveTree(tree).height <= shape.max_depth

    def read(self, candidate: Candidate) -> list[Any] | None:
        """Return the tree of a formula; what the space does not offer is kept as it is."""
        if not isinstance(candidate, Expression):
            return None
        return self._read(candidate.root, Value, candidate)

    def _read(self, node: Node, kind: type, expression: Expression) -> list[Any]:
        item, found = self._item(node) if kind is Value else (None, {})
        if item is None:
            return [leaf_of(node, kind, expression)]
        tree: list[Any] = [item]
        for name, arg_kind in zip(item.entry.names, item.args, strict=True):
            # What a form makes no use of, as the constant functions 0 and 1 do, reads the input.
            tree += self._read(found.get(name, Node("x")), arg_kind, expression)
        return tree

    def _item(self, node: Node) -> tuple[EntryPrimitive | None, dict[str, Node]]:
        if node.op == "mul" and is_parameter(node.args[0].op):
            item = factor(Value)
            return item, dict(zip(("s0", "x"), node.args, strict=True))
        for entry in self._entries:
            # A number is a leaf, unless constants are functions of the space.
            if not node.args and (entry.body.args or self._space.constants.share > 0):
                continue
            found = entry.matched(node)
            if found is not None:
                return EntryPrimitive(entry, [Value] * entry.n_operands, Value), found
        if not node.args:
            return None, {}
        item = row_primitive(node.op)
        return item, dict(zip(item.entry.names, node.args, strict=True))

    @property
    def _draws(self) -> bool:
        return self._space.constants.share > 0 or takes_constants(offered(self._space).entries)

    def _symbols(self) -> Iterable[tuple[int, int]]:
        shape = self._space.shape
        return ((n_nodes, shape.max_depth) for n_nodes in range(1, shape.max_nodes + 1))

    def _at(self, symbol: tuple[int, int]) -> Iterable[Alternative]:
        """Yield what may stand at a number of nodes and a depth that is left."""
        space, (n_nodes, depth) = self._space, symbol
        if n_nodes == 1:
            leaves = [input_leaf(name, Value) for name in space.inputs]
            leaves += self._constants(Value) if space.constants.share > 0 else []
            learns = space.parameters.share > 0 and space.parameters.max > 0
            leaves += self._parameters(Value) if learns else []
            yield from ((leaf, ()) for leaf in leaves)
        elif depth > 0:
            for entry in offered(space).entries:
                slots = slots_of(entry)
                item = EntryPrimitive(entry, [Value] * entry.n_operands, Value)
                for parts in splits(n_nodes - 1 - len(slots), entry.n_operands, least=1):
                    yield item, (*((part, depth - 1) for part in parts), *slots)
