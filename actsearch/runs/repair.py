"""A damaged run made whole again: the longest beginning of it that holds together.

A decision is kept where all births and decisions before it are there, and the results that it saw.
A training is kept where a decision that is kept asked for it; one that is gone is made again when
the run is gone on with, as if it had not ended yet, and one that is whole is set aside until it is
asked for again (``runs.aside``). The damaged file is kept beside the new one.

A kill at any moment leaves the run as it was or the new one: what is written has a name of its own
until it is whole, and what the logs hold is put into the damaged file, by a rename, before they go.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import rows, schema
from actsearch.runs.added import with_lost
from actsearch.runs.aside import earlier, setting_aside
from actsearch.runs.creation import sync_names
from actsearch.runs.failures import explained
from actsearch.runs.folder import DATABASE, REPAIR_DRAFT
from actsearch.runs.insert import insert
from actsearch.runs.lock import WriterLock, remove_leavings
from actsearch.runs.pending import copied, put_in
from actsearch.runs.records import ACCEPTED, SCREENED, Heat
from actsearch.runs.salvage import Salvage, salvaged

_SIBLING = re.compile(r"\bits sibling (\d+)")
#: More rows than this are none of a tally that is right.
_PLAUSIBLE = 10**9


@dataclass(frozen=True)
class Repaired:
    """What a repair kept and what it did not, by the names of the tables.

    ``n_aside`` trainings are neither: they are taken when the search comes to them again. Of the
    tables ``uncounted`` the file doesn't say how many rows there were: more may be lost.
    ``damaged`` is where the file lies as it was; ``remarks`` are sentences.
    """

    kept: Mapping[str, int]
    lost: Mapping[str, int]
    n_aside: int
    damaged: Path
    remarks: tuple[str, ...]
    uncounted: tuple[str, ...]


def repair(folder: Path) -> Repaired:
    """Put a whole file in the place of a damaged one, which stays beside it.

    Raises:
        BadInput: another process writes the run, or nothing in it can be gone on with.
        ActsearchError: the disk failed; the run is as it was.
    """
    lock = WriterLock(folder)
    try:
        found = salvaged(folder)
        if "config" not in found.meta:
            raise BadInput(
                f"run '{folder.name}' can't be repaired: its configuration is gone, and so is its "
                "copy, config.json; restore the folder from a copy"
            )
        kept = consistent(found)
        aside = setting_aside(found, kept)
        kept.meta = {
            "config": found.meta["config"],
            "environment": found.meta.get("environment", {}),
            **earlier(found),
            **aside,
        }
        tables = ("births", "heats", "trainings", "trials", "sessions")
        counts = {name: len(getattr(kept, name)) for name in tables}
        kept.sessions = dict(enumerate(with_lost(found), start=1))
        try:
            draft = _draft(folder)
            with explained(folder / DATABASE, "make"):
                _write(draft, kept)
            damaged = _put_aside(folder)
            _without_logs(folder)
            draft.replace(folder / DATABASE)
            sync_names(folder)
        finally:
            remove_leavings(folder)
    except OSError as error:
        raise ActsearchError(
            f"can't repair the run '{folder.name}': {error.strerror or error}; it is as it was"
        ) from error
    finally:
        lock.release()
    lost = {name: _written(found, name) - counts[name] for name in tables}
    lost["trainings"] -= len(aside)
    uncounted = tuple(name for name in tables if name not in found.tally)
    return Repaired(counts, lost, len(aside), damaged, tuple(found.remarks), uncounted)


def consistent(found: Salvage) -> Salvage:
    """Return the longest beginning of a run that holds together.

    Args:
        found: what there is of it.
    """
    births = [found.births[k] for k in range(_n_first(found.births))]
    n_births = len(births)
    has_log = bool(found.heats) or "rungs" in found.meta.get("config", {})  # format 1 had neither
    heats: list[Heat] = []
    complete = 0  # leading heats whose results are all there
    for k in range(_n_first(found.heats)):
        heat = found.heats[k]
        while complete < len(heats) and all(
            (heats[complete].birth_id, heats[complete].rung, seed) in found.trainings
            for seed in heats[complete].seeds
        ):
            complete += 1
        if heat.birth_id >= n_births or heat.seen > complete:
            break
        heats.append(heat)
    trained = {heat.birth_id for heat in heats}
    if has_log:
        # A birth that is to be trained comes with its first heat or not at all, and its litter too.
        first = next((b.id for b in births if b.status == ACCEPTED and b.id not in trained), None)
        if first is not None:
            births = births[: _end_of_litter(found, max(trained, default=-1), first)]
    n_births = len(births)
    wanted = {(heat.birth_id, heat.rung, seed) for heat in heats for seed in heat.seeds}
    return Salvage(
        meta=found.meta,
        births={birth.id: birth for birth in births},
        heats={heat.id: heat for heat in heats},
        trainings={
            key: row
            for key, row in sorted(found.trainings.items())
            if (key in wanted if has_log else key[0] < n_births)
        },
        trials=dict(sorted(found.trials.items())),
        sessions=dict(enumerate((found.sessions[k] for k in sorted(found.sessions)), start=1)),
    )


def _n_first(there: Mapping[int, object]) -> int:
    """Return how many of 0, 1, 2 ... are there without a gap."""
    return next(k for k in range(len(there) + 1) if k not in there)


def _end_of_litter(found: Salvage, last: int, first: int) -> int:
    """Return where the litter of the birth ``last`` ends; that of ``first`` begins there at most.

    Siblings that were not chosen say which one was.
    """
    end = last + 1
    for k in range(last + 1, first):
        match = _SIBLING.search(found.births[k].reason)
        if found.births[k].status == SCREENED and match and int(match[1]) <= last:
            end = k + 1
    return end


def _written(found: Salvage, name: str) -> int:
    """Return how many rows of a table there were, as far as what is left tells."""
    there = getattr(found, name)
    least = max(there, default=-1) + 1 if name in ("births", "heats") else len(there)
    return max(least, min(found.tally.get(name, 0), _PLAUSIBLE))


def _write(path: Path, kept: Salvage) -> None:
    db = schema.create_tables(path)
    try:
        db.execute("BEGIN")
        for key, value in kept.meta.items():
            insert(db, "meta", rows.META_COLUMNS, (key, rows.dump(value)))
        for table, columns, to_row in (
            ("births", rows.BIRTH_COLUMNS, rows.birth_to_row),
            ("heats", rows.HEAT_COLUMNS, rows.heat_to_row),
            ("trainings", rows.TRAINING_COLUMNS, rows.training_to_row),
            ("trials", rows.TRIAL_COLUMNS, rows.trial_to_row),
        ):
            convert: Any = to_row
            for record in getattr(kept, table).values():
                insert(db, table, columns, convert(record))
        for id_, one in kept.sessions.items():
            values_of = (id_, one.begin_s, one.end_s, one.active_s, rows.dump(one.info), one.outcome)
            insert(db, "sessions", rows.SESSION_COLUMNS, values_of)
        db.execute("COMMIT")
    finally:
        db.close()
    for leftover in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _put_aside(folder: Path) -> Path:
    """Copy the damaged file, and its logs before it, to names of their own; nothing else changes."""
    endings = ("-wal", "-journal", "")
    number = 1
    while any(os.path.lexists(folder / f"{DATABASE}.damaged-{number}{one}") for one in endings):
        number += 1
    damaged = folder / f"{DATABASE}.damaged-{number}"
    for ending in endings:
        one = folder / (DATABASE + ending)
        if one.exists():
            draft = _draft(folder)
            with copied(one, draft):
                pass
            draft.replace(damaged.with_name(damaged.name + ending))
    sync_names(folder)
    return damaged


def _without_logs(folder: Path) -> None:
    """Leave the damaged file without logs beside it, and with what they hold.

    One that lay beside the new file would be taken for its own.
    """
    draft = _draft(folder)
    if put_in(folder / DATABASE, draft):
        draft.replace(folder / DATABASE)
        sync_names(folder)
    for ending in ("-journal", "-wal", "-shm"):
        (folder / (DATABASE + ending)).unlink(missing_ok=True)
    sync_names(folder)


def _draft(folder: Path) -> Path:
    return folder / f"{REPAIR_DRAFT}{secrets.token_hex(4)}"
