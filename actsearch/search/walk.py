"""The walk through a finite space, expression by expression, in an order that the seed decides.

Where it stands follows from the births alone. It begins with the search where the space asks for
it or is small, and elsewhere when breeding finds nothing new any more: then what is left is seen
to the end.
"""

from __future__ import annotations

from collections.abc import Iterable

from actsearch.runs import Birth
from actsearch.search.evolution import ENUMERATED, Breeder, Offspring
from actsearch.search.shapes import MAX_ENUMERATED
from actsearch.search.space import SearchSpace

#: A space of so many expressions is walked through at once: breeding would only repeat them.
SMALL = 1000


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
        self._at_once = space.shape.enumerate or self.size <= SMALL

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
