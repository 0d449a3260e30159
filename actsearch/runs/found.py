"""A formula that a search found, as a value: what the door to Python gives of a birth."""

from __future__ import annotations

from dataclasses import dataclass

from actsearch.expressions import Candidate, parse_candidate
from actsearch.runs.scores import Scored


@dataclass(frozen=True)
class Found:
    """A formula that a search found, with its mean score over ``n`` seeds at its highest rung.

    ``penalty`` is what soft conditions of the space take off the score for its rank.
    """

    id: int
    expression: Candidate
    score: float
    standard_error: float | None
    n: int
    rung: str
    penalty: float = 0.0

    @classmethod
    def of(cls, scored: Scored) -> Found:
        """Return a birth that has a score as what was found."""
        assert scored.mean is not None
        return cls(
            id=scored.id,
            expression=parse_candidate(scored.formula),
            score=scored.mean,
            standard_error=scored.standard_error,
            n=scored.n,
            rung=scored.rung,
            penalty=scored.penalty,
        )
