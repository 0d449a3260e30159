"""What a table does where it is narrow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from actsearch.results.layout import Shape, lay_out

COLUMNS = [
    Shape("id", right=True),
    Shape("formula", long=True),
    Shape("score"),
    Shape("spare", leaves=1),
    Shape("sparer", right=True, leaves=2),
]
CELLS = [["1", "sin(x)*" * 9 + "x", "0.5", "aaaaaaaaaa", "bbbbbbbbbb"], ["12", "x", "", "", ""]]

cell = st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs", "Mn", "Cf"]))
tables = st.lists(st.lists(cell, min_size=5, max_size=5), max_size=6)


@given(tables, st.integers(80, 200))
def test_a_table_fits_a_terminal(cells: list[list[str]], width: int) -> None:
    """However long its cells are: those that can't fold are at most 60 wide, and two may leave."""
    columns = [Shape("id"), Shape("formula", long=True), *COLUMNS[3:], Shape("what", long=True)]
    lines, left_out = lay_out(columns, cells, width)
    assert max(map(cell_len, lines)) <= width
    assert left_out in ([], ["sparer"], ["sparer", "spare"])


@given(tables)
def test_without_a_terminal_nothing_is_lost(cells: list[list[str]]) -> None:
    lines, left_out = lay_out(COLUMNS, cells, None)
    assert left_out == []
    assert len(lines) == 2 + len(cells)
    assert all(text in line for row, line in zip(cells, lines[2:], strict=True) for text in row)
    assert len(set(map(cell_len, lines))) == 1


def test_what_can_be_spared_leaves_before_a_formula_folds_to_nothing() -> None:
    assert lay_out(COLUMNS, CELLS, 200)[1] == []
    lines, left_out = lay_out(COLUMNS, CELLS, 62)
    assert left_out == []
    assert len(lines) == 2 + 3 + 1  # folded
    assert lay_out(COLUMNS, CELLS, 56)[1] == ["sparer"]
    assert lay_out(COLUMNS, CELLS, 45)[1] == ["sparer", "spare"]
    lines, _ = lay_out(COLUMNS, CELLS, 30)  # below each row
    assert lines[2].split() == ["1", "0.5"]
    assert lines[3] == "      sin(x)*sin(x)*sin(x)*sin"


def test_a_hostile_cell_that_cannot_fold_is_cut_on_a_terminal_alone() -> None:
    lines, _ = lay_out([Shape("operator"), Shape("score")], [["x" * 500, "0.5"]], 80)
    assert lines[2].split() == ["x" * 59 + "…", "0.5"]
    lines, _ = lay_out([Shape("operator"), Shape("score")], [["x" * 500, "0.5"]], None)
    assert lines[2].startswith("x" * 500)
