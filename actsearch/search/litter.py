"""Offspring that are bred together, of which at most one is trained."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from actsearch.runs import Birth
from actsearch.runs.records import ACCEPTED, REJECTED, SCREENED
from actsearch.search.surrogate import Guess

Fault = Callable[[Birth], str | None]
Penalty = Callable[[Birth], float]


class Litter:
    """Births with consecutive ids, not committed yet.

    Args:
        first: The id of the first one.
        twin: What is nearer than this to a trained function is screened.
        exploration: How much what a guess may be exceeded by counts.
    """

    def __init__(self, first: int, twin: float = 0.0, exploration: float = 0.0) -> None:
        self.births: list[Birth] = []
        self._first = first
        self._twin, self._exploration = twin, exploration
        self._promises: dict[int, float] = {}  # of those that may be trained
        self._by_fingerprint: dict[str | None, int] = {}

    @property
    def n_promising(self) -> int:
        """How many may be trained."""
        return len(self._promises)

    def add(self, birth: Birth, guess: Guess | None) -> None:
        """Add a birth that was judged, with the surrogate's guess, None where nothing is known.

        A function that is in the litter already is screened, and so is one that trains as another
        did.
        """
        if birth.status == ACCEPTED:
            sibling = self._by_fingerprint.setdefault(birth.fingerprint, birth.id)
            reason = ""
            if sibling != birth.id:
                reason = f"the same function as its sibling {sibling}"
            elif guess is not None and guess.distance < self._twin:
                reason = (
                    f"trains as birth {guess.nearest} did: their distance is {guess.distance:.3f}"
                )
            else:
                self._promises[birth.id] = self._promise(guess)
            if reason:
                birth = dataclasses.replace(birth, status=SCREENED, reason=reason)
        self.births.append(birth)

    def _promise(self, guess: Guess | None) -> float:
        if guess is None:
            return -math.inf
        return guess.score + self._exploration * guess.reach

    def decided(
        self, fault: Fault, penalty: Penalty = lambda _birth: 0.0
    ) -> tuple[list[Birth], Birth | None]:
        """Return the births with their fates, and the one to be trained, None where none may be.

        Args:
            fault: Says why a birth is not worth training after all, or None where it is. It is
                asked of the most promising first, until one is: what it looks at costs more than
                all the rest, and most births are trained no more than they are faulty.
            penalty: Says what is taken off the scores of the one that is trained.
        """
        # Of equal guesses, and where nothing is known, the first.
        order = sorted(self._promises, key=lambda id_: (-self._promises[id_], id_))
        births, chosen = list(self.births), None
        for id_ in order:
            place = id_ - self._first
            if chosen is None and (reason := fault(births[place])) is not None:
                births[place] = dataclasses.replace(births[place], status=REJECTED, reason=reason)
            elif chosen is None:
                chosen = dataclasses.replace(births[place], penalty=penalty(births[place]))
                births[place] = chosen
            else:
                reason = (
                    f"promised {self._promises[id_]:.4f}, its sibling {chosen.id} "
                    f"{self._promises[chosen.id]:.4f}"
                )
                births[place] = dataclasses.replace(births[place], status=SCREENED, reason=reason)
        return births, chosen
