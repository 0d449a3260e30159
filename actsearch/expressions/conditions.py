"""Conditions on a function, and by how much one violates them: what a space may ask of candidates.

The kinds are the rows of ``condition_kinds.py``; what is looked at says ``condition_views.py``. A
cheap look turns most away, and a fine one sees what hides between the points of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actsearch.expressions.condition_kinds import KINDS, MOST_AMOUNT, Found, Setting
from actsearch.expressions.condition_views import View
from actsearch.expressions.expression import Expression


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        kind: A key of ``KINDS``.
        settings: Names and values of its settings; those left out have the row's defaults.
        penalty: What one unit of violation costs, in units of the score; None: it must hold.
    """

    kind: str
    settings: tuple[tuple[str, Setting], ...] = ()
    penalty: float | None = None

    @property
    def is_hard(self) -> bool:
        """Whether what violates it is not trained."""
        return self.penalty is None

    def __str__(self) -> str:
        return KINDS[self.kind].name(self.in_full)

    @property
    def in_full(self) -> dict[str, Setting]:
        """All settings, those left out with their defaults."""
        return dict(KINDS[self.kind].defaults) | dict(self.settings)


@dataclass(frozen=True)
class Violation:
    """By how much a function violates a condition, and what was found where.

    ``amount`` is in the unit of the condition's kind; ``sentence`` reads ``not bounded to [-1, 1]:
    3.2 at x = 4.1``.
    """

    condition: Condition
    amount: float
    sentence: str


def violation_of(expression: Expression, condition: Condition, view: View) -> Violation | None:
    """Return how a function violates a condition, as far as a view shows it; None: it holds."""
    kind = KINDS[condition.kind]
    if not view.fine and kind.cheap == "nothing":
        return None
    with np.errstate(all="ignore"):
        if kind.cheap != "nothing" and np.isnan(view.f).any():
            place = view.x[np.flatnonzero(np.isnan(view.f).any(axis=0))[0]]
            found: Found = (MOST_AMOUNT, f"undefined at x = {place:.4g}")
        else:
            found = kind.find(condition.in_full, view)
        if found is not None and kind.cheap == "hint" and not view.fine:
            found = kind.find(condition.in_full, View(expression, fine=True))
    if found is None:
        return None
    amount = found[0] if found[0] < MOST_AMOUNT else MOST_AMOUNT  # NaN counts in full, too
    return Violation(condition, amount, f"not {condition}: {found[1]}")


def first_broken(
    expression: Expression, conditions: Sequence[Condition], *, fine: bool = True
) -> Violation | None:
    """Return the first hard condition's violation, or None where all hold.

    Args:
        expression: What to check.
        conditions: Those with a penalty are passed over.
        fine: False: a first look that takes a fraction of a millisecond. What it turns away
            violates a condition indeed; what it lets through may still violate one.
    """
    hard = [condition for condition in conditions if condition.is_hard]
    if not hard:
        return None
    view = View(expression, fine=fine)
    if not fine:  # what is proved at once comes before what needs a second look
        hard.sort(key=lambda condition: KINDS[condition.kind].cheap == "hint")
    found = (violation_of(expression, condition, view) for condition in hard)
    return next((violation for violation in found if violation is not None), None)


def violations(expression: Expression, conditions: Sequence[Condition]) -> list[Violation]:
    """Return all violations that a fine look finds, hard and soft, in the order of conditions."""
    view = View(expression, fine=True)
    found = (violation_of(expression, condition, view) for condition in conditions)
    return [violation for violation in found if violation is not None]


def penalty_of(expression: Expression, conditions: Sequence[Condition]) -> float:
    """Return what the soft conditions take off a score: the sum of penalty times amount."""
    soft = [condition for condition in conditions if not condition.is_hard]
    if not soft:
        return 0.0
    return math.fsum(
        (violation.condition.penalty or 0.0) * violation.amount
        for violation in violations(expression, soft)
    )
