"""Why births were not trained, counted: reasons with their numbers left out are of one kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from actsearch.results.tables import Column
from actsearch.runs.records import REJECTED, SCREENED

if TYPE_CHECKING:
    from actsearch.runs import Birth

# A number that is no part of a name, as the 1 of log1p is.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|\b(?:inf|nan)\b")


def kind_of(reason: str) -> str:
    """Return a reason with ``N`` for each number, as in "non-finite: N at x = N"."""
    return " ".join(_NUMBER.sub("N", reason).split())


def reason_counts(births: Iterable[Birth]) -> list[dict[str, Any]]:
    """Count the births that were turned away before training, by the kind of their reason.

    Returns:
        Rows for ``REASON_COLUMNS``, the most frequent first; ``example`` is the first birth's
        reason, ``share`` is of all births.
    """
    births = list(births)
    turned_away = [birth for birth in births if birth.status in (REJECTED, SCREENED)]
    counts = Counter((birth.status, kind_of(birth.reason)) for birth in turned_away)
    first: dict[tuple[str, str], Birth] = {}
    for birth in turned_away:
        first.setdefault((birth.status, kind_of(birth.reason)), birth)
    return [
        {
            "status": status,
            "kind": kind,
            "births": n,
            "share": n / len(births),
            "example": first[status, kind].reason,
            "example_id": first[status, kind].id,
        }
        for (status, kind), n in counts.most_common()
    ]


#: As a table in a terminal.
REASON_COLUMNS = (
    Column("births", "births", right=True),
    Column("share", "share", right=True, show=lambda share: f"{100 * share:.1f} %"),
    Column("status", "status"),
    Column("kind", "reason (N: a number)", long=True),
)
