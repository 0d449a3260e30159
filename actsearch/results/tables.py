"""Plain rows and records as a terminal table, JSON or CSV.

The one place where output is formatted, so that every command answers alike: a table for people,
JSON that any parser takes (NaN and infinity become null), CSV that a spreadsheet will not execute.
Text from outside (formulas, messages, file names) is never read as markup or control codes.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import shutil
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from actsearch.errors import unknown
from actsearch.results.layout import Shape, lay_out

# Values of one property that a table shows; JSON and CSV have all.
_MOST_LISTED = 12


class Format(StrEnum):
    """How a reading command writes its answer."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"

    @classmethod
    def named(cls, text: str) -> Format:
        """Return the format called ``text``.

        Raises:
            BadInput: there is no such format.
        """
        try:
            return cls(text.lower())
        except ValueError:
            raise unknown("format", text, [str(fmt) for fmt in cls]) from None


def plain(value: Any) -> str:
    """Write any value as a short text for a table cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(
            f"[{plain(i)}]" if isinstance(i, list | tuple) else plain(i) for i in value
        )
    return str(value)


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with ``digits`` decimals, or in powers of ten where those would hide it."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 10.0**-digits <= abs(value) < 1e6:
        return f"{value:.{digits}f}"
    return f"{value:.{digits - 1}e}"


def printable(text: str) -> str:
    """Return ``text`` on one line, its control characters written out: none reaches a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text.replace("\n", " "))


@dataclass(frozen=True)
class Column:
    """One column: its key in JSON and CSV, its title in a table, and how a cell is shown there."""

    key: str
    title: str
    show: Callable[[Any], str] = plain
    right: bool = False
    # Makes way where the terminal is too narrow: folded, or on a line of its own below the row.
    long: bool = False
    # Above 0: left out where the terminal is too narrow, the highest first, before anything folds
    # to next to nothing. The line below the table names what was left out.
    leaves: int = 0


def write_rows(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], fmt: Format, out: TextIO
) -> None:
    """Write ``rows`` to ``out``: a table, a JSON array of objects, or CSV with a header line.

    Args:
        columns: what is shown and in which order; a key that a row lacks is an empty cell.
        rows: plain values by column key; JSON and CSV carry them unrounded.
        fmt: the format.
        out: where to, usually standard output.
    """
    if fmt is Format.JSON:
        keys = [column.key for column in columns]
        write_json([{key: row.get(key) for key in keys} for row in rows], out)
    elif fmt is Format.CSV:
        _write_csv(
            [c.key for c in columns], ([row.get(c.key) for c in columns] for row in rows), out
        )
    else:
        _write_table(columns, rows, out)


def write_record(record: Mapping[str, Any], fmt: Format, out: TextIO) -> None:
    """Write one thing with named values: two columns, a JSON object, or CSV lines ``key,value``.

    Nested values stay nested in JSON and become ``outer.inner`` keys in CSV and in the table.
    """
    if fmt is Format.JSON:
        write_json(record, out)
    elif fmt is Format.CSV:
        _write_csv(["key", "value"], flatten(record), out)
    else:
        columns = [Column("key", "property"), Column("value", "value", long=True)]
        rows = [
            {
                "key": key.replace("_", " ").replace(".", " · "),
                "value": plain(_shortened(value)) or "none",
            }
            for key, value in flatten(record)
        ]
        _write_table(columns, rows, out)


def _shortened(value: Any) -> Any:
    """Return a long list with its middle left out: sin(1000*x) has 6,367 zeros."""
    if not isinstance(value, list | tuple) or len(value) <= _MOST_LISTED:
        return value
    n_left_out = len(value) - _MOST_LISTED
    return [*value[: _MOST_LISTED - 1], f"... ({n_left_out} more)", value[-1]]


def write_json(value: Any, out: TextIO) -> None:
    """Write ``value`` as JSON: indented, ASCII, NaN and infinity as null."""
    json.dump(jsonable(value), out, indent=2, allow_nan=False)
    out.write("\n")


def jsonable(value: Any) -> Any:
    """Return ``value`` in JSON's own types; a non-finite number becomes None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: jsonable(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [jsonable(item) for item in value]
    item = getattr(value, "item", None)  # a NumPy scalar that is no subclass of Python's own
    return jsonable(item()) if callable(item) else str(value)


def spelled(value: Any) -> Any:
    """Return ``value`` with infinities as "Infinity" and "-Infinity", for JSON that has to tell.

    Strict JSON has no such numbers, and null stands for what is undefined.
    """
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: spelled(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    return value


def flatten(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the pairs of ``record`` with the keys of nested mappings joined by a dot."""
    pairs: list[tuple[str, Any]] = []
    for key, value in record.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def csv_cell(value: Any) -> str:
    """Write one CSV cell; text that a spreadsheet would take for a formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(jsonable(value), allow_nan=False)
    # A lone carriage return is a line's end to some readers, quoted or not.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isprintable():  # it may be read in a terminal
        text = "".join(c if c in "\n\t" else printable(c) for c in text)
    if text[:1] in {"=", "+", "-", "@", "\t", "\n"} and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)


def fitted(text: str, out: TextIO) -> str:
    """Return lines of text broken where they would not fit the terminal that ``out`` is."""
    if not out.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 20)
    lines = (textwrap.wrap(line, width, break_on_hyphens=False) for line in text.split("\n"))
    return "\n".join("\n".join(line) for line in lines)


def _write_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], out: TextIO) -> None:
    cells = [[printable(c.show(row.get(c.key))) for c in columns] for row in rows]
    width = shutil.get_terminal_size().columns if out.isatty() else None
    shapes = [Shape(printable(c.title), c.right, c.long, c.leaves) for c in columns]
    lines, left_out = lay_out(shapes, cells, width)
    # Padding to the column's width says nothing at a line's end, and clutters diffs.
    out.writelines(line.rstrip() + "\n" for line in lines)
    if left_out and width is not None:
        note = f"no room here for: {', '.join(left_out)} (--format json and csv have all)"
        out.writelines(f"{line}\n" for line in textwrap.wrap(note, max(width, 20)))
