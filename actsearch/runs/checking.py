"""Whether a run is what was written, and whole: all that can be told from its folder."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError, BadInput
from actsearch.expressions import FormulaError, parse_candidate
from actsearch.runs import foreign, rows, schema
from actsearch.runs.creation import stale_drafts
from actsearch.runs.events import digest, events
from actsearch.runs.failures import DAMAGE, explained, in_words
from actsearch.runs.folder import CONFIG_COPY, DATABASE, NOTE_FILE
from actsearch.runs.lock import holder, leavings
from actsearch.runs.records import ACCEPTED, Birth, Heat, TrainingRow
from actsearch.runs.rows import Malformed
from actsearch.runs.salvage import COLUMNS, has_rows
from actsearch.runs.store import RunStore
from actsearch.runs.tables import SCHEMA_VERSION

#: So many formulas are read and fingerprinted, spread over the run, unless all are.
N_SAMPLE = 50
#: Of each kind of damage so many cases are told.
N_TOLD = 5
#: Nobody writes files or a report for so long: older drafts were left by a kill.
_STALE_S = 3600.0


@dataclass
class Findings:
    """What a check found.

    Attributes:
        damage: Sentences; none where the run is sound.
        notes: What lies about and does no harm, as sentences.
        format: That of the file, None where it can't be told.
        counts: Table -> number of its rows.
        digest: Of the log of events; None where it can't be read.
        n_fingerprints: How many formulas were fingerprinted.
    """

    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    format: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    digest: str | None = None
    n_fingerprints: int = 0


def check(folder: Path, *, full: bool = False) -> Findings:
    """Look at a run; nothing of it is changed.

    Args:
        folder: the run's.
        full: fingerprint every formula, not a sample.

    Raises:
        BadInput: there is no such run, or a newer actsearch wrote it.
        ActsearchError: the disk failed.
    """
    found = Findings()
    found.notes += _leftovers(folder)
    try:
        with RunStore.open(folder) as store, store.reading():
            _ask_sqlite(store.path, found)
            _look(store, found, full)
    except BadInput as error:
        damaged = isinstance(error.__cause__, DAMAGE)
        if not damaged and not has_rows(folder):
            raise  # another format, another program's, no such run
        found.damage.append(_reason(error))
        with contextlib.suppress(ActsearchError, *DAMAGE):
            found.damage += _damaged_pages(folder)
    return found


def _ask_sqlite(path: Path, found: Findings) -> None:
    with explained(path, "read"), contextlib.closing(schema.connect(path, write=False)) as db:
        (found.format,) = db.execute("PRAGMA user_version").fetchone()
        told = [str(line) for (line,) in db.execute(f"PRAGMA integrity_check({N_TOLD})")]
        found.damage += [" ".join(line.split()) for line in told if line != "ok"]
        found.damage += _first(
            f"a row of {table} refers to one that is not there"
            for table, *_ in db.execute("PRAGMA foreign_key_check")
        )


def _look(store: RunStore, found: Findings, full: bool) -> None:
    births = _read(found, "births", store.births)
    heats = _read(found, "heats", store.heats)
    trainings = _read(found, "trainings", store.trainings)
    trials = _read(found, "trials", store.trials)
    sessions = _read(found, "sessions", store.sessions)
    _read(found, "configuration", lambda: store.ladder)
    _read(found, "trainings that were set aside", store.set_aside)
    if None in (births, heats, trainings, trials, sessions):
        return
    assert births is not None
    assert heats is not None
    assert trainings is not None
    assert sessions is not None
    if not found.damage:
        _hold_together(found, births, heats, trainings, store.ladder)
        _gaps(found, "sessions", [one.id for one in sessions], 1)
        _check_formulas(found, births, full)
    if not found.damage:
        found.digest = digest(events(births, heats, trainings))
    _check_copy(found, store)


def _read(found: Findings, what: str, read: Callable[[], Sequence[Any]]) -> Sequence[Any] | None:
    try:
        values = read()
    except (BadInput, Malformed) as error:
        found.damage.append(f"{what}: {_reason(error)}")
        return None
    if what in COLUMNS:
        found.counts[what] = len(values)
    return values


def _hold_together(
    found: Findings,
    births: Sequence[Birth],
    heats: Sequence[Heat],
    trainings: Sequence[TrainingRow],
    ladder: Sequence[str],
) -> None:
    """Look for rows that contradict each other."""
    _gaps(found, "births", [one.id for one in births], 0)
    _gaps(found, "heats", [one.id for one in heats], 0)
    if found.damage:
        return

    def problems() -> Iterator[str]:
        for check_row, records in (
            (rows.birth_to_row, births),
            (rows.heat_to_row, heats),
            (rows.training_to_row, trainings),
        ):
            convert: Any = check_row
            for record in records:
                with contextlib.suppress(OverflowError):
                    problem = _refused(convert, record)
                    if problem:
                        yield problem
        log = found.format != 1
        wanted, trained = set(), set()
        for heat in heats:
            if heat.birth_id >= len(births) or births[heat.birth_id].status != ACCEPTED:
                yield f"heat {heat.id} trains birth {heat.birth_id}, which is not to be trained"
            if heat.seen > heat.id:
                yield f"heat {heat.id} saw {heat.seen} heats, more than there were"
            if ladder != ("",) and heat.rung not in ladder:
                yield f"heat {heat.id} is for the rung '{heat.rung}', which the run has not"
            trained.add(heat.birth_id)
            wanted |= {(heat.birth_id, heat.rung, seed) for seed in heat.seeds}
        for birth in births:
            if log and birth.status == ACCEPTED and birth.id not in trained:
                yield f"birth {birth.id} is to be trained, and no heat does"
        for row in trainings:
            if row.birth_id >= len(births):
                yield f"birth {row.birth_id} was trained, and is not there"
            elif log and (row.birth_id, row.rung, row.seed) not in wanted:
                yield f"no heat asked for birth {row.birth_id} at '{row.rung}' with seed {row.seed}"

    found.damage += _first(problems())


def _refused(convert: Callable[[Any], object], record: object) -> str:
    try:
        convert(record)
    except ValueError as error:
        return str(error)
    return ""


def _gaps(found: Findings, what: str, ids: Sequence[int], first: int) -> None:
    gap = next((k for k, id_ in enumerate(ids, start=first) if k != id_), None)
    if gap is not None:
        found.damage.append(f"{what}: {gap} is missing")


def _check_formulas(found: Findings, births: Sequence[Birth], full: bool) -> None:
    known = [birth for birth in births if birth.fingerprint is not None]
    step = 1 if full else max(1, len(known) // N_SAMPLE)
    sample = known[::step]
    found.n_fingerprints = len(sample)

    def problems() -> Iterator[str]:
        for birth in sample:
            try:
                if parse_candidate(birth.formula).fingerprint() != birth.fingerprint:
                    yield f"birth {birth.id} has another fingerprint than its formula"
            except (FormulaError, BadInput) as error:
                yield f"birth {birth.id}: {error}"

    told = _first(problems())
    if found.format == SCHEMA_VERSION:
        found.damage += told
    else:  # earlier versions had other functions, and other fingerprints
        found.notes += told


def _check_copy(found: Findings, store: RunStore) -> None:
    try:
        copy = json.loads(foreign.text_of(store.folder / CONFIG_COPY))
    except (OSError, ValueError, RecursionError):
        found.notes.append(f"{CONFIG_COPY}, a copy for people, can't be read")
        return
    if copy != store.config:
        found.notes.append(f"{CONFIG_COPY}, a copy for people, says something else than the run")


def _leftovers(folder: Path) -> Iterator[str]:
    """Tell what a kill or a repair left behind."""
    who = holder(folder)
    if who is not None:
        yield f"it is being written by {who}"
    for one in stale_drafts(folder.parent, time.time()):
        yield f"a run that was never begun lies beside it; the next that is made there removes it: {one}"
    if who is None:
        for ending, what in (
            ("-wal", "holds commits of a writer that was killed"),
            ("-journal", "undoes a commit of a writer that was killed"),
        ):
            with contextlib.suppress(OSError):
                if (folder / f"{DATABASE}{ending}").stat().st_size:
                    yield f"{DATABASE}{ending} {what}: copy it with the run; the next writer clears it"
        if (folder / NOTE_FILE).exists():
            yield f"{NOTE_FILE} is that of a writer that was killed; it hinders nobody"
    for one in sorted(leavings(folder)) if who is None else ():
        yield f"{one.name} was left by a kill; the next writer removes it"
    for one in sorted((*folder.glob(".actsearch-*"), *folder.glob(".*.html.*"))):
        if _is_old(one):  # else one is being written
            yield (
                f"{one.name} was left by a kill while files or a report were written; the next "
                "ones that are written there remove it"
            )
    for one in sorted(folder.glob(f"{DATABASE}.damaged-*[0-9]")):
        yield f"{one.name} is the run as it was before a repair; it may be removed"


def _is_old(draft: Path) -> bool:
    try:
        return draft.lstat().st_mtime < time.time() - _STALE_S
    except OSError:  # gone by now
        return False


def _damaged_pages(folder: Path) -> list[str]:
    db = schema.connect_to_look(folder / DATABASE)
    try:
        told = (str(line) for (line,) in db.execute(f"PRAGMA integrity_check({N_TOLD})"))
        return _first(line for line in told if line != "ok")
    finally:
        db.close()


def _first(problems: Iterable[str]) -> list[str]:
    told: list[str] = []
    n_more = 0
    for one in problems:
        if len(told) < N_TOLD:
            told.append(" ".join(one.split()))
        else:
            n_more += 1
    return [*told, f"and {n_more} more of the kind"] if n_more else told


def _reason(error: BaseException) -> str:
    """Return what is wrong with the file, or a row, without the remedy, which is another here."""
    return in_words(error.__cause__ or error)
