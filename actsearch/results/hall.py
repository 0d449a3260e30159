"""The hall of fame as rows: rank, score with its standard error, gains seed by seed.

A score is the mean at the longest rung that a formula reached. All candidates train from the same
weights and batches at a given seed, so a gain (over ReLU, over the best known activation) is the
mean of the differences at common seeds of that rung; its standard error is that of the differences,
far below that of the scores themselves.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.durations import format_duration
from actsearch.results.costs import modelled_costs
from actsearch.results.tables import Column, number
from actsearch.runs.added import ADDED
from actsearch.runs.ranking import merits

if TYPE_CHECKING:
    from actsearch.runs import Birth, Scored, TrainingRow

#: The known activation that gains are measured against.
BASELINE = "ReLU"

#: Where a condition of the space counted.
PENALTY_NOTE = "penalty: taken off the score for the rank alone, by soft conditions of the space"

#: The operators of births that were given, not bred.
SEEDED = {"seed", ADDED}


def was_given(births: Iterable[Birth], formula: str) -> bool:
    """Tell whether a formula was given to a search, at its start or later, and not bred by it."""
    return any(birth.formula == formula and birth.operator in SEEDED for birth in births)


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
        Rows for ``HALL_COLUMNS``; scores and gains unrounded, None where there is none. Gains over
        the best known activation go by the one that ``best_known`` chooses of these rows.
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
                "gain_over_best_known": None,
                "gain_over_best_known_error": None,
                "best_known": None,
                "size": item.size,
                "known": names.get(item.id),
                "operator": item.operator,
                "penalty": item.penalty,
            }
        )
    _gain_over_best_known(rows, scores)
    return rows


def _gain_over_best_known(
    rows: Sequence[dict[str, Any]], scores: Mapping[int, Mapping[tuple[str, int], float]]
) -> None:
    """Write into rows what each gains over the best known activation among them."""
    best = best_known(rows)
    if best is None:
        return
    theirs = scores.get(best["id"], {})
    for row in rows:
        row["best_known"] = best["known"]
        if row is not best:
            ours = {k: s for k, s in scores.get(row["id"], {}).items() if k[0] == row["rung"]}
            gain, error = paired_gain(ours, theirs)
            row["gain_over_best_known"], row["gain_over_best_known_error"] = gain, error


def with_costs(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with ``cost_ns``: what a formula costs by the model, ns an element.

    Forward and backward together, the same on every machine; None where a text is no formula. It
    takes some milliseconds a formula that was never asked for before, so it is asked for what is
    shown and not for a whole run.
    """
    rows = list(rows)
    costs = modelled_costs(row["formula"] for row in rows)
    return [{**row, "cost_ns": costs[row["formula"]]} for row in rows]


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


