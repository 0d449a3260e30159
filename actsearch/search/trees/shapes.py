"""Which formulas a space consists of: the one interface, and the choice among the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from deap import gp

from actsearch.expressions import Candidate, Layered
from actsearch.search.space import SearchSpace
from actsearch.search.trees.free_shape import FreeShape
from actsearch.search.trees.template_shape import TemplateShape
from actsearch.search.trees.tree import Layers, LayersItem, subtrees

#: A finite space of more expressions than this is not walked through one by one.
MAX_ENUMERATED = 2_000_000


class Shape(Protocol):
    """The formulas of a space as DEAP's trees.

    ``pset`` is the primitive set that DEAP's operators draw from, ``root`` the type of a tree.
    Trees that are drawn may have open leaves, to be filled by ``trees.fill``.
    """

    pset: gp.PrimitiveSetTyped
    root: type

    def random(self) -> list[Any]:
        """Draw a tree, with the global generator."""
        ...

    def subtree(self, kind: type) -> list[Any]:
        """Draw what may stand at a place of a type."""
        ...

    def fits(self, tree: list[Any]) -> bool:
        """Tell whether a tree is within the limits of the space."""
        ...

    def read(self, candidate: Candidate) -> list[Any] | None:
        """Return the tree of a candidate, None where the space has no such form."""
        ...

    @property
    def size(self) -> int | None:
        """How many different trees there are, None for no end of them."""
        ...

    def at(self, number: int) -> list[Any]:
        """Return tree ``number``, from 0, of a finite space."""
        ...


def shape_of(space: SearchSpace) -> Shape:
    """Return the shape of a space."""
    inner: Shape = TemplateShape(space) if space.shape.template else FreeShape(space)
    return LayeredShape(inner, space.shape.layers) if space.shape.layers else inner


class LayeredShape:
    """A tree for each group of layers, side by side below one root. Implements ``Shape``.

    DEAP's crossover never takes the root, so it exchanges parts of formulas, of any two groups.
    """

    def __init__(self, inner: Shape, groups: Sequence[str]) -> None:
        self._inner = inner
        self._item = LayersItem(tuple(groups), inner.root)
        self.pset = inner.pset
        self.root: type = Layers

    def random(self) -> list[Any]:
        """Draw a tree for each group."""
        return [self._item, *(item for _ in self._item.args for item in self._inner.random())]

    def subtree(self, kind: type) -> list[Any]:
        """Draw what may stand at a place of a type."""
        return self.random() if kind is Layers else self._inner.subtree(kind)

    def fits(self, tree: list[Any]) -> bool:
        """Tell whether each formula is within the limits."""
        return all(self._inner.fits(part) for part in subtrees(tree))

    def read(self, candidate: Candidate) -> list[Any] | None:
        """Return the tree of a candidate; one formula is that of all groups."""
        if isinstance(candidate, Layered):
            if tuple(group for group, _ in candidate.formulas) != self._item.groups:
                return None
            parts = candidate.parts
        else:
            parts = (candidate,) * len(self._item.args)
        trees = [self._inner.read(part) for part in parts]
        read = [tree for tree in trees if tree is not None]
        if len(read) < len(parts):
            return None
        return [self._item, *(item for tree in read for item in tree)]

    @property
    def size(self) -> int | None:
        """How many different trees there are."""
        size = self._inner.size
        return None if size is None else size ** len(self._item.args)

    def at(self, number: int) -> list[Any]:
        """Return tree ``number``, from 0, of a finite space."""
        size = self._inner.size
        assert size is not None
        if number >= size ** len(self._item.args):
            raise IndexError(number)
        digits = []
        for _ in self._item.args:
            number, digit = divmod(number, size)
            digits.append(digit)
        return [self._item, *(item for digit in reversed(digits) for item in self._inner.at(digit))]
