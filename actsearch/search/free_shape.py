"""Free trees: any formula of the space's primitives up to a number of nodes and a depth."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from deap import gp

from actsearch.expressions import Candidate, Expression, Node
from actsearch.expressions.node import is_parameter
from actsearch.search.counting import Alternative, Counter, splits
from actsearch.search.space import SearchSpace
from actsearch.search.trees import (
    EntryPrimitive,
    Learned,
    Parameter,
    Scalar,
    Value,
    as_new,
    constant_leaf,
    factor,
    input_leaf,
    leaf_of,
    offered,
    parameter_leaf,
    primitive_set,
    row_primitive,
)

_SCALAR, _LEARNED = ("scalar",), ("learned",)


class FreeShape:
    """Trees that DEAP's half-and-half generator makes (Koza 1992), read back by their form.

    Implements ``shapes.Shape``.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self.pset = primitive_set(space)
        self.root: type = Value
        entries = [one for one in offered(space).entries if one.body != Node("x")]
        # The most particular form first: 1/x is no division where a space has it as a whole.
        self._entries = sorted(entries, key=lambda one: -one.body.size)
        self._counter = Counter(self)

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
        item, found = self._item(node)
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
    def size(self) -> int | None:
        """How many different trees there are, None for no end of them."""
        draws = self._space.constants.share > 0 or any(
            one.slots and not one.learned for one in offered(self._space).entries
        )
        if draws and self._space.constants.scale > 0:
            return None
        return sum(self._counter.count(symbol) for symbol in self._symbols())

    def at(self, number: int) -> list[Any]:
        """Return tree ``number``, from 0, of a shape that is finite."""
        for symbol in self._symbols():
            n = self._counter.count(symbol)
            if number < n:
                return as_new(self._counter.at(symbol, number))
            number -= n
        raise IndexError(number)

    def _symbols(self) -> Iterable[tuple[int, int]]:
        shape = self._space.shape
        return ((n_nodes, shape.max_depth) for n_nodes in range(1, shape.max_nodes + 1))

    def alternatives(self, symbol: Hashable) -> Iterable[Alternative]:
        """Return what may stand at a symbol: (nodes, depth left), a scalar or a parameter."""
        space = self._space
        starts = [Parameter(start, "counted") for start in space.parameters.starts]
        if symbol == _LEARNED:
            yield from ((parameter_leaf(one, Learned), ()) for one in starts)
            return
        if symbol == _SCALAR:
            yield from ((constant_leaf(one, Scalar), ()) for one in space.constants.values)
            return
        assert isinstance(symbol, tuple)
        n_nodes, depth = symbol
        if n_nodes == 1:
            yield from ((input_leaf(name, Value), ()) for name in space.inputs)
            if space.constants.share > 0:
                yield from ((constant_leaf(one, Value), ()) for one in space.constants.values)
            if space.parameters.share > 0 and space.parameters.max > 0:
                yield from ((parameter_leaf(one, Value), ()) for one in starts)
            return
        if depth == 0:
            return
        for entry in offered(space).entries:
            slots = (_LEARNED if entry.learned else _SCALAR,) * len(entry.slots)
            item = EntryPrimitive(entry, [Value] * entry.n_operands, Value)
            for parts in splits(n_nodes - 1 - len(slots), entry.n_operands, least=1):
                yield item, (*((part, depth - 1) for part in parts), *slots)
