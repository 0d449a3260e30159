"""Why trainings gave no score, in a line: by status, and the reason that most of them had."""

from __future__ import annotations

from actsearch.results.unscored import unscored
from actsearch.runs import TrainingRow


def row(birth_id: int, status: str, message: str = "") -> TrainingRow:
    score = 0.5 if status == "ok" else None
    return TrainingRow(birth_id, "full", 0, status, score, {}, (), 1.0, "cpu", message)


def told(*rows: TrainingRow) -> str:
    return unscored(rows, lambda one: f"actsearch inspect r {one.birth_id}")


def test_nothing_is_said_where_all_have_scores() -> None:
    assert told() == told(row(0, "ok")) == ""


def test_a_fault_is_told_before_what_is_usual() -> None:
    rows = [row(n, "diverged", f"loss became infinite at step {n}") for n in range(5)]
    assert told(*rows) == (
        "without a score: 5 diverged; most often: loss became infinite at step 0 "
        "(see: actsearch inspect r 0)"
    )
    rows += [row(7, "failed", "no file"), row(8, "crashed", "died after 3 s")]
    rows += [row(9, "crashed", "died after 5 s"), row(10, "ok")]
    assert told(*rows) == (
        "without a score: 5 diverged, 2 crashed, 1 failed; "
        "of the faults most often: died after 3 s "
        "(see: actsearch inspect r 8)"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert unscored([row(1, "failed")], lambda _: "") == "without a score: 1 failed"
    assert len(told(row(1, "failed", "long " * 100))) < 300
