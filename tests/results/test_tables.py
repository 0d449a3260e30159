"""Tables, JSON and CSV of the same rows."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.results.tables import (
    Column,
    Format,
    csv_cell,
    flatten,
    jsonable,
    number,
    printable,
    write_record,
    write_rows,
)

COLUMNS = (
    Column("id", "id", right=True),
    Column("formula", "formula", long=True),
    Column("score", "score", right=True),
)
ROWS: list[dict[str, Any]] = [
    {"id": 7, "formula": "x*[bold]sigmoid(x)[/bold]", "score": 0.671234},
    {"id": 12, "formula": "-x", "score": None},
    {"id": 130, "formula": "max(x, 0.1*x)", "score": float("nan")},
]


def written(fmt: Format, rows: list[dict[str, Any]] = ROWS) -> str:
    out = io.StringIO()
    write_rows(COLUMNS, rows, fmt, out)
    return out.getvalue()


@pytest.mark.parametrize("fmt", Format)
def test_rows_look_as_approved(fmt: Format, golden: Any) -> None:
    golden.check(f"rows.{fmt}", written(fmt))


@pytest.mark.parametrize("fmt", Format)
def test_a_record_looks_as_approved(fmt: Format, golden: Any) -> None:
    record = {"formula": "x", "limits": {"low": -math.inf, "high": 1.5}, "kinks": [0.0, 1.0]}
    out = io.StringIO()
    write_record(record, fmt, out)
    golden.check(f"record.{fmt}", out.getvalue())


WIDE: list[dict[str, Any]] = [{"id": 7, "formula": "sin(x)*" * 20 + "x", "score": 0.5}]


@pytest.mark.parametrize("columns", [60, 30])
def test_a_narrow_terminal_loses_nothing(columns: int, golden: Any, monkeypatch: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal()
    write_rows(COLUMNS, WIDE, Format.TABLE, out)
    assert max(map(len, out.getvalue().splitlines())) <= columns
    golden.check(f"narrow_{columns}.table", out.getvalue())


def test_no_rows_are_an_empty_json_array_and_a_csv_header() -> None:
    assert json.loads(written(Format.JSON, [])) == []
    assert written(Format.CSV, []) == "id,formula,score\n"


def test_a_table_shows_markup_as_it_is_and_no_control_codes() -> None:
    text = written(Format.TABLE, [{"id": 1, "formula": "[red]a[/]\x1b[31m\nb", "score": 1.0}])
    assert "[red]a[/]\\x1b[31m b" in text
    assert "\x1b" not in text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(values)
def test_json_is_strict_whatever_the_values(value: Any) -> None:
    text = json.dumps(jsonable(value), allow_nan=False)
    assert json.loads(text) == jsonable(value)


def test_json_takes_dataclasses_and_numpy_scalars() -> None:
    numpy = pytest.importorskip("numpy")

    @dataclass(frozen=True)
    class Point:
        at: float
        label: str

    value = {"points": (Point(math.inf, "a"), Point(1.0, "b")), "n": numpy.int64(3)}
    assert jsonable(value) == {
        "points": [{"at": None, "label": "a"}, {"at": 1.0, "label": "b"}],
        "n": 3,
    }


@given(st.lists(st.text() | st.integers() | st.floats() | st.none(), min_size=1, max_size=5))
def test_no_csv_cell_is_a_spreadsheet_formula(cells: list[Any]) -> None:
    for cell in cells:
        text = csv_cell(cell)
        if text[:1] in set("=+-@\t\r\n"):
            float(text)  # only a number may begin like this


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=5))
def test_csv_reads_back(texts: list[str]) -> None:
    columns = [Column(str(i), str(i)) for i in range(len(texts))]
    out = io.StringIO()
    write_rows(columns, [{str(i): text for i, text in enumerate(texts)}], Format.CSV, out)
    (_, row) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert row == [csv_cell(text) for text in texts]


@pytest.mark.parametrize(
    ("cell", "text"),
    [("-x", "'-x"), ("-1.5", "-1.5"), ("=1+1", "'=1+1"), (-2, "-2"), (True, "true"), (None, "")],
)
def test_csv_cells(cell: object, text: str) -> None:
    assert csv_cell(cell) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.67123, "0.6712"),
        (0.0, "0.0000"),
        (-0.00001234, "-1.234e-05"),
        (1.5e9, "1.500e+09"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (None, ""),
    ],
)
def test_numbers_keep_their_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_nested_records_flatten_by_dots() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": 2}, "e": 3}) == [("a.b.c", 1), ("a.d", 2), ("e", 3)]


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert printable(text).isprintable()


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"did you mean 'json'.*csv, json, table"):
        Format.named("jsn")
