"""Following a run that another process writes: each look reads what is new, and nothing else.

The store alone is read. A look opens the file for reading, takes what was committed since the last
one, all as of one moment, and closes it again: the writer is never waited for nor kept waiting, and
no lock stays behind (SQLite's own two files beside the database do, where they were missing). As
long as the files are as they were at the last look, not even that is done.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from actsearch.durations import parse_duration
from actsearch.errors import BadInput
from actsearch.runs import copies, foreign, rows, schema
from actsearch.runs.failures import explained
from actsearch.runs.folder import DATABASE
from actsearch.runs.ranking import Leaderboard
from actsearch.runs.records import ACCEPTED, Birth, Heat, Session, TrainingRow, TrialRow
from actsearch.runs.scores import Scored, result_of, scores
from actsearch.runs.snapshot import Snapshot

N_BEST = 5
#: Curves and measurements are most of a row, and no look needs them.
_TRAINING = "birth_id, rung, seed, status, score, '{}', '[]', time_s, device, ''"
_TRIAL = "task, split, formula, seed, status, score, '{}', '[]', time_s, device, ''"

_Key = tuple[int, str, int]  # birth, rung, seed


class Follower:
    """What the store of one run says, kept up to date by ``read``.

    Attributes:
        config: The configuration as used.
        sessions: In the order in which they began.
        trials: Those that confirm, without their curves and measurements.
        log: The trainings, without their curves and measurements, in the order in which they were
            decided, as far as they were found together.
        leader_scores: The score of the leader after each of ``log``, None where none had a score.
            It may fall: where the leader is measured again, or another comes to a longer rung.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {}
        self.sessions: list[Session] = []
        self.trials: list[TrialRow] = []
        self.log: list[TrainingRow] = []
        self.leader_scores: list[float | None] = []
        self._path = folder / DATABASE
        self._stamp: tuple[int, ...] = ()
        self._ladder: tuple[str, ...] = ()
        self._births: dict[int, Birth] = {}
        self._counts: Counter[str] = Counter()
        self._wanted: dict[_Key, None] = {}  # by the log and not there yet, in the log's order
        self._rows: dict[int, dict[tuple[str, int], TrainingRow]] = {}
        self._last_heat = -1
        self._scored: dict[int, Scored] = {}
        self._ranking = Leaderboard()
        self._reached: Counter[str] = Counter()

    def read(self) -> bool:
        """Read what was written since the last call; False where nothing was.

        Raises:
            BadInput: the run is gone, or its file can't be read.
            ActsearchError: the disk failed.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        with explained(self._path, "read"), _reading(self._path) as db:
            if not self.config:
                meta = dict(db.execute("SELECT key, value FROM meta WHERE key = 'config'"))
                self.config = foreign.config_of(meta.get("config"))
                self._ladder = rows.ladder(self.config)
            self.sessions = [
                rows.session_from_row(row)
                for row in db.execute(f"SELECT {rows.SESSION_COLUMNS} FROM sessions ORDER BY id")
            ]
            for birth in self._new_births(db):
                self._births[birth.id] = birth
                self._counts[birth.status] += 1
            for heat in self._new_heats(db):
                self._last_heat = heat.id
                self._wanted |= {(heat.birth_id, heat.rung, seed): None for seed in heat.seeds}
            for row in self._new_trainings(db):
                self._add_training(row)
            self._read_trials(db)
        self._stamp = stamp
        return True

    def snapshot(self, elapsed_s: float) -> Snapshot:
        """Return the state of the search as of the last look.

        Args:
            elapsed_s: how long it has been searched, see ``searched_s``.
        """
        last = self.last_search
        births = last.get("births")
        in_flight = (self._births[id_].formula for id_, *_ in self._wanted if id_ in self._births)
        return Snapshot(
            run=self.folder.name,
            n_births=len(self._births),
            n_trained=len(self._rows),
            n_duplicates=self._counts["duplicate"],
            n_rejected=self._counts["rejected"],
            n_screened=self._counts["screened"],
            n_trainings=len(self.log),
            n_by_rung={rung: self._reached[rung] for rung in self._ladder},
            best=tuple(self._best(N_BEST)),
            in_flight=tuple(dict.fromkeys(in_flight)),
            elapsed_s=elapsed_s,
            budget_s=seconds(last.get("budget")),
            births_limit=births if type(births) is int and births > 0 else None,
        )

    @property
    def last_search(self) -> Mapping[str, Any]:
        """What the last search of the run was asked for."""
        infos = (one.info for one in self.sessions if not confirms(one))
        return [self.config, *infos][-1]

    # -- inside --------------------------------------------------------------------------------

    def _look(self) -> tuple[int, ...]:
        """Return what differs after every commit: sizes and times of the database and its log."""
        try:
            there = self._path.stat()
        except OSError as error:
            raise BadInput(
                f"run '{self.folder.name}' is gone: {self._path} can't be read any more "
                f"({error.strerror}); was its folder moved or removed?"
            ) from error
        if self._stamp and self._stamp[0] != there.st_ino:
            raise BadInput(
                f"run '{self.folder.name}' is another one now: {self._path} was replaced; "
                "watch it anew"
            )
        stamp = [there.st_ino, there.st_size, there.st_mtime_ns]
        with contextlib.suppress(OSError):
            log = self._path.with_name(f"{DATABASE}-wal").stat()
            stamp += [log.st_size, log.st_mtime_ns]
        return tuple(stamp)

    def _new_births(self, db: sqlite3.Connection) -> Iterator[Birth]:
        columns = schema.columns_of(db, "births", rows.BIRTH_COLUMNS)
        last = max(self._births, default=-1)
        query = f"SELECT {columns} FROM births WHERE id > ? ORDER BY id"
        return (rows.birth_from_row(row) for row in db.execute(query, (last,)).fetchall())

    def _new_heats(self, db: sqlite3.Connection) -> Iterator[Heat]:
        if not _has(db, "heats"):
            return iter(())
        columns = schema.columns_of(db, "heats", rows.HEAT_COLUMNS)
        query = f"SELECT {columns} FROM heats WHERE id > ? ORDER BY id"
        return (rows.heat_from_row(row) for row in db.execute(query, (self._last_heat,)).fetchall())

    def _new_trainings(self, db: sqlite3.Connection) -> list[TrainingRow]:
        """Return the trainings that are new, in the order of the log.

        They have no numbers, but the log says which to look for.
        """
        one = f"SELECT {_TRAINING} FROM trainings WHERE birth_id = ? AND rung = ? AND seed = ?"
        n_new = db.execute("SELECT COUNT(*) FROM trainings").fetchone()[0] - len(self.log)
        found: list[Any] = []
        if n_new <= len(self._wanted) and len(self.log):
            found = [row for key in self._wanted for row in db.execute(one, key)]
        if len(found) != n_new:  # the first look, or a run of a format without a log
            every = {tuple(row[:3]): row for row in db.execute(f"SELECT {_TRAINING} FROM trainings")}
            logged = [key for key in self._wanted if key in every]
            others = [
                key
                for key in every
                if key not in self._wanted and key[1:] not in self._rows.get(key[0], ())
            ]
            found = [every[key] for key in (*logged, *others)]
        return [rows.training_from_row(row) for row in found]

    def _add_training(self, row: TrainingRow) -> None:
        self.log.append(row)
        self._wanted.pop((row.birth_id, row.rung, row.seed), None)
        there = self._rows.setdefault(row.birth_id, {})
        self._reached[row.rung] += all(rung != row.rung for rung, _ in there)
        there[row.rung, row.seed] = row
        birth = self._births.get(row.birth_id)
        if birth is not None and birth.status == ACCEPTED:
            (scored,) = scores([birth], there.values(), ladder=self._ladder)
            self._scored[birth.id] = scored
            if scored.mean is None:
                self._ranking.drop(birth.id)
            else:
                self._ranking.put(result_of(scored, self._ladder))
        self.leader_scores.append(next((one.mean for one in self._best(1)), None))

    def _best(self, n: int) -> Iterable[Scored]:
        return (self._scored[id_] for _, id_ in zip(range(n), self._ranking, strict=False))

    def _read_trials(self, db: sqlite3.Connection) -> None:
        if not _has(db, "trials"):
            return
        (n_there,) = db.execute("SELECT COUNT(*) FROM trials").fetchone()
        if n_there != len(self.trials):
            query = f"SELECT {_TRIAL} FROM trials ORDER BY task, split, formula, seed"
            self.trials = [rows.trial_from_row(row) for row in db.execute(query)]


def confirms(session: Session) -> bool:
    """Tell whether a session confirmed; the others searched."""
    return session.info.get("kind") == "confirm"


def is_open(session: Session) -> bool:
    """Tell whether a session goes on, or was killed."""
    return session.end_s is None


def active_s(session: Session, now_s: float | None) -> float:
    """Return the seconds that a session was active.

    Args:
        session: one of a run.
        now_s: Unix time, for one that goes on; None: up to its last commit.
    """
    if now_s is None or not is_open(session):
        return session.active_s
    return max(session.active_s, now_s - session.begin_s)


def searched_s(sessions: Sequence[Session], now_s: float | None) -> float:
    """Return the seconds that a run was searched in all.

    Args:
        sessions: of the run.
        now_s: Unix time, where the last one goes on; None where nobody writes the run.
    """
    before = sum(one.active_s for one in sessions[:-1] if not confirms(one))
    return before + sum(active_s(one, now_s) for one in sessions[-1:] if not confirms(one))


def seconds(budget: object) -> float | None:
    """Return a budget as a run keeps it, text or seconds, in seconds; None where it says none."""
    if isinstance(budget, str):
        try:
            return parse_duration(budget)
        except BadInput:  # the file may come from anyone
            return None
    if type(budget) in (int, float) and 0 < budget < math.inf:  # type: ignore[operator]
        return float(budget)  # type: ignore[arg-type]
    return None


def _has(db: sqlite3.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = ?"
    return db.execute(query, (table,)).fetchone() is not None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading, as of one moment."""
    db = schema.connect(path, write=False)
    try:
        moment = copies.one_moment(db, path, long=False)
        try:
            yield moment
        finally:
            copies.let_go(db, moment)
    finally:
        db.close()
