"""Which formulas a space consists of: the one interface, and the choice among the shapes."""

from __future__ import annotations

from typing import Any, Protocol

from deap import gp

from actsearch.expressions import Expression
from actsearch.search.free_shape import FreeShape
from actsearch.search.space import SearchSpace
from actsearch.search.template_shape import TemplateShape

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

    def read(self, expression: Expression) -> list[Any] | None:
        """Return the tree of a formula, None where the space has no such form."""
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
    return TemplateShape(space) if space.shape.template else FreeShape(space)
