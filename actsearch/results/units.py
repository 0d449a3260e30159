"""What scores are counted in, by the task's name for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """How a difference of scores is written: by which factor, with which word after it.

    ``explained`` follows the name of the score where its unit is not in it.
    """

    scale: int = 1
    word: str = ""
    explained: str = ""


#: Part of a score's name -> unit; accuracies are shares of 1 and differ by points, logarithms of
#: densities are natural ones.
_UNITS = {
    "accuracy": Unit(100, " points"),
    "log-likelihood": Unit(1, " nats", ", in nats a sample"),
    "standardised gain over relu": Unit(
        1, " standard deviations", ", in standard deviations of ReLU's scores between seeds"
    ),
}


def unit_of(score_name: str) -> Unit:
    """Return the unit of scores that a task calls ``score_name``."""
    name = score_name.lower()
    return next((unit for part, unit in _UNITS.items() if part in name), Unit())


def are_shares(scores: Iterable[float | None]) -> bool:
    """Tell whether scores are shares of 1, as accuracies of ours and not a user's in percent."""
    return all(0 <= score <= 1 for score in scores if score is not None)
