"""When a search ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from actsearch.runs import Birth
from actsearch.runs.records import ACCEPTED


@dataclass(frozen=True)
class Limits:
    """When a search ends: at a moment, at a number of births (the rejected count), or both."""

    budget_s: float | None
    births: int | None
    deadline: float | None  # time.time() of the end of the budget

    def reached_births(self, n_births: int) -> bool:
        """Tell whether no more may be bred."""
        return self.births is not None and n_births >= self.births

    def out_of_time(self) -> bool:
        """Tell whether the time budget is used up."""
        return self.deadline is not None and time.time() >= self.deadline


def n_fruitless(births: Sequence[Birth]) -> int:
    """Return how many births there were since the last one that is trained."""
    fates = enumerate(birth.status == ACCEPTED for birth in reversed(births))
    return next((n for n, trained in fates if trained), len(births))
