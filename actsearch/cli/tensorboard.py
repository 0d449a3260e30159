"""`--tensorboard`: a search as TensorBoard shows it while it runs.

An observer like the progress. A point's step is the number of trainings that the run then had, so
that a run that goes on adds points behind those that are there. Nothing that fails here, a full
disk least of all, is the search's failure: it is said once, and the search goes on without.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.cli.options import note
from actsearch.cli.progress import Progress
from actsearch.errors import BadInput
from actsearch.results.tables import printable

if TYPE_CHECKING:
    from actsearch.runs import Scored, Snapshot, TrainingRow

#: Where the files lie within a run's folder, where nothing else is said.
FOLDER = "tensorboard"
_FILES = "events.out.tfevents.*"
#: A median is of so many scores at a rung, a rate of so many seconds.
_N_RECENT, _RATE_S = 20, 60.0


def events(wanted: bool, folder: Path | None, runs_dir: Path) -> EventFiles | None:
    """Return the observer that the options ask for, or None where they ask for none.

    Args:
        wanted: ``--tensorboard``.
        folder: ``--tensorboard-dir``, which is to hold a folder for each run.
        runs_dir: the folder that holds the runs.

    Raises:
        BadInput: the package is not there, or the folder can't be made.
    """
    if not wanted and folder is None:
        return None
    if importlib.util.find_spec("tensorboard") is None:
        raise BadInput(
            "--tensorboard needs the package tensorboard, which is not installed; "
            "get it with: pip install 'actsearch[tensorboard]'"
        )
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"--tensorboard-dir {folder} can't be made: {error.strerror}; name another folder"
            ) from error
    return EventFiles(runs_dir, folder)


class EventFiles(Progress):
    """Writes each training and the state of the search behind it.

    Args:
        runs_dir: the folder that holds the runs.
        folder: what is to hold a folder for each run; None: each run's own folder.
    """

    def __init__(self, runs_dir: Path, folder: Path | None = None) -> None:
        super().__init__()
        self._runs_dir = runs_dir
        self._parent = folder
        self._writer: Any = None
        self._has_failed = False
        self._recent: dict[str, deque[float]] = {}
        self._rate: deque[tuple[float, int]] = deque()
        self._leader: Scored | None = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Write what is new."""
        super().__call__(snapshot)
        if self._has_failed:
            return
        try:
            if self._writer is None:
                self._open(snapshot)
            self._write(snapshot)
            self._writer.flush()
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(error)

    def __exit__(self, *_: object) -> None:
        if self._writer is not None and not self._has_failed:
            try:
                self._writer.close()
            except Exception as failure:  # noqa: BLE001 - see above
                self._fail(failure)

    def _fail(self, error: Exception) -> None:
        self._has_failed = True
        note(
            "actsearch: warning: nothing more is written for TensorBoard; the search goes on "
            f"({type(error).__name__}: {printable(str(error))})"
        )

    def _open(self, snapshot: Snapshot) -> None:
        """Open a new file; where it is the first of a run that has trainings, write those."""
        from torch.utils.tensorboard import SummaryWriter

        from actsearch.runs.follow import Follower

        path = self._runs_dir / snapshot.run
        folder = path / FOLDER if self._parent is None else self._parent / snapshot.run
        is_first = not any(folder.glob(_FILES))
        follower = Follower(path)
        follower.read()
        # What a killed search wrote last need not have been saved: TensorBoard hides it.
        purge_step = None if is_first else snapshot.n_trainings + (snapshot.latest is None)
        self._writer = SummaryWriter(str(folder), purge_step=purge_step)
        n_before = snapshot.n_trainings - (snapshot.latest is not None)
        before = zip(follower.log[:n_before], follower.leader_scores, strict=False)
        for step, (row, leader) in enumerate(before, start=1):
            self._add_score(row, step, write=is_first)
            if is_first and leader is not None:
                self._writer.add_scalar("best/score", leader, step)

    def _write(self, snapshot: Snapshot) -> None:
        """Write the latest training and the state behind it; nothing where none is new."""
        row, step, scalar = snapshot.latest, snapshot.n_trainings, self._writer.add_scalar
        self._rate.append((snapshot.elapsed_s, step))
        while snapshot.elapsed_s - self._rate[0][0] > _RATE_S:
            self._rate.popleft()
        if row is None:
            return
        self._add_score(row, step)
        scalar("training/seconds", row.time_s, step)
        scalar("births/all", snapshot.n_births, step)
        scalar("births/trained", snapshot.n_trained, step)
        scalar("births/duplicates", snapshot.n_duplicates, step)
        scalar("births/rejected", snapshot.n_rejected, step)
        scalar("births/screened", snapshot.n_screened, step)
        scalar("births/duplicate_share", snapshot.n_duplicates / snapshot.n_births, step)
        scalar("time/elapsed_s", snapshot.elapsed_s, step)
        passed_s = snapshot.elapsed_s - self._rate[0][0]
        if passed_s > 0:
            scalar("time/trainings_a_minute", 60 * (step - self._rate[0][1]) / passed_s, step)
        for leader in snapshot.best[:1]:
            scalar("best/score", leader.mean, step)
            if self._leader is None or leader.id != self._leader.id:
                self._leader = leader
                # Four blanks: it is shown as it is, and not read as Markdown.
                text = f"    birth {leader.id}: {printable(leader.formula)}"
                self._writer.add_text("best/formula", text, step)

    def _add_score(self, row: TrainingRow, step: int, *, write: bool = True) -> None:
        if row.score is None:
            return
        recent = self._recent.setdefault(row.rung, deque(maxlen=_N_RECENT))
        recent.append(row.score)
        if write:
            self._writer.add_scalar(f"score/{row.rung}", row.score, step)
            median = statistics.median(recent)
            self._writer.add_scalar(f"recent_median/{row.rung}", median, step)
