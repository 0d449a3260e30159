"""Two runs side by side: in what they differ, what each found, what both found, how soon.

Scores of two runs are of one scale only where their tasks have the same settings and rungs; what is
said of scores says so. A run keeps when a formula was born and not when its score was known, so
"how soon" is the search time at which the first formula was born that came to a score in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.results.front import modelled_front
from actsearch.results.hall import BASELINE
from actsearch.results.tables import Column, flatten, plain

if TYPE_CHECKING:
    from actsearch.results.view import RunView

#: What has to be the same for scores to compare.
_SCALE = ("task_settings", "rungs", "score_name", "threads", "device_kind")

_OF_ROW = (
    "id", "formula", "score", "standard_error", "n", "rung", "gain_over_relu",
    "gain_standard_error", "known", "size", "born_s",
)  # fmt: skip
_OF_FRONT = ("id", "formula", "score", "standard_error", "n", "cost_ns", "size", "known", "pick")


def compare_runs(a: RunView, b: RunView) -> dict[str, Any]:
    """Return two runs side by side, as plain values.

    Returns:
        ``runs`` (their names), ``differs`` (rows of key, a, b: the configurations), ``compares``
        and ``why_not`` (whether scores are of one scale), ``totals``, ``best`` and ``best_new`` (a
        row of each, or None), ``both`` (functions that have a score in both), ``front`` (of each,
        by modelled costs), ``times`` (rows: when a score was come to).
    """
    why_not = _why_not(a, b)
    bests = [view.ranked[0] if view.ranked else None for view in (a, b)]
    news = [next((row for row in view.ranked if not row["known"]), None) for view in (a, b)]
    return {
        "runs": {"a": a.name, "b": b.name},
        "differs": differences(a.config, b.config),
        "compares": not why_not,
        "why_not": why_not,
        "totals": _totals(a, b),
        "best": _pair(*(_taken(row, _OF_ROW) for row in bests)),
        "best_new": _pair(*(_taken(row, _OF_ROW) for row in news)),
        "both": _both(a, b),
        "front": _pair(_front(a), _front(b)),
        "times": [] if why_not else _times(a, b),
    }


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what two configurations differ in: rows of key, a and b, None for what one lacks."""
    ours, theirs = dict(flatten(a)), dict(flatten(b))
    keys = [*ours, *(key for key in theirs if key not in ours)]
    return [
        {"key": key, "a": ours.get(key), "b": theirs.get(key)}
        for key in keys
        if ours.get(key) != theirs.get(key)
    ]


def _why_not(a: RunView, b: RunView) -> list[str]:
    """Return the settings that keep the scores of two runs from comparing."""
    keys = []
    for name in _SCALE:
        found = differences({name: a.config.get(name)}, {name: b.config.get(name)})
        keys += [row["key"] for row in found]
    return keys


def _totals(a: RunView, b: RunView) -> list[dict[str, Any]]:
    def of(view: RunView) -> dict[str, Any]:
        totals = view.totals
        minutes = totals.elapsed_s / 60
        return {
            **{name: getattr(totals, name) for name in totals.__dataclass_fields__},
            "births_a_minute": totals.births / minutes if minutes else None,
            "trained_new": sum(not row["known"] for row in view.ranked),
            "share_of_time_trained": _share(totals.training_time_s, totals.elapsed_s),
            "ended": "goes on" if view.writer else view.ended or "interrupted",
        }

    ours, theirs = of(a), of(b)
    return [{"what": key, "a": ours[key], "b": theirs[key]} for key in ours]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _both(a: RunView, b: RunView) -> list[dict[str, Any]]:
    """Return the functions that have a score in both runs, the best of the first one first."""
    prints = {birth.id: birth.fingerprint for birth in b.births if birth.fingerprint}
    theirs = {prints[row["id"]]: row for row in b.ranked if row["id"] in prints}
    mine = {birth.id: birth.fingerprint for birth in a.births if birth.fingerprint}
    return [
        {
            "formula": row["formula"],
            "known": row["known"],
            **_sides("id", row, other),
            **_sides("rank", row, other),
            **_sides("score", row, other),
            **_sides("standard_error", row, other),
            **_sides("n", row, other),
            **_sides("rung", row, other),
        }
        for row in a.ranked
        if (other := theirs.get(mine.get(row["id"], ""))) is not None
    ]


def _sides(key: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{key}_a": ours[key], f"{key}_b": theirs[key]}


def _front(view: RunView) -> list[dict[str, Any]]:
    return [_taken(row, _OF_FRONT) or {} for row in modelled_front(view.ranked)]


def _times(a: RunView, b: RunView) -> list[dict[str, Any]]:
    """Return when each run came to some scores: ReLU's, the best known's, the lesser best."""
    if not a.ranked or not b.ranked or a.ranked[0]["rung"] != b.ranked[0]["rung"]:
        return []  # one of them got nowhere near the end of its ladder
    marks: dict[float, str] = {}
    for view in (a, b):
        relu = next((row for row in view.ranked if row["known"] == BASELINE), None)
        for row in (relu, view.best_known):
            if row is not None and row["rung"] == view.ranked[0]["rung"]:
                marks.setdefault(row["score"], f"{row['known']} in {view.name}")
    lesser = min((a, b), key=lambda view: view.ranked[0]["score"])
    marks.setdefault(lesser.ranked[0]["score"], f"the best of {lesser.name}")
    rows = []
    for score, what in sorted(marks.items()):
        first = [_first_at(view, score) for view in (a, b)]
        came = {
            f"{key}_{side}": None if row is None else row[key]
            for side, row in zip("ab", first, strict=True)
            for key in ("id", "born_s")
        }
        rows.append({"what": what, "score": score, **came})
    return rows


def _first_at(view: RunView, score: float) -> Mapping[str, Any] | None:
    """Return the first born that is no known activation and has the score, at the last rung."""
    rung = view.ranked[0]["rung"] if view.ranked else ""
    there = [
        row
        for row in view.ranked
        if not row["known"] and row["rung"] == rung and row["score"] >= score
    ]
    return min(there, key=lambda row: row["id"], default=None)


def _taken(row: Mapping[str, Any] | None, keys: Sequence[str]) -> dict[str, Any] | None:
    return None if row is None else {key: row.get(key) for key in keys}


def _pair(ours: Any, theirs: Any) -> dict[str, Any]:
    return {"a": ours, "b": theirs}


def short(value: Any, most: int = 32) -> str:
    """Write a value of a configuration for a table, cut."""
    text = "–" if value is None else plain(value) or "none"
    return text if len(text) <= most else text[: most - 1] + "…"


def side_columns(a: str, b: str, key: str = "what", title: str = "") -> tuple[Column, ...]:
    """Return the columns of a table with a value of each run."""
    return Column(key, title), Column("a", a), Column("b", b)
