"""How the leader of a hall of fame stands to the known activations, while nothing is confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actsearch.errors import shorten
from actsearch.results.hall import best_known


def standing(rows: Sequence[dict[str, Any]]) -> str:
    """Say in a sentence how the leader stands to the known activations, and what that is worth."""
    leader = rows[0]
    best = best_known(rows)
    if best is None:
        return f"Birth {leader['id']} leads; no known activation was trained beside it."
    if best is leader:
        alike = [row for row in rows if not row["known"] and row["rung"] == leader["rung"]]
        above = [row for row in alike if row["score"] > leader["score"]]
        if above:
            most = max(above, key=lambda row: (row["n"] > 1, row["score"]))
            return (
                f"{leader['known']}, with {_seeds(leader)}, leads by score less error; birth "
                f"{most['id']}, at rank {most['rank']}, scored above it with {_seeds(most)}."
            )
        return f"{leader['known']} leads: nothing new that was trained as long scored above it."
    return (
        f"Birth {leader['id']} leads; the best known activation, {best['known']}, is at rank "
        f"{best['rank']}.\nThe leader of many is partly luck: these are the scores that it "
        "was chosen by."
    )


def confirming(info: Mapping[str, Any]) -> str:
    """Say what a confirmation that goes on tries, by what its session says."""
    tried, tasks = (
        [shorten(str(one)) for one in found] if isinstance(found := info.get(key), list) else []
        for key in ("finalists", "tasks")
    )
    what = f"; tried: {', '.join(tried)}" if tried else ""
    where = f" on {' and '.join(tasks)}" if tasks else ""
    return f"Its best are being confirmed{where}, with fresh seeds{what}."


def _seeds(row: dict[str, Any]) -> str:
    return "one seed" if row["n"] == 1 else f"{row['n']} seeds"
