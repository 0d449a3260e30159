"""Trainings that a repair can't leave in their place, kept so that they are not made again.

What stood behind a hole in a run is decided anew, and comes to the same: the same formula is asked
for the same rung, seed and pace. Until then its whole trainings wait in the run's file, each in the
table ``meta`` under a key of its own, with the formula and the heat that they were made for. Rows
are kept by the names of their columns, as other formats of the file have others.

One of a birth or a heat that is gone can't be told from another's; one that never came to an end
is tried again. Both are lost.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actsearch.runs import rows, schema
from actsearch.runs.records import NO_END, Heat, TrainingRow

if TYPE_CHECKING:
    from actsearch.runs.salvage import Salvage

_KEY = "aside "


@dataclass(frozen=True)
class Aside:
    """A training, and the formula and the heat that it was made for."""

    formula: str
    heat: Heat
    row: TrainingRow


def setting_aside(found: Salvage, kept: Salvage) -> dict[str, dict[str, Any]]:
    """Return, as rows of ``meta``, the trainings that were found and not kept.

    Args:
        found: all that there is of a run.
        kept: what of it stays.
    """
    values = {}
    for heat in found.heats.values():
        birth = found.births.get(heat.birth_id)
        for seed in heat.seeds:
            key = (heat.birth_id, heat.rung, seed)
            row = found.trainings.get(key)
            if birth and row and key not in kept.trainings and row.status not in NO_END:
                value: dict[str, Any] = {
                    "formula": birth.formula,
                    "heat": _named(rows.HEAT_COLUMNS, rows.heat_to_row(heat)),
                    "training": _named(rows.TRAINING_COLUMNS, rows.training_to_row(row)),
                }
                # After an earlier repair another formula may have had the same numbers.
                whose = zlib.crc32(rows.dump([birth.formula, value["heat"]["pace"]]).encode())
                values[_KEY + rows.dump([*key, whose])] = value
    return values


def earlier(found: Salvage) -> dict[str, dict[str, Any]]:
    """Return what repairs before this one set aside, as rows of ``meta``."""
    values = {}
    for key, value in found.meta.items():
        with contextlib.suppress(rows.Malformed):
            if key.startswith(_KEY) and _read(value):
                values[key] = value
    return values


def asides(meta: Iterable[tuple[str, str]]) -> list[Aside]:
    """Return what was set aside, of the rows of ``meta``. Raises ``Malformed``."""
    return [_read(rows.load_object(text)) for key, text in meta if key.startswith(_KEY)]


def _named(columns: str, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(columns.split(", "), row, strict=True))


def _values(columns: str, row: Any) -> tuple[Any, ...]:
    """Return the values of ``columns``, those of an older format among them; others are left."""
    if isinstance(row, list):  # written before they had names
        row = _named(columns, tuple(row))
    there = {**dict(schema.FORMER.values()), **row}
    return tuple(there[name] for name in columns.split(", "))


def _read(value: dict[str, Any]) -> Aside:
    try:
        row = rows.training_from_row(_values(rows.TRAINING_COLUMNS, value["training"]))
        rows.training_to_row(row)
        heat = rows.heat_from_row(_values(rows.HEAT_COLUMNS, value["heat"]))
        formula = value["formula"]
        if not isinstance(formula, str):
            raise TypeError
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise rows.Malformed("a training that was set aside is none") from error
    return Aside(formula, heat, row)
