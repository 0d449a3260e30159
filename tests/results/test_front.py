"""The front of score, cost and size: against brute force, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import actsearch
from actsearch.results import costs as costs_on_disk
from actsearch.results.front import (
    contradiction,
    front_rows,
    front_table,
    modelled_front,
    pareto_front,
    pick,
    priced_rows,
    rounded,
)

Row = dict[str, Any]


def point(id_: int, merit: float, cost_ns: float, size: int) -> Row:
    return {"id": id_, "merit": merit, "cost_ns": cost_ns, "size": size}


# Few values, so that ties and equal rows are common.
points = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4)), max_size=30
).map(lambda found: [point(k, float(s), float(c), n) for k, (s, c, n) in enumerate(found)])


def dominates(a: Row, b: Row) -> bool:
    no_worse = a["merit"] >= b["merit"] and a["cost_ns"] <= b["cost_ns"] and a["size"] <= b["size"]
    return no_worse and values(a) != values(b)


def values(row: Mapping[str, Any]) -> tuple[float, float, int]:
    return row["merit"], row["cost_ns"], row["size"]


def brute_force(rows: Sequence[Row]) -> set[int]:
    best = [row for row in rows if not any(dominates(other, row) for other in rows)]
    return {min(same["id"] for same in best if values(same) == values(row)) for row in best}


@given(rows=points)
def test_the_front_is_that_of_brute_force(rows: list[Row]) -> None:
    front = pareto_front(rows)
    assert {row["id"] for row in front} == brute_force(rows)
    assert len({values(row) for row in front}) == len(front)


@given(rows=points, data=st.data())
def test_the_order_of_rows_does_not_matter(rows: list[Row], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    assert pareto_front(shuffled) == pareto_front(rows)


@given(rows=points)
def test_the_front_of_a_front_is_itself(rows: list[Row]) -> None:
    front = pareto_front(rows)
    assert pareto_front(front) == front
    assert [row["merit"] for row in front] == sorted((r["merit"] for r in front), reverse=True)


def hall_row(
    id_: int, score: float | None, size: int, error: float | None = 0.02, n: int = 2
) -> Row:
    return {
        "id": id_,
        "formula": f"f{id_}",
        "score": score,
        "standard_error": error,
        "n": n,
        "size": size,
        "known": "ReLU" if id_ == 0 else None,
        "operator": "seed" if id_ == 0 else "crossover",
    }


COSTS = {"f0": 0.5123, "f1": 1.2345, "f2": 0.91, "f3": 4.0, "f4": 0.1, "f5": 0.913}
HALL = [
    hall_row(3, 0.70, 9),
    hall_row(1, 0.69, 7),
    hall_row(2, 0.685, 5),
    hall_row(5, 0.685, 5),
    hall_row(0, 0.60, 2),
    hall_row(4, None, 1),
]


def costs(formulas: Sequence[str]) -> list[float]:
    return [COSTS[formula] for formula in formulas]


def test_the_pick_is_the_cheapest_within_an_error_of_the_best() -> None:
    rows = front_rows(HALL, costs)
    assert [(row["id"], row["cost_ns"], row["pick"]) for row in rows] == [
        (3, 4.0, False),
        (1, 1.2, False),
        (2, 0.91, True),
        (0, 0.51, False),
    ]


def test_without_several_seeds_the_best_is_the_pick() -> None:
    hall = [hall_row(3, 0.70, 9, None, 1), hall_row(1, 0.699, 7, None, 1)]
    rows = front_rows(hall, costs)
    assert [(row["id"], row["merit"], row["pick"]) for row in rows] == [
        (3, 0.70, True),
        (1, 0.699, False),
    ]
    assert pick([]) is None


def test_one_lucky_seed_does_not_beat_many() -> None:
    """The noise is 0.04: one seed tells a score to 0.04, sixteen to 0.01."""
    proven, lucky = hall_row(1, 0.70, 7, 0.01, 16), hall_row(3, 0.72, 9, None, 1)
    (only,) = front_rows([lucky, proven], costs)
    assert (only["id"], only["score"], only["pick"]) == (1, 0.70, True)
    assert math.isclose(only["merit"], 0.69)
    far_ahead = hall_row(3, 0.74, 9, None, 1)
    assert [row["id"] for row in front_rows([far_ahead, proven], costs)] == [3, 1]


def test_the_pick_is_judged_by_the_same_merit() -> None:
    """Within the error of the best by its raw mean, but a single seed does not show it."""
    best, cheap = hall_row(3, 0.70, 9, 0.01, 16), hall_row(2, 0.705, 5, None, 1)
    rows = front_rows([best, cheap], costs)
    assert [(row["id"], row["pick"]) for row in rows] == [(3, True), (2, False)]
    shown_often = hall_row(2, 0.695, 5, 0.01, 16)
    rows = front_rows([best, shown_often], costs)
    assert [(row["id"], row["pick"]) for row in rows] == [(3, False), (2, True)]


def test_costs_that_differ_by_noise_alone_are_equal() -> None:
    assert {row["id"] for row in front_rows(HALL, costs)}.isdisjoint({5})
    assert rounded(0.91) == rounded(0.913) == 0.91
    assert rounded(123.4) == 120
    assert rounded(0.0) == 0


def test_scores_of_another_rung_are_passed_over() -> None:
    hall = [{**row, "rung": "full" if row["id"] in (3, 2) else "short"} for row in HALL]
    assert [row["id"] for row in front_rows(hall, costs)] == [3, 2]


def test_what_is_surely_dominated_is_not_measured() -> None:
    asked: list[str] = []

    def noted(formulas: Sequence[str]) -> list[float]:
        asked.extend(formulas)
        return costs(formulas)

    worse = hall_row(6, 0.59, 2)
    modelled = {**COSTS, "f6": 0.8}
    rows = front_rows([*HALL, worse], noted, modelled.__getitem__)
    assert "f6" not in asked
    assert [row["id"] for row in rows] == [3, 1, 2, 0]


def test_no_scores_no_front() -> None:
    assert front_rows([hall_row(4, None, 1)], costs) == []
    assert front_rows([], costs) == []


def test_cells_of_the_table() -> None:
    *_, picked, last = front_table(front_rows(HALL, costs))
    assert (picked["pick"], picked["score"]) == ("*", "0.6850 ± 0.0200 (2)")
    assert (last["pick"], last["known"]) == ("", "ReLU (seed)")


def test_the_modelled_front_differentiates_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path))
    texts = {0: "relu(x)", 1: "tanh(x)", 2: "sin(x)", 3: "x*sin(x)", 5: "silu(x)"}
    hall = [{**row, "rung": "full", "formula": texts[row["id"]]} for row in HALL[:5]]
    unreadable = {**hall[0], "id": 90, "formula": "gone(x)"}
    short = {**hall[0], "id": 91, "rung": "short"}
    rows = priced_rows([*hall, unreadable, short])
    assert [row["id"] for row in rows] == [row["id"] for row in hall]
    first = modelled_front([*hall, unreadable, short])
    monkeypatch.setattr(costs_on_disk, "_computed", lambda _formula: None)
    assert modelled_front([*hall, unreadable, short]) == first
    assert {row["id"] for row in first} <= {row["id"] for row in hall}
    assert priced_rows([]) == modelled_front([]) == []


def test_one_place_prices_a_front() -> None:
    package = Path(str(actsearch.__file__)).parent
    users = [
        str(file.relative_to(package))
        for room in ("results", "report", "plots", "cli")
        for file in (package / room).glob("*.py")
        if "modelled_cost(" in file.read_text(encoding="utf-8")
        or "modelled_cost\n" in file.read_text(encoding="utf-8")
    ]
    assert users == ["results/costs.py"]


def test_measured_costs_are_held_against_the_model() -> None:
    modelled = {"a": 1.0, "b": 1.3, "c": 4.0}
    assert contradiction(modelled, {}) == ""
    assert contradiction(modelled, {"a": 2.0, "b": 1.5, "c": 3.0}) == "", "a and b may be either"
    said = contradiction(modelled, {"a": 6.0, "b": 4.0, "c": 3.0})
    assert said.startswith("a was measured dearer (6 ns) than c (3 ns)")
    assert contradiction(modelled, {"a": 6.0, "b": 4.0}) == ""
