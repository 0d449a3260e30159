"""Rows of the hall of fame: paired gains, marks, and what stands below the first ten."""

from __future__ import annotations

import math
from typing import Any

import pytest

from actsearch.results.charts import sparkline
from actsearch.results.hall import (
    best_known,
    hall_rows,
    known_cell,
    paired_gain,
    shown,
    table_columns,
    table_rows,
    with_error,
)
from actsearch.results.lineage import lineage, lineage_text
from actsearch.runs import Birth, Scored, TrainingRow


def scored(id_: int, formula: str, mean: float | None, operator: str = "crossover") -> Scored:
    """Return a birth with its score."""
    ok = mean is not None
    error = 0.01 if ok else None
    status = "ok" if ok else "diverged"
    return Scored(id_, formula, 3, mean, error, 2, operator, (), None, status, 1.0, "full")


def training(birth_id: int, seed: int, score: float | None) -> TrainingRow:
    """Return one training of a birth."""
    status = "diverged" if score is None else "ok"
    return TrainingRow(birth_id, "full", seed, status, score, {}, (), 1.0, "cpu")


def birth(
    id_: int, parents: tuple[int, ...] = (), operator: str = "mutate", formula: str = "x"
) -> Birth:
    """Return an accepted birth."""
    return Birth(id_, operator, parents, formula, None, "accepted")


SCORED = [
    scored(9, "x*sin(x)", 0.7),
    scored(2, "silu(x)", 0.65, operator="seed"),
    scored(5, "sin(x)*x", 0.64),
    scored(1, "relu(x)", 0.6, operator="seed"),
    scored(8, "exp(x)", None),
]
TRAININGS = [
    training(9, 0, 0.69),
    training(9, 1, 0.71),
    training(1, 0, 0.60),
    training(1, 1, 0.60),
    training(2, 0, 0.65),
    training(8, 0, None),
]
NAMES = {1: "ReLU", 2: "SiLU"}


def rows() -> list[dict[str, Any]]:
    return hall_rows(SCORED, TRAININGS, NAMES)


def test_gains_are_of_common_seeds() -> None:
    by_id = {row["id"]: row for row in rows()}
    assert by_id[9]["gain_over_relu"] == pytest.approx(0.10)
    assert by_id[9]["gain_standard_error"] == pytest.approx(0.01)
    assert by_id[2]["gain_over_relu"] == pytest.approx(0.05)
    assert by_id[2]["gain_standard_error"] is None  # one common seed
    assert by_id[1]["gain_over_relu"] == 0
    assert by_id[5]["gain_over_relu"] is None  # no training at all
    assert by_id[8]["rank"] is None


def test_a_gain_ignores_seeds_and_rungs_that_are_not_common() -> None:
    ours = {("full", 0): 0.7, ("full", 1): 0.9, ("short", 0): 0.1}
    baseline = {("full", 0): 0.5, ("full", 2): 0.0}
    gain, error = paired_gain(ours, baseline)
    assert gain == pytest.approx(0.2)
    assert error is None
    assert paired_gain({}, baseline) == (None, None)


def test_a_gain_is_taken_at_the_rung_of_the_score_alone() -> None:
    short = [
        TrainingRow(i, "short", 0, "ok", s, {}, (), 1.0, "cpu") for i, s in ((9, 0.1), (1, 0.5))
    ]
    by_id = {row["id"]: row for row in hall_rows(SCORED, [*TRAININGS, *short], NAMES)}
    assert by_id[9]["gain_over_relu"] == pytest.approx(0.10)
    assert by_id[9]["rung"] == "full"


def test_below_the_first_stand_the_best_known_and_relu() -> None:
    assert [row["id"] for row in shown(rows(), 1)] == [9, 2, 1]
    assert [row["id"] for row in shown(rows(), 4)] == [9, 2, 5, 1]


def test_the_best_known_is_so_by_its_score_less_its_error() -> None:
    def row(rank: int, score: float, error: float | None, n: int, **more: Any) -> dict[str, Any]:
        measured = {"rank": rank, "score": score, "standard_error": error, "n": n, "rung": "full"}
        return {**measured, "known": f"known {rank}", **more}

    table = [
        row(1, 0.96, 0.002, 8, known=None),
        row(2, 0.939, 0.002, 8),
        row(3, 0.949, 0.003, 4),  # fewer seeds, and better by five errors
        row(4, 0.951, None, 1),  # one seed: its error is that of the others' noise, 0.0057
        row(5, 0.990, None, 1, rung="short"),
    ]
    assert best_known(table) is table[2]
    assert best_known(table[1:]) is table[1]  # it leads
    assert best_known(table[:1]) is None
    assert best_known([]) is None
    assert shown(table, 1) == [table[0], table[2]]


def test_cells_of_the_table() -> None:
    first, second, *_, last = table_rows(rows())
    assert first["score"] == "0.7000 ± 0.0100 (2)"
    assert first["gain_over_relu"] == "+0.1000 ± 0.0100"
    assert second["known"] == "SiLU (seed)"
    assert last["score"] == "no score (2)"
    assert last["gain_over_relu"] == ""


@pytest.mark.parametrize(
    ("name", "operator", "text"),
    [
        ("GELU", "seed", "GELU (seed)"),
        ("GELU", "mutate", "GELU"),
        (None, "seed", "(seed)"),
        (None, "mutate", ""),
    ],
)
def test_known_cell(name: str | None, operator: str, text: str) -> None:
    assert known_cell(name, operator) == text


def test_a_negative_gain_keeps_its_sign() -> None:
    assert with_error(-0.02, None, signed=True) == "-0.0200"
    assert with_error(0.02, None, signed=True) == "+0.0200"


def test_lineage_lists_each_ancestor_once() -> None:
    births = [
        birth(1, operator="seed", formula="relu(x)"),
        birth(2, operator="seed", formula="sin(x)"),
        birth(3, (1, 2), "crossover", "relu(sin(x))"),
        birth(4, (3, 1), "crossover", "relu(x)*sin(x)"),
    ]
    got = lineage(births, 4)
    assert [(row["id"], row["depth"], row["seen"]) for row in got] == [
        (4, 0, False),
        (3, 1, False),
        (1, 2, False),
        (2, 2, False),
        (1, 1, True),
    ]
    assert lineage_text(got)[-1] == "  1  relu(x)  (seed, see above)"


def test_a_long_lineage_is_no_recursion() -> None:
    births = [birth(i, (i - 1,) if i else ()) for i in range(5000)]
    got = lineage(births, 4999)
    assert len(got) == 5000
    assert max(len(text) for text in lineage_text(got, 40)) < 80


def test_sparkline() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert sparkline([0.3, 0.3]) == "▁▁"
    assert sparkline([None, math.nan, 1.0, 2.0]) == "··▁█"
    assert sparkline([None]) == "·"
    assert sparkline([]) == ""


def test_a_penalty_counts_for_the_best_known_and_has_a_column() -> None:
    plain = rows()
    assert "penalty" not in [column.key for column in table_columns(plain)]
    penalised = [{**row, "penalty": 0.06 if row["known"] == "SiLU" else 0.0} for row in plain]
    best, before = best_known(penalised), best_known(plain)
    assert best is not None
    assert before is not None
    assert (before["known"], best["known"]) == ("SiLU", "ReLU")
    columns = [column.key for column in table_columns(penalised)]
    assert columns[columns.index("score") + 1] == "penalty"
