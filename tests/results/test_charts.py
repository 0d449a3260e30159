"""Curves and trees as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.expressions import KNOWN, parse_candidate
from actsearch.results.charts import beside, chart
from actsearch.results.trees import tree_lines

curve = st.lists(st.tuples(st.integers(0, 10**6) | st.integers(), st.floats()), max_size=8)


@given(st.lists(curve, max_size=5), st.integers(24, 60), st.integers(3, 10))
def test_a_chart_stays_in_its_place(
    curves: list[list[tuple[float, float]]], width: int, height: int
) -> None:
    lines = chart("a title that may be long", curves, width, height)
    assert max(map(len, lines)) <= width
    assert "".join(lines).isprintable()
    has_points = any(abs(x) <= 1e15 and abs(y) <= 1e15 for one in curves for x, y in one)
    assert len(lines) == (height + 2 if has_points else 2)
    assert any("•" in line for line in lines) == has_points


def test_a_scale_that_has_no_room_keeps_its_end() -> None:
    assert chart("t", [[(10**6, 1e6)]], width=24, height=3)[-1].split() == ["1.00e+06"]
    assert chart("t", [[(10**400, 1.0)]]) == ["t", "(nothing to draw)"]


def test_a_chart_shows_the_median_and_the_band_around_it() -> None:
    curves = [[(0, low), (10, low)] for low in (0.0, 0.5, 1.0)]
    _, *rows, below = chart("t", curves, width=24, height=5)
    columns = [row.split("┤")[1] for row in rows]
    assert [set(column) for column in columns] == [{"░"}, {"░"}, {"•"}, {"░"}, {"░"}]
    assert rows[0].startswith("1 ┤")
    assert rows[-1].startswith("0 ┤")
    assert below.split() == ["0", "10"]


def test_a_curve_is_drawn_where_it_has_points() -> None:
    _, *rows, _ = chart("t", [[(0, 0.0), (5, 1.0)], [(0, 0.0), (10, 0.0)]], width=24, height=4)
    top, bottom = rows[0].split("┤")[1], rows[-1].split("┤")[1]
    assert {*top[len(top) // 2 + 1 :]} == {" "}  # the first ended half-way
    assert bottom.endswith("•••")


def test_drawings_stand_beside_each_other() -> None:
    assert beside(["ab", "c"], ["1", "2", "3"], gap=2) == ["ab  1", "c   2", "    3"]


def test_a_tree_has_branches() -> None:
    assert tree_lines(parse_candidate("max(x, 0.5*tanh(x))**2")) == [
        "^2",
        "└─ max",
        "   ├─ x",
        "   └─ *",
        "      ├─ 0.5",
        "      └─ tanh",
        "         └─ x",
    ]


def test_formulas_for_groups_have_a_tree_each() -> None:
    lines = tree_lines(parse_candidate("input: relu(x) | last: -x"))
    assert lines == ["input:", "  relu", "  └─ x", "last:", "  neg", "  └─ x"]


@pytest.mark.parametrize("formula", KNOWN.values())
def test_a_tree_has_a_line_a_node(formula: str) -> None:
    candidate = parse_candidate(formula)
    assert len(tree_lines(candidate)) == candidate.size


def test_a_deep_tree_is_no_trouble() -> None:
    text = "x"
    for _ in range(60):
        text = f"sin({text})"
    assert len(tree_lines(parse_candidate(text))) == 61
