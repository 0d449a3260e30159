"""The store of one run: every birth, every training, and the time they took, in one SQLite file.

What it promises, and docs/reliability.md names the test of each
---------------------------------------------------------------
*Durable when.* Each call that adds is one transaction, which is on the disk when it returns. What
ends the process after that - an exception, Ctrl-C, SIGKILL, the power - does not take it back; what
ends it before leaves no trace; where the disk fails in it, it is there in full or not at all. So
the store holds a prefix of what was added. On a network file system another journal sees to it, as
far as the locks hold there (``runs.filesystem``).

*What is read* is what was written, all of it, or an error: each row has a checksum, and each table
a tally of them (``runs.reading``; files of format 3 and before have none).

*Who may write.* One process at a time, the one that holds the run's lock (``runs.lock``) from
``create`` or ``open(write=True)`` to ``close``; a second is refused with the first one's process
id. Within that process any thread may call any method. Any number of processes may read meanwhile;
each call reads the commits there are at that moment, and all calls in a ``with store.reading()``
those of one moment.

*Births* are added in the order of their ids, 0, 1, 2 ..., without gaps, and never change; parents
and ``same_as`` are earlier ones. *Heats* are the log of what the search decided, added likewise: a
birth that is trained comes with its first heat in one transaction, later heats follow alone.

*Trainings* are unique by (birth, rung, seed) and never change: adding one again is an error, so a
resumed search that trains twice what it knows fails loudly. One that the search's end stopped is no
result and is refused; one that diverged, failed, crashed or ran into its own limit is a result.

*Trials* are unique by (task, split, formula, seed); nothing of the search reads them.

*Time.* Each session counts the seconds it was active up to its last commit, in the same
transaction; ``elapsed_s`` adds the sessions up, so that a budget survives every kind of end.

*Configuration and environment* are written at creation and never change (``search.sameness`` says
what sessions may differ in). ``config.json`` and ``environment.json`` are copies for people.

*Creation* is all or nothing (``runs.creation``), and so is bringing an older format up to date, as
only a writer does (``runs.migrations``). Nothing in the file is executable, as a pickle would be.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from actsearch.errors import ActsearchError, counted
from actsearch.runs import copies, foreign, rows, schema
from actsearch.runs.aside import Aside, asides
from actsearch.runs.creation import make_run_folder
from actsearch.runs.failures import explained
from actsearch.runs.folder import DATABASE, existing_run
from actsearch.runs.insert import insert, insert_heat, next_id, update_session
from actsearch.runs.lock import WriterLock
from actsearch.runs.place import warnings_for
from actsearch.runs.reading import rows_of
from actsearch.runs.records import Birth, Heat, Session, TrainingRow, TrialRow

_Row = TypeVar("_Row")


class RunStore:
    """One run, open for reading or for writing. Made by ``create`` and ``open``; a context manager.

    Methods that write raise ValueError for a call that breaks the promises of this module (an
    error of the program), ActsearchError when the disk fails, and leave the store as it was.
    """

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, lock: WriterLock | None
    ) -> None:
        self.folder = folder
        self._db = connection
        self._lock = lock
        self._thread_lock = threading.RLock()
        self._chosen = False  # a moment, that reads are of
        self._session: tuple[int, float] | None = None  # its id, and time.monotonic() at its begin
        with explained(self.path, "read"):
            meta = dict(self._rows("meta", rows.META_COLUMNS, "key"))
            #: The configuration as used.
            self.config: dict[str, Any] = foreign.config_of(meta.get("config"))
            #: What the run was started on: versions, machine, devices.
            self.environment: dict[str, Any] = rows.load_object(meta.get("environment"))

    @classmethod
    def create(cls, folder: Path, config: dict[str, Any], environment: dict[str, Any]) -> RunStore:
        """Make the folder of a new run and return its store, open for writing.

        Args:
            folder: the folder to make, as ``run_folder(name)`` gives it.
            config: the configuration as used; anything JSON holds.
            environment: versions, machine and devices; anything JSON holds.

        Raises:
            BadInput: the name is taken, or can't be a run's; or the folder can't be made there.
            ActsearchError: the disk failed; no run was made.
        """
        make_run_folder(folder, config, environment)
        return cls.open(folder, write=True)

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> RunStore:
        """Open an existing run.

        Args:
            folder: the run's folder, as ``run_folder(name)`` gives it.
            write: take the writer's lock, too.

        Raises:
            BadInput: there is no such run (the message lists those there are), another process
                writes it, or its file is damaged, of another program or of a newer actsearch.
            ActsearchError: it can't be read or locked for a reason of the file system.
        """
        folder = existing_run(folder.name, folder.parent)
        for warning in warnings_for(folder) if write else ():
            warnings.warn(warning, stacklevel=2)
        lock = WriterLock(folder) if write else None
        try:
            with explained(folder / DATABASE, "read"):
                connection = schema.connect(folder / DATABASE, write=write)
            try:
                return cls(folder, connection, lock)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            if lock:
                lock.release()
            raise

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """The database file."""
        return self.folder / DATABASE

    @property
    def ladder(self) -> tuple[str, ...]:
        """The names of the run's rungs, the shortest first."""
        return rows.ladder(self.config)

    # -- reading -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read as of one moment: what others commit during a ``with`` block is not seen in it.

        Blocks may be nested; the outer one counts. In the process that writes, other threads wait.
        """
        with self._moment(long=True):
            yield

    def births(self) -> list[Birth]:
        """Return all births in the order of their ids."""
        return self._all("births", rows.BIRTH_COLUMNS, "id", rows.birth_from_row)

    def trainings(self, birth_id: int | None = None) -> list[TrainingRow]:
        """Return the trainings (of one birth, or all), ordered by birth, rung and seed."""
        order = "birth_id, rung, seed"
        if birth_id is None:
            return self._all("trainings", rows.TRAINING_COLUMNS, order, rows.training_from_row)
        with explained(self.path, "read"):
            found = self._rows("trainings", rows.TRAINING_COLUMNS, order, birth_id)
            return [rows.training_from_row(row) for row in found]

    def heats(self) -> list[Heat]:
        """Return all heats in the order of their ids; none in a run of an older format."""
        return self._all("heats", rows.HEAT_COLUMNS, "id", rows.heat_from_row)

    def trials(self) -> list[TrialRow]:
        """Return all trials by task, split, formula and seed; none in a run of an older format."""
        order = "task, split, formula, seed"
        return self._all("trials", rows.TRIAL_COLUMNS, order, rows.trial_from_row)

    def sessions(self) -> list[Session]:
        """Return the sessions in the order they began."""
        return self._all("sessions", rows.SESSION_COLUMNS, "id", rows.session_from_row)

    def set_aside(self) -> list[Aside]:
        """Return the trainings that a repair set aside (``runs.aside``)."""
        with explained(self.path, "read"):
            return asides(self._rows("meta", rows.META_COLUMNS, "key"))

    def last_search(self) -> dict[str, Any]:
        """Return what the last search of the run was asked for: its ``budget`` and ``births``."""
        infos = (session.info for session in self.sessions())
        return [self.config, *(info for info in infos if info.get("kind") != "confirm")][-1]

    def n_births(self) -> int:
        """Return the number of births, which is the id of the next one."""
        return self._count("births")

    def n_trainings(self) -> int:
        """Return the number of trainings."""
        return self._count("trainings")

    def elapsed_s(self) -> float:
        """Return the seconds that the search was active; of a session that runs here, up to now.

        Sessions that confirm (``info["kind"]`` is "confirm") have a budget of their own.
        """
        with self._thread_lock:
            current = self._session
            return sum(
                time.monotonic() - current[1]
                if current is not None and session.id == current[0]
                else session.active_s
                for session in self.sessions()
                if session.info.get("kind") != "confirm"
            )

    # -- writing -------------------------------------------------------------------------------

    def add_births(self, births: Sequence[Birth], heat: Heat | None = None) -> None:
        """Add the next births and the first heat of one of them, all or none; durable on return.

        Raises:
            ValueError: an id is not the next one, or it points to a birth that is not earlier.
            ActsearchError: the disk failed.
        """
        values = [(birth.id, rows.birth_to_row(birth)) for birth in births]
        with self._transaction() as db:
            for id_, row in values:
                expected = next_id(db, "births")
                if id_ != expected:
                    raise ValueError(f"birth {id_} came where {expected} was expected")
                insert(db, "births", rows.BIRTH_COLUMNS, row)
            if heat is not None:
                insert_heat(db, heat)

    def add_heats(self, heats: Sequence[Heat]) -> None:
        """Add the next heats, all or none; durable on return.

        Raises:
            ValueError: an id is not the next one, or a birth is not here.
            ActsearchError: the disk failed.
        """
        with self._transaction() as db:
            for heat in heats:
                insert_heat(db, heat)

    def add_trial(self, row: TrialRow) -> None:
        """Add a trial; it is durable on return.

        Raises:
            ValueError: it was added before, was stopped, or status and score do not go together.
            ActsearchError: the disk failed.
        """
        values = rows.trial_to_row(row)
        with self._transaction() as db:
            key = (row.task, row.split, row.formula, row.seed)
            known = "SELECT 1 FROM trials WHERE task = ? AND split = ? AND formula = ? AND seed = ?"
            if db.execute(known, key).fetchone():
                raise ValueError(f"'{row.formula}' was tried on {row.task} with seed {row.seed}")
            insert(db, "trials", rows.TRIAL_COLUMNS, values)

    def add_training(self, row: TrainingRow) -> None:
        """Add a training; it is durable on return.

        Raises:
            ValueError: its birth is not here, it was added before, it was stopped by a deadline,
                or status and score do not go together.
            ActsearchError: the disk failed.
        """
        values = rows.training_to_row(row)
        with self._transaction() as db:
            if not 0 <= row.birth_id < next_id(db, "births"):
                raise ValueError(f"there is no birth {row.birth_id} to train")
            key = (row.birth_id, row.rung, row.seed)
            known = "SELECT 1 FROM trainings WHERE birth_id = ? AND rung = ? AND seed = ?"
            if db.execute(known, key).fetchone():
                raise ValueError(
                    f"birth {row.birth_id} was trained at rung '{row.rung}' with seed {row.seed} "
                    "before"
                )
            insert(db, "trainings", rows.TRAINING_COLUMNS, values)

    def begin_session(self, info: dict[str, Any]) -> int:
        """Begin to count time and return the session's id. Raises ValueError while one goes on."""
        if self._session is not None:
            raise ValueError("a session goes on already")
        text = rows.dump(info)
        with self._transaction() as db:
            id_ = next_id(db, "sessions", first=1)
            values = (id_, time.time(), None, 0.0, text, "")
            insert(db, "sessions", rows.SESSION_COLUMNS, values)
        self._session = (id_, time.monotonic())
        return id_

    def end_session(self, outcome: str = "done") -> None:
        """End the session that goes on and keep how it ended, as in "done" or "interrupted"."""
        if self._session is None:
            raise ValueError("no session goes on")
        with self._transaction() as db:
            update_session(db, self._session[0], end_s=time.time(), outcome=outcome)
        self._session = None

    @contextlib.contextmanager
    def session(self, info: dict[str, Any]) -> Iterator[int]:
        """Count the time of a ``with`` block as a session; its outcome is the exception's name."""
        id_ = self.begin_session(info)
        try:
            yield id_
        except BaseException as error:
            # What went wrong in the block is what the user must hear of.
            with contextlib.suppress(ActsearchError):
                self.end_session(type(error).__name__)
            self._session = None
            raise
        if self._session is not None:
            self.end_session()

    def close(self) -> None:
        """Close the file and let the next writer in; a second call does nothing."""
        with self._thread_lock:
            self._session = None
            # A checkpoint that finds the disk full is no loss: the next writer makes it.
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            if self._lock:
                self._lock.release()

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside --------------------------------------------------------------------------------

    def _all(
        self, table: str, columns: str, order: str, from_row: Callable[[Any], _Row]
    ) -> list[_Row]:
        with explained(self.path, "read"):
            return [from_row(row) for row in self._rows(table, columns, order)]

    @contextlib.contextmanager
    def _moment(self, *, long: bool) -> Iterator[None]:
        with self._thread_lock:
            if self._lock is not None or self._chosen:
                yield  # nobody else writes, or the moment is chosen already
                return
            with explained(self.path, "read"):
                chosen = copies.one_moment(self._db, self.path, long=long)
            own, self._db, self._chosen = self._db, chosen, True
            try:
                yield
            finally:
                self._db, self._chosen = own, False
                copies.let_go(own, chosen)

    def _rows(self, table: str, columns: str, order: str, birth_id: int | None = None) -> list[Any]:
        with self._moment(long=False):
            return rows_of(self._db, table, columns, order, birth_id)

    def _count(self, table: str) -> int:
        with explained(self.path, "read"), self._moment(long=False):
            return int(self._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._lock is None:
            raise ValueError(f"run '{self.name}' was opened for reading")
        with self._thread_lock, explained(self.path, "write", self._what_is_safe):
            if self._db.in_transaction:  # an earlier one, that the disk did not let roll back
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                if self._session is not None:
                    id_, begin = self._session
                    update_session(self._db, id_, active_s=time.monotonic() - begin)
                self._db.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.IntegrityError):
                    raise ValueError(f"the tables refuse this row: {error}") from error
                raise

    def _what_is_safe(self) -> str:
        n = ""
        with contextlib.suppress(ActsearchError):
            n = f" ({counted(self.n_births(), 'birth')}, {counted(self.n_trainings(), 'training')})"
        return f"What was saved before is safe{n}."
