"""The hall of fame as rows: rank, score with its standard error, gain over ReLU seed by seed.

A score is the mean at the longest rung that a formula reached. All candidates train from the same
weights and batches at a given seed, so a gain is the mean of the differences at common seeds of
that rung; its standard error is that of the differences, far below that of the scores themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.results.tables import Column, number
from actsearch.runs.ranking import merits

if TYPE_CHECKING:
    from actsearch.runs import Scored, TrainingRow

#: The known activation that gains are measured against.
BASELINE = "ReLU"

#: The operators of births that were given, not bred.
SEEDED = {"seed", "added seed"}


def hall_rows(
    scored: Sequence[Scored],
    trainings: Iterable[TrainingRow],
    names: Mapping[int, str],
) -> list[dict[str, Any]]:
    """Return one row a scored birth, best first as ``scored`` is.

    Args:
        scored: births with their mean scores, best first; those without a score come last.
        trainings: the trainings of the run, for the differences at common seeds.
        names: birth id -> name of the known activation that this function is.

    Returns:
        Rows for ``HALL_COLUMNS``; scores and gains unrounded, None where there is none.
    """
    scores = scores_by_birth(trainings)
    baseline = next((scores.get(id_, {}) for id_, name in names.items() if name == BASELINE), {})
    rows = []
    for rank, item in enumerate(scored, start=1):
        ours = {key: s for key, s in scores.get(item.id, {}).items() if key[0] == item.rung}
        gain, gain_error = paired_gain(ours, baseline)
        rows.append(
            {
                "rank": rank if item.mean is not None else None,
                "id": item.id,
                "formula": item.formula,
                "score": item.mean,
                "standard_error": item.standard_error,
                "n": item.n,
                "rung": item.rung,
                "gain_over_relu": gain,
                "gain_standard_error": gain_error,
                "size": item.size,
                "known": names.get(item.id),
                "operator": item.operator,
                "penalty": item.penalty,
            }
        )
    return rows


def scores_by_birth(
    trainings: Iterable[TrainingRow],
) -> dict[int, dict[tuple[str, int], float]]:
    """Return birth id -> (rung, seed) -> score, of the trainings that gave one."""
    scores: dict[int, dict[tuple[str, int], float]] = {}
    for training in trainings:
        if training.score is not None:
            by_seed = scores.setdefault(training.birth_id, {})
            by_seed[training.rung, training.seed] = training.score
    return scores


def paired_gain(
    ours: Mapping[tuple[str, int], float], baseline: Mapping[tuple[str, int], float]
) -> tuple[float | None, float | None]:
    """Return the mean difference at common (rung, seed) and its standard error.

    Either is None where the data do not give it: no common seed, or only one for the error.
    """
    gains = [ours[key] - baseline[key] for key in ours if key in baseline]
    if not gains:
        return None, None
    mean = math.fsum(gains) / len(gains)
    if len(gains) < 2:
        return mean, None
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    return mean, math.sqrt(variance / len(gains))


def shown(rows: Sequence[dict[str, Any]], top: int) -> list[dict[str, Any]]:
    """Return the first ``top`` rows and, below them, what they are to be compared with.

    That is ReLU and the best of the known activations, where they stand further down; their rank
    says how far.
    """
    head, rest = list(rows[:top]), rows[top:]
    best = best_known(rows)
    return head + [row for row in rest if row is best or row["known"] == BASELINE]


def best_known(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the known activation whose score less its error is the highest at its rung.

    It may be one that ranks low for its single seed. None where none has a score.
    """
    known = [row for row in rows if row["known"] and row["score"] is not None]
    if not known or known[0] is rows[0]:
        return known[0] if known else None
    alike = [row for row in rows if row["score"] is not None and row["rung"] == known[0]["rung"]]
    worth = merits(measured(alike))
    pairs = [(merit, -row["rank"], row) for merit, row in zip(worth, alike, strict=True)]
    return max((pair for pair in pairs if pair[-1]["known"]), key=lambda pair: pair[:2])[-1]


def measured(rows: Iterable[Mapping[str, Any]]) -> list[tuple[float, int, float | None]]:
    """Return what ``merits`` takes of rows with a score: what they are ranked by, n, the error."""
    return [
        (row["score"] - (row.get("penalty") or 0.0), row["n"], row["standard_error"])
        for row in rows
    ]


def with_error(value: float | None, error: float | None, *, signed: bool = False) -> str:
    """Write a value with its standard error, as ``0.6712 ± 0.0031``."""
    if value is None:
        return ""
    text = ("+" if signed and value >= 0 else "") + number(value)
    return f"{text} ± {number(error)}" if error is not None else text


def table_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ``rows`` with the cells that a table shows together: score ± error, gain ± error."""
    return [
        {
            **row,
            "score": with_error(row["score"], row["standard_error"]) or "no score",
            "gain_over_relu": "(baseline)"
            if row["known"] == BASELINE
            else with_error(row["gain_over_relu"], row["gain_standard_error"], signed=True),
            "known": known_cell(row["known"], row["operator"]),
        }
        for row in rows
    ]


def known_cell(name: str | None, operator: str) -> str:
    """Write what a function is known as; ``seed`` marks one that the search was started with."""
    if operator not in SEEDED:
        return name or ""
    return f"{name} (seed)" if name else "(seed)"


HALL_COLUMNS = (
    Column("rank", "rank", right=True),
    Column("id", "id", right=True),
    Column("formula", "formula"),
    Column("score", "score"),
    Column("standard_error", "standard error"),
    Column("n", "n", right=True),
    Column("rung", "rung"),
    Column("gain_over_relu", "gain over ReLU"),
    Column("gain_standard_error", "standard error of the gain"),
    Column("size", "size", right=True),
    Column("known", "known as"),
    Column("operator", "operator"),
    Column("penalty", "penalty"),
)

_TABLE_KEYS = ("rank", "id", "formula", "score", "n", "rung", "gain_over_relu", "size", "known")

#: The columns of the terminal's table, where the errors stand beside their values.
_TABLE = tuple(
    Column(c.key, c.title, right=c.right, long=c.key == "formula")
    for c in HALL_COLUMNS
    if c.key in _TABLE_KEYS
)

#: Beside them, where conditions of the space took something off what some are ranked by.
PENALTY = Column(
    "penalty", "penalty", right=True, show=lambda value: number(value) if value else ""
)


def table_columns(
    rows: Sequence[Mapping[str, Any]], listed: Sequence[Mapping[str, Any]] | None = None
) -> tuple[Column, ...]:
    """Return the columns of the terminal's table: gains only where the baseline has a score.

    On a task where ReLU is no known activation there is nothing to gain over. Penalties have a
    column where one of those that are ``listed`` (None: all) has one.
    """
    has_baseline = any(row["known"] == BASELINE and row["score"] is not None for row in rows)
    columns = [c for c in _TABLE if has_baseline or c.key != "gain_over_relu"]
    if any(row.get("penalty") for row in (rows if listed is None else listed)):
        place = next(k for k, column in enumerate(columns) if column.key == "score") + 1
        columns.insert(place, PENALTY)
    return tuple(columns)