def table_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return ``rows`` with the cells that a table shows together: score ± error, gain ± error."""
    return [
        {
            **row,
            "score": score_cell(row["score"], row["standard_error"], row["n"]),
            "gain_over_relu": "(baseline)"
            if row["known"] == BASELINE
            else with_error(row["gain_over_relu"], row["gain_standard_error"], signed=True),
            "gain_over_best_known": "(best known)"
            if row["known"] is not None and row["known"] == row["best_known"]
            else with_error(
                row["gain_over_best_known"], row["gain_over_best_known_error"], signed=True
            ),
            "known": known_cell(row["known"], row["operator"]),
        }
        for row in rows
    ]


def score_cell(score: float | None, error: float | None, n: int) -> str:
    """Write a mean score with its standard error and the number of trainings behind it."""
    return f"{with_error(score, error) or 'no score'} ({n})"


def known_cell(name: str | None, operator: str) -> str:
    """Write what a function is known as; ``seed`` marks one that the search was started with."""
    if operator not in SEEDED:
        return name or ""
    return f"{name} (seed)" if name else "(seed)"


def time_cell(time_s: float | None) -> str:
    """Write a time of the run, "" where it is not known."""
    return "" if time_s is None else format_duration(time_s)


def cost_cell(cost_ns: float | None) -> str:
    """Write a cost by the digits that mean something."""
    return "" if cost_ns is None else f"{cost_ns:.2g}"


#: All that JSON and CSV have, unrounded. ``cost_ns`` is there where ``with_costs`` added it.
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
    Column("gain_over_best_known", "gain over the best known"),
    Column("gain_over_best_known_error", "standard error of that gain"),
    Column("best_known", "best known"),
    Column("cost_ns", "cost ns", right=True),
    Column("size", "size", right=True),
    Column("born_s", "born at"),
    Column("rediscoveries", "again", right=True),
    Column("known", "known as"),
    Column("operator", "operator"),
    Column("penalty", "penalty"),
)

#: The columns of the terminal's table, where the errors stand beside their values. On a narrow one
#: those that tell least of how good a formula is make way first.
_TABLE = (
    Column("rank", "rank", right=True),
    Column("id", "id", right=True),
    Column("formula", "formula", long=True),
    Column("score", "score (n)"),
    # Where conditions of the space took something off what some are ranked by.
    Column("penalty", "penalty", right=True, show=lambda value: number(value) if value else ""),
    Column("rung", "rung", leaves=2),
    Column("gain_over_relu", f"gain over {BASELINE}", leaves=1),
    Column("gain_over_best_known", "gain over {best_known}", leaves=4),
    Column("cost_ns", "cost ns", right=True, show=cost_cell, leaves=6),
    Column("size", "size", right=True, leaves=5),
    Column("born_s", "born at", right=True, show=time_cell, leaves=7),
    Column("rediscoveries", "again", right=True, leaves=8),
    Column("known", "known as", leaves=3),
)


def table_columns(
    rows: Sequence[Mapping[str, Any]], listed: Sequence[Mapping[str, Any]] | None = None
) -> tuple[Column, ...]:
    """Return the columns of the terminal's table: those that have something to tell.

    Gains over ReLU are there where it has a score (on a task where it is no known activation there
    is nothing to gain over), gains over the best known activation where that is another, rungs
    where there is more than one, penalties and costs where one of the rows has one.

    Args:
        rows: of the run, all of them.
        listed: those that the table shows; None: all.
    """
    listed = rows if listed is None else listed
    best = next((row["best_known"] for row in rows if row.get("best_known")), None)
    there = {
        "gain_over_relu": any(r["known"] == BASELINE and r["score"] is not None for r in rows),
        "gain_over_best_known": best not in (None, BASELINE),
        "rung": len({row["rung"] for row in listed}) > 1,
        "penalty": any(row.get("penalty") for row in listed),
        "cost_ns": any(row.get("cost_ns") is not None for row in listed),
        "born_s": any(row.get("born_s") is not None for row in listed),
    }
    return tuple(
        dataclasses.replace(column, title=column.title.replace("{best_known}", str(best)))
        for column in _TABLE
        if there.get(column.key, True)
    )


def table_notes(
    measure: str, rows: Sequence[dict[str, Any]], listed: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return what a reader has to know of the columns of the table.

    Args:
        measure: what a score is, in words.
        rows: of the run, all that have a score.
        listed: those that the table shows.
    """
    rungs = {row["rung"] for row in listed}
    where = f" at the rung {next(iter(rungs))}" if len(rungs) == 1 and any(rungs) else ""
    lines = [f"score (n): {measure}; mean ± standard error of n trainings{where}"]
    if len(rungs) > 1:
        lines.append(
            "rank: by the longest rung first (scores of different rungs do not compare), there by "
            "several seeds before one, then by score less its standard error"
        )
    best = best_known(rows)
    others = [BASELINE] if any(row["known"] == BASELINE for row in rows) else []
    if best is not None and best["known"] != BASELINE:
        others.append(f"{best['known']}, the best known activation")
    if others:
        lines.append(f"gain: over {' and over '.join(others)}, at the same seeds")
    if any(row.get("cost_ns") is not None for row in listed):
        lines.append(
            "cost: ns an element, forward and backward, by a model (--front measures); again: "
            "births that turned out to be the same function"
        )
    return lines + [PENALTY_NOTE] * any(row["penalty"] for row in listed)
