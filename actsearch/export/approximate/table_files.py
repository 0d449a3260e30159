"""Files of a table: torch, numpy, C and JSON; each but the last tests itself.

The points of the tests are read from the table in exact arithmetic, with nothing of the files' own
code.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from actsearch.errors import BadInput
from actsearch.export import c_pieces
from actsearch.export.activation import LICENCE, Activation
from actsearch.export.approximate.lookup import Table
from actsearch.export.approximate.stand_in import StandIn
from actsearch.export.text import commented, in_c_comment, literal, plain, template, wrapped

#: Eight binary digits each, so exact in half precision too.
_SIZES = (0.0625, 0.3125, 0.5703125, 1.1015625, 1.8984375, 3.703125, 5.46875, 7.84375, 31.375, 500)
#: This near to an entry, in cells, the slope depends on rounding.
_BESIDE = 0.01
_PER_LINE = 4


@dataclass(frozen=True)
class _Item:
    """What is written: a table, its name, what there is to say, the points of the test."""

    table: Table
    name: str
    metadata: Mapping[str, Any]
    sentence: str

    @property
    def points(self) -> list[tuple[float, float, float]]:
        """Return arguments, values and slopes."""
        every = (sign * size for size in _SIZES for sign in (-1.0, 1.0))
        points = (_read(self.table, x) for x in every)
        return [point for point in points if point is not None]

    @property
    def slack(self) -> float:
        """By how many epsilons a value may be off, beside those of its own size."""
        values = self.table.values
        step = max(abs(b - a) for a, b in itertools.pairwise(values))
        return round(16 * (1 + max(map(abs, values)) + len(values) * step), 1)

    @property
    def places(self) -> dict[str, str]:
        """What the templates are filled with."""
        table = self.table
        return {
            "name": self.name,
            "low": repr(table.low),
            "high": repr(table.high),
            "scale": repr(table.scale),
            "last": str(len(table.values) - 2),
            "n": str(len(table.values)),
            "left": repr(table.slopes[0]),
            "right": repr(table.slopes[1]),
            "slack": repr(self.slack),
            "entries": _listed(list(map(repr, table.values)), _PER_LINE),
        }


def _listed(items: list[str], per_line: int) -> str:
    rows = [items[start : start + per_line] for start in range(0, len(items), per_line)]
    return "\n".join("    " + ", ".join(row) + "," for row in rows)


def _read(table: Table, x: float) -> tuple[float, float, float] | None:
    """Read a table in exact arithmetic; None where the slope is not certain."""
    low, high, at = Fraction(table.low), Fraction(table.high), Fraction(x)
    width = (high - low) / (len(table.values) - 1)
    if at < low - width or at > high + width:
        side = 0 if at < low else -1
        edge, slope = (low, high)[side], Fraction(table.slopes[side])
        value = Fraction(table.values[side]) + slope * (at - edge)
        return x, float(value), float(slope)
    place = (at - low) / width
    cell = place.__floor__()
    if not (0 <= cell <= len(table.values) - 2 and _BESIDE < place - cell < 1 - _BESIDE):
        return None
    first, second = (Fraction(table.values[cell + k]) for k in (0, 1))
    value = first + (place - cell) * (second - first)
    return x, float(value), float((second - first) / width)


def _python_file(item: _Item, name: str) -> str:
    rows = [f"({x!r}, {value!r}, {slope!r})" for x, value, slope in item.points]
    return template(name).substitute(
        item.places,
        docstring=wrapped(commented(item.sentence), "", ""),
        metadata=literal(dict(item.metadata)),
        points=_listed(rows, 1),
    )


def _torch(item: _Item) -> dict[str, str]:
    return {f"{item.name}.py": _python_file(item, "table_torch.txt")}


def _numpy(item: _Item) -> dict[str, str]:
    return {f"{item.name}_numpy.py": _python_file(item, "table_numpy.txt")}


def _c(item: _Item) -> dict[str, str]:
    c_pieces.check_name(item.name)
    facts = [item.sentence, *(f"{key}: {value}" for key, value in item.metadata.items())]
    rows = [f"{{{x!r}, {value!r}, {slope!r}}}" for x, value, slope in item.points]
    text = template("table_c.txt").substitute(
        item.places,
        facts="\n".join(wrapped(in_c_comment(fact), "   ") for fact in facts),
        points=_listed(rows, 1),
        printed=json.dumps(in_c_comment(str(item.metadata["stands in for"]))),
    )
    return {f"{item.name}.h": text}


def _json(item: _Item) -> dict[str, str]:
    table = item.table
    content = {
        "format": "actsearch table",
        "version": 1,
        "name": item.name,
        "low": table.low,
        "high": table.high,
        "values": list(table.values),
        "slopes_beyond": list(table.slopes),
        "metadata": dict(item.metadata),
        "points": [dict(zip(("x", "value", "slope"), point, strict=True)) for point in item.points],
    }
    return {f"{item.name}.json": json.dumps(plain(content), indent=1, allow_nan=False) + "\n"}


#: The targets that can read a table, and how they are written.
TABLE_TARGETS: dict[str, Callable[[_Item], dict[str, str]]] = {
    "torch": _torch,
    "numpy": _numpy,
    "c": _c,
    "json": _json,
}
#: How a user tests each.
TABLE_TESTS = {
    "torch": "python {file}",
    "numpy": "python {file}",
    "c": "cc -D{name}_TEST -x c {file} -o {name}_test && ./{name}_test",
    "json": "python -m json.tool {file}",
}


def table_files(
    stand_in: StandIn,
    name: str,
    targets: tuple[str, ...] = ("torch",),
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Write a table for some targets.

    Args:
        stand_in: One of the kind ``table``.
        name: What the function is called.
        targets: Names of ``TABLE_TARGETS``.
        provenance: Where the function comes from, plain values by what they are.

    Returns:
        File name -> text, for one folder.

    Raises:
        BadInput: A target can't read a table, or the name means something else.
    """
    if stand_in.table is None:
        raise BadInput(f"a stand-in of the kind {stand_in.kind} is a formula, not a table")
    for target in targets:
        if target not in TABLE_TARGETS:
            able = ", ".join(TABLE_TARGETS)
            raise BadInput(f"the target {target} can't read a table; targets that can: {able}")
    Activation(stand_in.exact, name)  # refuses what is no name
    metadata = plain({**stand_in.facts, "provenance": dict(provenance or {}), "licence": LICENCE})
    item = _Item(stand_in.table, name, metadata, f"A table that {stand_in.sentence}.")
    files: dict[str, str] = {}
    for target in dict.fromkeys(targets):
        files.update(TABLE_TARGETS[target](item))
    return files
