"""What a space says of a candidate before it is trained: why not to, or what it takes off."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.expressions import Candidate, parts_of
from actsearch.expressions.conditions import Condition, first_broken, penalty_of
from actsearch.search.space import SearchSpace
from actsearch.search.space.conditions import plain_conditions


class Faults:
    """The checks and hard conditions of a space."""

    def __init__(self, space: SearchSpace) -> None:
        self._max_size = space.max_formula_nodes
        self._conditions: Sequence[Condition] = plain_conditions(space.conditions)

    def of(self, candidate: Candidate, *, fine: bool = True) -> str | None:
        """Return why not to train a candidate, None where nothing speaks against it.

        Args:
            candidate: What was bred.
            fine: Look at all there is; else at what can be told fast.
        """
        reason = candidate.check(max_size=self._max_size, slopes=fine)
        if reason is not None:
            return reason
        broken = (first_broken(part, self._conditions, fine=fine) for part in parts_of(candidate))
        return next((one.sentence for one in broken if one is not None), None)

    def penalty(self, candidate: Candidate) -> float:
        """Return what soft conditions take off a candidate's scores: the mean of its formulas."""
        parts = parts_of(candidate)
        return sum(penalty_of(part, self._conditions) for part in parts) / len(parts)
