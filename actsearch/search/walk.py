"""The walk through a finite space, expression by expression, in an order that the seed decides.

Where it stands follows from the births alone. It begins with the search where the space asks for
it or is small, and elsewhere when breeding finds nothing new any more: then what is left is seen
to the end.
"""

from __future__ import annotations

from collections.abc import Iterable

from actsearch.errors import BadInput
from actsearch.runs import Birth
from actsearch.search.evolution import ENUMERATED, Breeder, Offspring
from actsearch.search.space import SearchSpace
from actsearch.search.trees.shapes import MAX_ENUMERATED

#: A space of so many expressions is walked through at once: breeding would only repeat them.
SMALL = 1000


def check_searchable(space: SearchSpace) -> None:
    """Refuse a space in which a search can't begin.

    Raises:
        BadInput: It is to be walked through, and has no end or more expressions than
            ``MAX_ENUMERATED``; or no random formula keeps to its limits.
    """
    breeder = Breeder(space, 0)
    if not space.shape.enumerate or breeder.shape.size == 0:
        if not breeder.can_begin():
            raise BadInput(
                f"no random formula of search space '{space.name}' keeps to its limits: raise "
                "shape.max_nodes, shape.max_depth or parameters.max, or lower "
                "shape.min_random_depth or shape.repeats"
            )
        return
    size = breeder.shape.size
    if size is None:
        raise BadInput(
            f"search space '{space.name}' has enumerate = true, and there is no end of its "
            "expressions: constants are drawn. Set constants.share = 0, or constants.scale = 0 for "
            "those that are listed, and leave out primitives that take numbers (rbf, clip ...)"
        )
    if size > MAX_ENUMERATED:
        raise BadInput(
            f"search space '{space.name}' has enumerate = true, and {size:,} expressions are more "
            f"than are walked through ({MAX_ENUMERATED:,}); leave enumerate out, and it is bred"
        )


def begins_as_walk(space: SearchSpace) -> bool:
    """Tell whether a search of a space walks through it from the beginning."""
    return Walk(space, Breeder(space, 0), ()).is_on(exhausted=False)


class Walk:
    """How far a space is walked through.

    Args:
        space: Any space.
        breeder: That of the search.
        births: Those there are.
    """

    def __init__(self, space: SearchSpace, breeder: Breeder, births: Iterable[Birth]) -> None:
        self._breeder = breeder
        size = breeder.shape.size
        #: How many expressions there are; 0 where the space can't be walked through.
        self.size = 0 if size is None or size > MAX_ENUMERATED else size
        self.n_done = sum(birth.operator == ENUMERATED for birth in births)
        # Where operators add parameters the forms that are counted are only where it begins.
        is_all = space.parameters.max == 0
        self._at_once = space.shape.enumerate or (is_all and self.size <= SMALL)

    def is_on(self, *, exhausted: bool) -> bool:
        """Tell whether the next birth is one of the walk.

        Args:
            exhausted: Breeding finds nothing new.
        """
        return self.size > 0 and (self._at_once or self.n_done > 0 or exhausted)

    @property
    def is_over(self) -> bool:
        """Whether all expressions were seen."""
        return 0 < self.size <= self.n_done

    def step(self) -> Offspring:
        """Return the next expression."""
        self.n_done += 1
        return self._breeder.enumerated(self.n_done - 1)
