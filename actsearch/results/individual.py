"""All that a run knows of one birth, as one record of plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput
from actsearch.expressions import parse_candidate
from actsearch.results.charts import Curve
from actsearch.results.hall import with_costs
from actsearch.results.lineage import lineage
from actsearch.results.listing import birth_rows
from actsearch.results.statistics import Scores, mean_and_error, paired
from actsearch.results.trees import tree_lines
from actsearch.runs import learned

if TYPE_CHECKING:
    from actsearch.expressions import Candidate
    from actsearch.results.view import RunView

#: Of the hall of fame's row what stands in the record, in this order.
_OF_ROW = (
    "rank", "score", "standard_error", "n", "rung", "penalty", "gain_over_relu",
    "gain_standard_error", "gain_over_best_known", "gain_over_best_known_error", "best_known",
    "cost_ns", "rediscoveries", "time_s",
)  # fmt: skip
_OF_TRAINING = (
    "rung", "seed", "status", "score", "time_s", "device", "message", "metrics", "curve",
)  # fmt: skip


def birth_record(view: RunView, birth_id: int) -> dict[str, Any]:
    """Return what a run knows of one birth.

    A duplicate has the scores, trainings and learned parameters of the birth that it is the same
    as. ``tree``, ``derivative`` and ``latex`` are None where the text is no formula, as of some
    that were rejected.

    Args:
        view: of the run.
        birth_id: whose.

    Raises:
        BadInput: the run has no such birth.
    """
    by_id = {birth.id: birth for birth in view.births}
    if birth_id not in by_id:
        there = f"births {view.births[0].id} to {view.births[-1].id}" if by_id else "no births yet"
        raise BadInput(f"unknown id {birth_id}: run '{view.name}' has {there}")
    birth = by_id[birth_id]
    trained_as = birth_id if birth.same_as is None else birth.same_as
    rows = {row["id"]: row for row in birth_rows(view)}
    (row,) = with_costs([rows.get(trained_as, rows[birth_id])])
    own = [training for training in view.trainings if training.birth_id == trained_as]
    same = [one for one in (trained_as, *view.rediscoveries.get(trained_as, ())) if one != birth_id]
    candidate = _candidate(birth.formula)
    return {
        "id": birth.id,
        "status": rows[birth_id]["status"],
        "reason": birth.reason,
        "same_as": birth.same_as,
        "formula": birth.formula,
        **{key: row.get(key) for key in _OF_ROW},
        "known_as": row["known"],
        "born_s": rows[birth_id]["born_s"],
        "size": birth.size,
        "operator": birth.operator,
        "parents": list(birth.parents),
        "fingerprint": birth.fingerprint,
        "derivative": None if candidate is None else derivative_text(candidate),
        "latex": None if candidate is None else candidate.latex(),
        "tree": None if candidate is None else tree_lines(candidate),
        "lineage": lineage(view.births, birth_id),
        "children": [_short(rows[one.id]) for one in view.births if birth_id in one.parents],
        "same_function": [_short(rows[one]) for one in same if one in rows],
        "learned": learned(own, _candidate(by_id[trained_as].formula), view.ladder) if own else (),
        "trainings": [{key: getattr(one, key) for key in _OF_TRAINING} for one in own],
    }


def trial_record(
    formula: str,
    scores: Mapping[str, Scores],
    known: Mapping[str, str],
    failed: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return what the trials that confirm a run say of one formula; None where it had none.

    Args:
        formula: whose.
        scores: formula -> seed -> score, of all trials on one task and split.
        known: formula -> name of the known activations among them.
        failed: formula -> its seeds that gave no score.

    Returns:
        Its mean with the standard error over ``n`` seeds, and its difference to the best known
        activation (as in the verdict the one that it leads by least, of those that ran two seeds
        or more beside it) with a 95 % interval, paired by seed; None where nothing can be said.
    """
    failed = failed or {}
    ours = scores.get(formula, {})
    n_failed = len(failed.get(formula, ()))
    if not ours and not n_failed:
        return None
    mean, error = mean_and_error(list(ours.values())) if ours else (None, None)
    leads = {
        other: gain
        for other in known
        if other != formula and (gain := _lead(ours, scores.get(other, {}))) is not None
    }
    best = min(leads, key=lambda other: leads[other], default=None)
    against = None if best is None else paired(ours, scores[best])
    return {
        "score": mean,
        "standard_error": error,
        "n": len(ours),
        "n_failed": n_failed,
        "best_known": None if best is None else known[best],
        "best_known_score": None
        if best is None
        else mean_and_error(list(scores[best].values()))[0],
        "difference": against.mean if against else None,
        "low": against.low if against else None,
        "high": against.high if against else None,
        "n_pairs": against.n if against else 0,
    }


def _lead(ours: Scores, theirs: Scores) -> float | None:
    """Return the mean difference at common seeds, None where they are fewer than two."""
    common = ours.keys() & theirs.keys()
    return math.fsum(ours[s] - theirs[s] for s in common) / len(common) if len(common) > 1 else None


def curves_by_rung(
    trainings: Sequence[Mapping[str, Any]], ladder: Sequence[str]
) -> list[tuple[str, int, list[Curve], list[Curve]]]:
    """Return the curves of one formula's trainings, the longest rung first.

    Args:
        trainings: as a record has them.
        ladder: names of the rungs, the shortest first.

    Returns:
        (rung, number of trainings, curves of the training loss, curves of the score) for each rung
        that has any; a curve is a list of (step, value).
    """
    there = {one["rung"] for one in trainings if one["curve"]}
    found = []
    for rung in [*reversed([r for r in ladder if r in there]), *sorted(there - {*ladder})]:
        curves = [one["curve"] for one in trainings if one["rung"] == rung and one["curve"]]
        losses: list[Curve] = [[(step, loss) for step, loss, _ in curve] for curve in curves]
        scores: list[Curve] = [[(step, score) for step, _, score in curve] for curve in curves]
        found.append((rung, len(curves), losses, scores))
    return found


def derivative_text(candidate: Candidate) -> str:
    """Write a formula's derivative, or those of the formulas for groups of layers."""
    from actsearch.expressions import Layered

    if not isinstance(candidate, Layered):
        return str(candidate.derivative())
    return " | ".join(f"{group}: {part.derivative()}" for group, part in candidate.formulas)


def _candidate(formula: str) -> Candidate | None:
    try:
        return parse_candidate(formula)
    except BadInput:
        return None


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("id", "formula", "operator", "status", "score")}
