"""When births came about, in the time that a run searched.

A run may be interrupted and resumed: a birth's clock time says little, the seconds of search before
it are what a person reads ("born at 2m 10s").
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from actsearch.runs.records import Birth, Session


def births_s(births: Iterable[Birth], sessions: Sequence[Session]) -> dict[int, float]:
    """Return birth id -> the seconds that the search had been active when it was born.

    Births from before the first session (a clock that was set back, a file made by hand) are left
    out.
    """
    searches = [one for one in sessions if one.info.get("kind") != "confirm"]
    begins = [one.begin_s for one in searches]
    before = [0.0]
    for one in searches:
        before.append(before[-1] + one.active_s)
    found = {}
    for birth in births:
        index = bisect.bisect_right(begins, birth.created_s) - 1
        if index >= 0:
            found[birth.id] = before[index] + birth.created_s - begins[index]
    return found
