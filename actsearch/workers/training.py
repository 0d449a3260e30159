"""One training whose answer is always a record, and the number of threads it may use.

Tasks may be a user's own, so nothing about their answers is taken on trust: an exception, an answer
of the wrong shape, or a score that is not a number becomes a record of status "failed". A fault of
the machine (a full disk, data that went away) is no verdict on a candidate: it ends the session.
"""

from __future__ import annotations

import contextlib
import errno
import math
import time
from collections.abc import Iterator

from actsearch.errors import ActsearchError, MachineFault, shorten
from actsearch.tasks.protocol import FAILED, OK, STATUSES, STOPPED, Record, Task, Training

#: What the system says of a disk, of files and memory. Errors that it says of anything else, as of
#: a connection, and those with no number at all may come of the candidate, each time anew.
_OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
    *(errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM),  # data that went away
}

MAX_MESSAGE = 500
MAX_SCORE = 1e100


def train_one(task: Task, training: Training, device: str, deadline: float | None) -> Record:
    """Train once and return the record, whatever happens short of the death of the process.

    Args:
        task: what to train on.
        training: the formula, rung and seed.
        device: as torch names it.
        deadline: a ``time.time()`` value, or None.

    Raises:
        MachineFault: the disk, the files or the data failed, not the candidate.
    """
    begin = time.perf_counter()
    try:
        record = checked(task.train([training], device=device, deadline=deadline), training)
        if record.status == STOPPED and (deadline is None or time.time() < deadline):
            # It would be asked for again, for ever.
            raise ValueError("the task answered 'stopped' before the deadline")
        return record
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if _is_the_machines(error):
            raise MachineFault(f"{type(error).__name__}: {text_of(error)}") from error
        message = f"{type(error).__name__}: {text_of(error)}"
        return without_score(training, FAILED, message, device, time.perf_counter() - begin)


def without_score(
    training: Training, status: str, message: str, device: str, time_s: float
) -> Record:
    """Return the record of a training that came to nothing."""
    return Record(
        formula=training.formula,
        rung=training.rung,
        seed=training.seed,
        status=status,
        score=None,
        metrics={},
        curve=(),
        time_s=time_s,
        device=device,
        message=_clean(message),
    )


@contextlib.contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """Let torch use ``n`` threads inside the block, and as many as before after it.

    Sums in another order give another last digit: the same number everywhere is what makes a score
    independent of where it was computed.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def checked(answer: object, training: Training) -> Record:
    """Return the one record of ``answer`` with plain values in it.

    Raises:
        Exception: it is no such record; of any kind, as it may hold objects of any kind.
    """
    if not isinstance(answer, list | tuple) or len(answer) != 1:
        raise TypeError(
            f"the task must answer one training with a list of one record, not {answer!r:.80}"
        )
    (record,) = answer
    if not isinstance(record, Record):
        raise TypeError(f"the task must answer with a Record, not with {record!r:.80}")
    if (record.formula, record.rung, record.seed) != (
        training.formula,
        training.rung,
        training.seed,
    ):
        raise ValueError("the task answered with the record of another training")
    if record.status not in STATUSES:
        raise ValueError(f"unknown status {record.status!r:.40}; known: {', '.join(STATUSES)}")
    score = float(record.score) if record.status == OK and record.score is not None else None
    # Sums of numbers near the largest there are overflow.
    if record.status == OK and (score is None or not abs(score) <= MAX_SCORE):
        raise ValueError(f"a record of status 'ok' has the score {record.score!r:.40}")
    time_s = float(record.time_s)
    if not 0 <= time_s < math.inf:
        raise ValueError(f"a record has the time {record.time_s!r:.40}")
    return Record(
        formula=training.formula,
        rung=training.rung,
        seed=training.seed,
        status=record.status,
        score=score,
        # float() and int() also turn the scalars of numpy and torch into what JSON can hold.
        metrics={str(key): float(value) for key, value in record.metrics.items()},
        curve=tuple((int(step), float(loss), float(value)) for step, loss, value in record.curve),
        time_s=time_s,
        device=_clean(str(record.device)),
        message=_clean(str(record.message)),
    )


def _is_the_machines(error: BaseException) -> bool:
    """Say whether an error is a fault of the machine, whatever the candidate."""
    if isinstance(error, ActsearchError):
        return True
    try:
        return isinstance(error, OSError) and error.errno in _OF_THE_MACHINE
    except Exception:  # noqa: BLE001 - a class of a user's, whose number is none
        return False


def text_of(error: BaseException) -> str:
    """Return what an exception says, whatever it does when it is asked."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception of a user's, whose text raises in turn
        return "(no message)"


def _clean(message: str) -> str:
    return shorten(message.encode("utf-8", "replace").decode("utf-8"), MAX_MESSAGE)
