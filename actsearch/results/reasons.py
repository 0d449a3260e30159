"""Why births were not trained, counted: reasons with their numbers left out are of one kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from actsearch.results.tables import Column
from actsearch.runs.records import REJECTED, SCREENED

if TYPE_CHECKING:
    from actsearch.runs import Birth

# A number that is no part of a name, as the 1 of log1p is.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|\b(?:inf|nan)\b")
_N_FORMULAS = 2  # examples of a kind


def kind_of(reason: str) -> str:
    """Return a reason with ``N`` for each number, as in "non-finite: N at x = N"."""
    return " ".join(_NUMBER.sub("N", reason).split())


def reason_counts(
    births: Iterable[Birth], kind: Callable[[str], str] = kind_of
) -> list[dict[str, Any]]:
    """Count the births that were turned away before training, by the kind of their reason.

    Args:
        births: of a run.
        kind: a reason -> what is counted as one.

    Returns:
        Rows for ``REASON_COLUMNS``, the most frequent first; ``example`` is the first birth's
        reason, ``formulas`` are those of the first births, ``share`` is of all births.
    """
    births = list(births)
    turned_away: dict[tuple[str, str], list[Birth]] = {}
    for birth in births:
        if birth.status in (REJECTED, SCREENED):
            turned_away.setdefault((birth.status, kind(birth.reason)), []).append(birth)
    return [
        {
            "status": status,
            "kind": what,
            "births": len(alike),
            "share": len(alike) / len(births),
            "example": alike[0].reason,
            "example_id": alike[0].id,
            "formulas": list(dict.fromkeys(one.formula for one in alike))[:_N_FORMULAS],
        }
        for (status, what), alike in sorted(
            turned_away.items(), key=lambda item: len(item[1]), reverse=True
        )
    ]


#: As a table in a terminal.
REASON_COLUMNS = (
    Column("births", "births", right=True),
    Column("share", "share", right=True, show=lambda share: f"{100 * share:.1f} %"),
    Column("status", "status"),
    Column("kind", "reason (N: a number)", long=True),
)
