"""Offspring that are bred together, of which at most one is trained."""

from __future__ import annotations

import dataclasses
import math

from actsearch.runs import Birth
from actsearch.runs.records import ACCEPTED, SCREENED


class Litter:
    """Births with consecutive ids, not committed yet.

    Args:
        first: The id of the first one.
    """

    def __init__(self, first: int) -> None:
        self.births: list[Birth] = []
        self._first = first
        self._guesses: dict[int, float | None] = {}  # of those that may be trained
        self._by_fingerprint: dict[str | None, int] = {}

    @property
    def n_promising(self) -> int:
        """How many may be trained."""
        return len(self._guesses)

    def add(self, birth: Birth, guess: float | None) -> None:
        """Add a birth that was judged; ``guess`` is its score by the surrogate, None for unknown.

        A function that is in the litter already is screened.
        """
        if birth.status == ACCEPTED:
            sibling = self._by_fingerprint.setdefault(birth.fingerprint, birth.id)
            if sibling == birth.id:
                self._guesses[birth.id] = guess
            else:
                reason = f"the same function as its sibling {sibling}"
                birth = dataclasses.replace(birth, status=SCREENED, reason=reason)
        self.births.append(birth)

    def decided(self) -> tuple[list[Birth], Birth | None]:
        """Return the births with their fates, and the one to be trained, None where none may be."""
        if not self._guesses:
            return self.births, None
        # Of equal guesses, and where nothing is known, the first.
        best = max(self._guesses, key=lambda id_: (_or_lowest(self._guesses[id_]), -id_))
        births = []
        for birth in self.births:
            if birth.id in self._guesses and birth.id != best:
                reason = (
                    f"guessed to score {self._guesses[birth.id]:.4f}, its sibling {best} "
                    f"{self._guesses[best]:.4f}"
                )
                birth = dataclasses.replace(birth, status=SCREENED, reason=reason)
            births.append(birth)
        return births, births[best - self._first]


def _or_lowest(guess: float | None) -> float:
    return -math.inf if guess is None else guess
