"""Seeds that a run was given when it was gone on with, and their places in its log.

A session keeps how many births and heats there were before each: a run that a repair cut off before
them comes to them at the same place again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput
from actsearch.runs.records import Session

if TYPE_CHECKING:
    from actsearch.runs.salvage import Salvage

#: The operator of births that were given to a run when it was gone on with.
ADDED = "added seed"


@dataclass(frozen=True)
class Added:
    """A formula, and how many births and heats there are before it at least."""

    formula: str
    place: tuple[int, int] = (0, 0)


def info_of(seeds: Sequence[Added]) -> dict[str, Any]:
    """Return what a session keeps of the seeds that it was given."""
    return {
        "added_seeds": [one.formula for one in seeds],
        "added_at": [list(one.place) for one in seeds],
    }


def given_to(sessions: Iterable[Session]) -> list[Added]:
    """Return the seeds that sessions were given, but for those that were refused."""
    found = []
    for session in sessions:
        if session.outcome != BadInput.__name__:
            places = _list(session.info.get("added_at"))
            for k, text in enumerate(_list(session.info.get("added_seeds"))):
                if isinstance(text, str):
                    found.append(Added(text, _place(places[k] if k < len(places) else None)))
    return found


def with_lost(found: Salvage) -> list[Session]:
    """Return the sessions of a damaged run, and one more for seeds that none of them was given.

    Its row is lost. What it was asked for else counts as that of the search before it.
    """
    sessions = [found.sessions[k] for k in sorted(found.sessions)]
    given = Counter(one.formula for one in given_to(sessions))
    births = [found.births[k] for k in sorted(found.births) if found.births[k].operator == ADDED]
    lost = []
    for birth in births:
        given[birth.formula] -= 1
        if given[birth.formula] < 0:
            lost.append(birth)
    if not lost:
        return sessions
    n_heats = max(found.heats, default=-1) + 1
    seeds = []
    for birth in lost:
        later = (heat.id for heat in found.heats.values() if heat.birth_id >= birth.id)
        seeds.append(Added(birth.formula, (birth.id, min(later, default=n_heats))))
    begin_s = lost[0].created_s
    at = sum(one.begin_s <= begin_s for one in sessions)
    searches = (one.info for one in sessions[:at] if one.info.get("kind") != "confirm")
    before = [found.meta["config"], *searches][-1]
    info = {key: before.get(key) for key in ("budget", "births")} | info_of(seeds)
    one = Session(0, begin_s, begin_s, 0.0, info, "its row was lost")
    return [*sessions[:at], one, *sessions[at:]]


def _list(value: object) -> list[Any]:
    """Return a list that anyone may have written."""
    return value if isinstance(value, list) else []


def _place(value: object) -> tuple[int, int]:
    match value:
        case [int(n_births), int(n_heats)]:
            return n_births, n_heats
    return 0, 0
