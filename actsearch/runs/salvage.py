"""What can still be read of a damaged run: rows that are what was written, wherever they lie."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.errors import BadInput
from actsearch.runs import foreign, rows
from actsearch.runs.checksums import opened
from actsearch.runs.failures import DAMAGE
from actsearch.runs.folder import CONFIG_COPY, DATABASE, ENVIRONMENT_COPY
from actsearch.runs.pages import rows_in_pages
from actsearch.runs.records import Birth, Heat, Session, TrainingRow, TrialRow
from actsearch.runs.rows import Malformed
from actsearch.runs.schema import columns_of
from actsearch.runs.tables import SCHEMA_VERSION, TALLIED

_Key = tuple[int, str, int]  # birth, rung, seed


@dataclass
class Salvage:
    """The records that were found, and what else there is to say of them.

    ``meta`` has the configuration and the environment, as far as they were found; ``tally`` how
    many rows of a table there were, as far as the file tells.
    """

    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    births: dict[int, Birth] = field(default_factory=dict)
    heats: dict[int, Heat] = field(default_factory=dict)
    trainings: dict[_Key, TrainingRow] = field(default_factory=dict)
    trials: dict[tuple[str, str, str, int], TrialRow] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Take in a row of a table. Raises ``Malformed`` or ValueError where it is none."""
        record: Any
        match table:
            case "meta":
                self.meta[str(row[0])] = rows.load_object(row[1])
            case "births":
                record = rows.birth_from_row(row)
                rows.birth_to_row(record)
                self.births[record.id] = record
            case "heats":
                record = rows.heat_from_row(row)
                rows.heat_to_row(record)
                self.heats[record.id] = record
            case "trainings":
                record = rows.training_from_row(row)
                rows.training_to_row(record)
                self.trainings[record.birth_id, record.rung, record.seed] = record
            case "trials":
                record = rows.trial_from_row(row)
                rows.trial_to_row(record)
                self.trials[record.task, record.split, record.formula, record.seed] = record
            case "sessions":
                record = rows.session_from_row(row)
                there = self.sessions.get(record.id)
                # The one kind of row that changes: of several states the last.
                if there is None or (there.active_s, there.end_s or 0) < (
                    record.active_s,
                    record.end_s or 0,
                ):
                    self.sessions[record.id] = record


#: Table -> its columns as ``Salvage.add`` takes them.
COLUMNS: Mapping[str, str] = {
    "meta": rows.META_COLUMNS,
    "births": rows.BIRTH_COLUMNS,
    "heats": rows.HEAT_COLUMNS,
    "trainings": rows.TRAINING_COLUMNS,
    "trials": rows.TRIAL_COLUMNS,
    "sessions": rows.SESSION_COLUMNS,
}
#: Whether it has row ids, and how many values a row has with its checksum -> tables.
_SHAPES = {
    (True, 12): ("births",),
    (True, 7): ("heats", "sessions"),
    (False, 11): ("trainings",),
    (False, 12): ("trials",),
    (False, 3): ("meta",),
}


def salvaged(folder: Path) -> Salvage:
    """Return all that can be read of a run.

    Rows that have checksums are sought in every page of the file. Of an older format, without
    them, the tables are read from both ends as far as they go.

    Raises:
        BadInput: a file of the run is a link, a pipe, a device or a folder.
        OSError: the disk failed.
    """
    found = Salvage()
    foreign.check_files(folder / DATABASE)
    for has_ids, row in rows_in_pages(folder / DATABASE):
        if len(row) == 3 and row[0] in TALLIED and type(row[1]) is int:
            found.tally[row[0]] = max(row[1], found.tally.get(row[0], 0))
        for table in _SHAPES.get((has_ids, len(row)), ()):
            with contextlib.suppress(Malformed, ValueError, OverflowError):
                found.add(table, opened(table, row))
                break
    if not (found.births or found.meta):
        _add_by_sql(folder / DATABASE, found)
    for key, copy in (("config", CONFIG_COPY), ("environment", ENVIRONMENT_COPY)):
        if key not in found.meta:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                value = json.loads(foreign.text_of(folder / copy))
                if isinstance(value, dict):
                    found.meta[key] = value
                    found.remarks.append(f"the {key} is that of its copy, {copy}")
    return found


def has_rows(folder: Path) -> bool:
    """Tell whether a file of the present format, by its header, has rows that were written.

    Then it is a run whatever else its header says.
    """
    with contextlib.suppress(OSError, BadInput):
        path = folder / DATABASE
        foreign.check_files(path)
        with path.open("rb") as file:
            header = file.read(64)
        if int.from_bytes(header[60:64], "big") == SCHEMA_VERSION:
            for has_ids, row in rows_in_pages(path):
                with contextlib.suppress(Malformed):
                    if (has_ids, len(row)) == (False, 3) and opened("meta", row)[0] == "config":
                        return True
    return False


def _add_by_sql(path: Path, found: Salvage) -> None:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        foreign.limit(db)
        foreign.check_schema(db)
        for table, columns in COLUMNS.items():
            for order in ("", " DESC"):
                with contextlib.suppress(*DAMAGE):
                    there = columns_of(db, table, columns)
                    key = "rowid" if table in ("births", "heats", "sessions") else there.split(",")[0]
                    cursor = db.execute(f"SELECT {there} FROM {table} ORDER BY {key}{order}")
                    _add_until_it_breaks(cursor, found, table)
    except DAMAGE:
        pass
    finally:
        db.close()


def _add_until_it_breaks(cursor: Iterable[tuple[Any, ...]], found: Salvage, table: str) -> None:
    for row in cursor:
        with contextlib.suppress(Malformed, ValueError):
            found.add(table, row)
