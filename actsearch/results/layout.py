"""How the cells of a table are laid out as lines: widths, what folds, what makes way.

A table is as wide as its cells where nobody said how wide it may be. On a terminal it fits: a long
column is folded; where that would leave it next to nothing, columns that can be spared leave. Two
long columns, and one that has no room even so, go onto lines of their own below each row. Own code
and not a library's, as thousands of rows are to be laid out in milliseconds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

# A folded column narrower than this is no longer read with ease.
_MIN_FOLDED_COLUMNS = 24
# A cell that cannot fold is cut there on a terminal: a hostile name must not push the rest away.
_MOST_UNFOLDED_COLUMNS = 60
_INDENT = "      "
_GAP = "  "


@dataclass(frozen=True)
class Shape:
    """What the layout has to know of a column; see ``tables.Column``."""

    title: str
    right: bool = False
    long: bool = False
    leaves: int = 0


def lay_out(
    columns: Sequence[Shape], cells: Sequence[Sequence[str]], width: int | None
) -> tuple[list[str], list[str]]:
    """Return the lines of a table, and the titles of the columns that there was no room for.

    Args:
        columns: what is shown.
        cells: one text a column in each row, without control characters.
        width: of the terminal; None where there is none, and nothing folds or leaves.
    """
    columns = list(columns)
    left_out: list[str] = []
    if width is not None:
        cells = [
            [text if c.long else _cut(text) for c, text in zip(columns, row, strict=True)]
            for row in cells
        ]
    while True:
        widths = _widths(columns, cells)
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - (width or 0)
        if width is None or excess <= 0:
            return _grid(columns, cells, widths), left_out
        long = [index for index, column in enumerate(columns) if column.long]
        if len(long) == 1 and widths[long[0]] - excess >= _MIN_FOLDED_COLUMNS:
            widths[long[0]] -= excess
            return _grid(columns, cells, widths), left_out
        first = max(range(len(columns)), key=lambda k: columns[k].leaves)
        if len(long) > 1 and _fits(columns, widths, long, width):
            break
        if not columns[first].leaves:
            break
        left_out.append(columns[first].title)
        columns = [*columns[:first], *columns[first + 1 :]]
        cells = [[*row[:first], *row[first + 1 :]] for row in cells]
    if not long:
        return _grid(columns, cells, widths), left_out
    return _below(columns, cells, long, width), left_out


def _fits(columns: Sequence[Shape], widths: Sequence[int], long: Sequence[int], width: int) -> bool:
    """Tell whether a table fits once its long columns stand below each row."""
    short = [widths[k] for k in range(len(columns)) if k not in long]
    return sum(short) + len(_GAP) * (len(short) - 1) <= width


def _below(
    columns: Sequence[Shape], cells: Sequence[Sequence[str]], long: list[int], width: int
) -> list[str]:
    """Return the lines of a table whose long cells stand below each row."""
    short = [index for index in range(len(columns)) if index not in long]
    heads = [columns[i] for i in short]
    rows = [[row[i] for i in short] for row in cells]
    head, rule, *body = _grid(heads, rows, _widths(heads, rows))
    lines = [head, rule]
    for line, row in zip(body, cells, strict=True):
        below = "  ·  ".join(row[i] for i in long if row[i])
        room = max(width - len(_INDENT), _MIN_FOLDED_COLUMNS)
        lines.append(line)
        lines += [_INDENT + part for part in _folded(below, room)] if below else []
    return lines


def _widths(columns: Sequence[Shape], cells: Sequence[Sequence[str]]) -> list[int]:
    return [
        max([_length(column.title), *(_length(row[k]) for row in cells)])
        for k, column in enumerate(columns)
    ]


def _grid(
    columns: Sequence[Shape], cells: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    """Return a head, a rule and one line a row; more where a long cell is wider than its column."""
    lines = [
        _line(columns, [column.title for column in columns], widths),
        "─" * (sum(widths) + len(_GAP) * (len(widths) - 1)),
    ]
    for row in cells:
        parts = [_folded(text, room) for text, room in zip(row, widths, strict=True)]
        for k in range(max(map(len, parts))):
            lines.append(_line(columns, [p[k] if k < len(p) else "" for p in parts], widths))
    return lines


def _line(columns: Sequence[Shape], texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        blank = " " * (width - _length(text))
        padded.append(blank + text if column.right else text + blank)
    return _GAP.join(padded)


def _folded(text: str, width: int) -> list[str]:
    """Return a text in lines that are no wider than ``width``."""
    if _length(text) <= width:
        return [text]
    if text.isascii():
        return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    from rich.cells import chop_cells

    return chop_cells(text, width)


def _cut(text: str) -> str:
    if _length(text) <= _MOST_UNFOLDED_COLUMNS:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, _MOST_UNFOLDED_COLUMNS - 1).rstrip() + "…"


def _length(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
