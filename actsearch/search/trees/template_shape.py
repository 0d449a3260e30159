"""Formulas of fixed forms: templates whose places are filled with the space's primitives."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from deap import gp

from actsearch.expressions import Candidate, Expression, Node
from actsearch.expressions.node import INPUTS
from actsearch.search.evolution_draws import draws
from actsearch.search.space import SearchSpace
from actsearch.search.space.template import CORE, Slot, read_template
from actsearch.search.trees.counted import CountedShape, slots_of, takes_constants
from actsearch.search.trees.counting import Alternative, shares
from actsearch.search.trees.tree import (
    EntryPrimitive,
    FixedHash,
    Learned,
    Scalar,
    factor,
    input_leaf,
    is_factor,
    leaf_of,
    offered,
    open_leaf,
)


@dataclass
class _Reading:
    """The reading of one formula, with what was found for its parts."""

    expression: Expression
    done: dict[Hashable, list[Any] | None] = field(default_factory=dict)


class TemplateShape(CountedShape):
    """Trees of a space with templates. Implements ``shapes.Shape``.

    A place has a type by its form, so that DEAP's crossover exchanges what has the same form.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(space)
        self._templates = [read_template(text) for text in space.shape.template]
        self._repeats = space.shape.repeats
        self._offered = offered(space)
        self._types: dict[str, type] = {}
        self.root = self._type("root")
        self.pset = gp.PrimitiveSetTyped(space.name, [], self.root)
        for template in self._templates:
            self._add(template, self.root)
            if template.n_cores:
                self._add(template, self._type(CORE))
        for kind in (Scalar, Learned):
            self.pset.primitives[kind] = self.pset.terminals[kind] = [open_leaf(kind)]

    def _type(self, name: str) -> type:
        if name not in self._types:
            self._types[name] = FixedHash(name, (), {})
        return self._types[name]

    def _add(self, slot: Slot, kind: type) -> None:
        """Offer what may stand at a place, and at the places below it."""
        if not slot.operands:
            inputs = [slot.name] if slot.name != CORE else list(self._space.inputs)
            self.pset.terminals[kind] = [input_leaf(name, kind) for name in inputs]
            return
        there = {item.name for item in self.pset.primitives[kind]}
        for item, n in self._items(slot, kind):
            self.pset.primitives[kind] += [item] * n if item.name not in there else []
        for operand in slot.operands:
            self._add(operand, self._type(str(operand)))

    def _items(self, slot: Slot, kind: type) -> list[tuple[EntryPrimitive, int]]:
        types = [self._type(str(operand)) for operand in slot.operands]
        there = self._offered.of(len(slot.operands))
        return [(EntryPrimitive(entry, types, kind), n) for entry, n in there if n]

    def random(self) -> list[Any]:
        """Draw a template, how often it is repeated, and what fills it, each evenly."""
        return self._drawn(draws.choice(self._templates), self.root, self._draw_n_cores())

    def _draw_n_cores(self) -> int:
        low, high = self._repeats
        return draws.randint(low, high) - 1 if high > 1 else 0

    def subtree(self, kind: type) -> list[Any]:
        """Draw what may stand at a place of a type."""
        if kind is self.root:
            return self.random()
        if kind in (Scalar, Learned):
            return [open_leaf(kind)]
        name = next(name for name, one in self._types.items() if one is kind)
        slot = Slot(CORE) if name == CORE else read_template_part(name)
        return self._drawn(slot, kind, draws.randrange(self._repeats[1]))

    def _drawn(self, slot: Slot, kind: type, n_cores: int) -> list[Any]:
        """Fill a place, with ``n_cores`` more of the template at the places for it below."""
        if not slot.operands:
            if slot.name == CORE and n_cores > 0:
                template = draws.choice([one for one in self._templates if one.n_cores])
                return self._drawn(template, kind, n_cores - 1)
            return [draws.choice(self.pset.terminals[kind])]
        item = draws.choice([one for one, n in self._items(slot, kind) for _ in range(n)])
        places = [k for k, one in enumerate(slot.operands) for _ in range(one.n_cores)]
        drawn = [draws.choice(places) for _ in range(n_cores)] if places else []
        tree: list[Any] = [item]
        for k, operand in enumerate(slot.operands):
            tree += self._drawn(operand, item.args[k], drawn.count(k))
        return tree + [open_leaf(arg) for arg in item.args[len(slot.operands) :]]

    def fits(self, tree: list[Any]) -> bool:
        """Tell whether the template is repeated as often as it may be."""
        return self._repeats[0] <= self._n_repeats(tree) <= self._repeats[1]

    def _n_repeats(self, tree: list[Any]) -> int:
        kinds = (self.root, self._type(CORE))
        return sum(item.ret in kinds and item.arity > 0 and not is_factor(item) for item in tree)

    def read(self, candidate: Candidate) -> list[Any] | None:
        """Return the tree of a formula, None where no template has its form.

        Where there are several, it is the one with the fewest repetitions.
        """
        if not isinstance(candidate, Expression):
            return None
        reading = _Reading(candidate)
        found = [self._read(one, self.root, candidate.root, reading) for one in self._templates]
        fitting = [tree for tree in found if tree is not None and self.fits(tree)]
        return min(fitting, key=self._n_repeats, default=None)

    def _read(self, slot: Slot, kind: type, node: Node, reading: _Reading) -> list[Any] | None:
        key = (slot, kind, node)
        if key not in reading.done:
            reading.done[key] = min(
                self._readings(slot, kind, node, reading), key=self._n_repeats, default=None
            )
        return reading.done[key]

    def _readings(
        self, slot: Slot, kind: type, node: Node, reading: _Reading
    ) -> Iterable[list[Any]]:
        """Yield the trees of a node at a place, the shortest for each primitive there."""
        if not slot.operands and node.op in (
            self._space.inputs if slot.name == CORE else (slot.name,)
        ):
            yield [input_leaf(node.op, kind)]
        elif slot.name == CORE:
            found = [self._read(one, kind, node, reading) for one in self._templates if one.n_cores]
            yield from (tree for tree in found if tree is not None)
        for item, _ in self._items(slot, kind) if slot.operands else ():
            parts = item.entry.matched(node)
            if parts is not None:
                tree = self._filled(slot, item, parts, reading)
                if tree is not None:
                    yield tree
        item = factor(kind)
        parts = item.entry.matched(node)
        if parts is not None:
            below = self._read(slot, kind, parts["x"], reading)
            if below is not None:
                yield [item, *below, leaf_of(parts["s0"], Scalar, reading.expression)]

    def _filled(
        self, slot: Slot, item: EntryPrimitive, parts: dict[str, Node], reading: _Reading
    ) -> list[Any] | None:
        tree: list[Any] = [item]
        for k, operand in enumerate(slot.operands):
            part = parts.get(item.entry.names[k])
            # What a function makes no use of, as the constants 0 and 1 do, is the first there is.
            below = (
                self.first((operand, 0, item.args[k]))
                if part is None
                else self._read(operand, item.args[k], part, reading)
            )
            if below is None:
                return None
            tree += below
        slots = zip(item.entry.slots, item.args[len(slot.operands) :], strict=True)
        return tree + [leaf_of(parts[name], arg, reading.expression) for name, arg in slots]

    @property
    def _draws(self) -> bool:
        kinds = {kind for template in self._templates for kind in template.kinds}
        return takes_constants(entry for kind in kinds for entry, _ in self._offered.of(kind))

    def _symbols(self) -> Iterable[tuple[Slot, int, type]]:
        low, high = self._repeats
        for template in self._templates:
            for n in range(low, high + 1) if template.n_cores else (1,):
                yield template, n - 1, self.root

    def _at(self, symbol: tuple[Slot, int, type]) -> Iterable[Alternative]:
        """Yield what may stand at a place with so many more cores below it, and its type."""
        slot, n_cores, kind = symbol
        if not slot.operands and n_cores == 0:
            names = self._space.inputs if slot.name == CORE else (slot.name,)
            yield from ((input_leaf(name, kind), ()) for name in names)
        elif not slot.operands:
            for template in self._templates:
                if template.n_cores:
                    yield from self._at((template, n_cores - 1, kind))
        for item, _ in self._items(slot, kind) if slot.operands else ():
            for parts in shares(n_cores, [one.n_cores > 0 for one in slot.operands]):
                below = zip(slot.operands, parts, item.args, strict=False)
                yield item, (*below, *slots_of(item.entry))


def read_template_part(text: str) -> Slot:
    """Read a place of a template, which may be an input alone."""
    return Slot(text) if text in INPUTS else read_template(text)
