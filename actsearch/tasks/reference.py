"""What ReLU scores on a task, seed by seed: the reference that gains on different tasks share.

Scores of two tasks are nothing to average. The gain over ReLU at the same rung and seed, in units
of the deviation of ReLU's own scores over seeds, is (Glass's delta: the deviation is that of the
control alone, so it does not depend on the candidate).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actsearch.cache import cache_folder, make_private
from actsearch.errors import ActsearchError, BadInput
from actsearch.tasks.protocol import OK, STOPPED, Record, Task, Training

REFERENCE = "relu(x)"

#: A deviation of fewer scores is hardly one: where the last rung has fewer seeds, further ones are
#: trained for it.
LEAST_SEEDS = 5
#: The deviation is taken to be at least this share of the mean score's magnitude: where ReLU scores
#: the same at all seeds, any difference would be infinitely large.
LEAST_SHARE = 1e-3
_TINY = 1e-12  # where the mean is 0, too

_FORMAT = 1  # of the file; raise it with every change of what is in it

#: (kind of device, rung, seed) -> score
Scores = dict[tuple[str, str, int], float]


class Stopped(Exception):
    """The deadline passed before a reference was trained."""


class NoReference(BadInput):
    """ReLU itself gets no score, so there is nothing to compare with."""


@dataclass
class Reference:
    """ReLU's scores on one task; trained once, kept in a file, pickled as plain numbers.

    They belong to a kind of device, since a GPU computes other last digits. On a CPU they are
    trained on one thread, as candidates are.
    """

    task: Task
    _scores: Scores = field(default_factory=dict, repr=False)

    def prepare(self, device: str = "cpu", deadline: float | None = None) -> None:
        """Have the scores of all rungs and seeds: from here, from the file, or by training.

        Raises:
            NoReference: ReLU gets no score.
            BadInput: the task can't be trained at all.
            Stopped: the deadline passed.
            ActsearchError: the file can't be written.
        """
        kind = _kind(device)
        wanted = self._wanted()
        if all((kind, *key) in self._scores for key in wanted):
            return
        path = self._path(kind)
        known = _read(path)
        for rung, seed in wanted:
            if (rung, seed) not in known:
                known[rung, seed] = self._train(rung, seed, device, deadline)
                _write(path, known)  # each at once: an interruption loses one at most
        self._scores.update({(kind, *key): score for key, score in known.items()})

    def control(
        self, record: Record, device: str = "cpu", deadline: float | None = None
    ) -> tuple[float, float]:
        """Return ReLU's score at the record's rung and seed, and the deviation that gains go by.

        A seed that no rung has is trained now and kept by this process.

        Raises:
            NoReference: ReLU gets no score.
            Stopped: the deadline passed.
            ActsearchError: the file can't be written.
        """
        kind = _kind(device)
        self.prepare(device, deadline)
        key = (kind, record.rung, record.seed)
        if key not in self._scores:
            self._scores[key] = self._train(record.rung, record.seed, device, deadline)
        last = self.task.rungs[-1]
        return self._scores[key], deviation(
            [self._scores[kind, last.name, seed] for seed in _scale_seeds(last.seeds)]
        )

    def _wanted(self) -> list[tuple[str, int]]:
        rungs = self.task.rungs
        keys = [(rung.name, seed) for rung in rungs for seed in rung.seeds]
        keys += [(rungs[-1].name, seed) for seed in _scale_seeds(rungs[-1].seeds)]
        return list(dict.fromkeys(keys))

    def _train(self, rung: str, seed: int, device: str, deadline: float | None) -> float:
        with _one_thread():
            (record,) = self.task.train(
                [Training(REFERENCE, rung, seed)], device=device, deadline=deadline
            )
        if record.status == STOPPED:
            raise Stopped
        if record.status != OK or record.score is None or not math.isfinite(record.score):
            why = f": {record.message}" if record.message else ""
            raise NoReference(
                f"ReLU gets no score on task '{self.task.name}' at rung '{rung}', seed {seed} "
                f"({record.status}{why}), so gains over it can't be told; give such a task alone"
            )
        return record.score

    def _path(self, kind: str) -> Path:
        import torch

        what = {
            "format": _FORMAT,
            "settings": self.task.settings(),
            "rungs": [(rung.name, rung.steps, rung.seeds) for rung in self.task.rungs],
            "formula": REFERENCE,
            "device": kind,
            "torch": torch.__version__,  # another one may give other last digits
        }
        text = json.dumps(what, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        return cache_folder("references") / f"{name}.json"


def deviation(scores: list[float]) -> float:
    """Return the sample standard deviation of ReLU's scores, at least a small share of them."""
    least = LEAST_SHARE * abs(statistics.fmean(scores))
    return max(statistics.stdev(scores), least, _TINY)


def _scale_seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    n_more = max(0, LEAST_SEEDS - len(seeds))
    return (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + n_more))


def _kind(device: str) -> str:
    return device.partition(":")[0]


def _read(path: Path) -> dict[tuple[str, int], float]:
    """Return the scores in the file; none where there is no file or a damaged one."""
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))
        found = {(str(rung), int(seed)): float(score) for rung, seed, score in rows}
    except (OSError, ValueError, TypeError):
        return {}
    return found if all(map(math.isfinite, found.values())) else {}


def _write(path: Path, scores: dict[tuple[str, int], float]) -> None:
    """Put the file in place whole: whoever reads meanwhile sees the old one, or none."""
    rows = [[rung, seed, score] for (rung, seed), score in scores.items()]
    made: str | None = None
    try:
        make_private(path.parent)
        handle, made = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(rows, file)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(path)
    except OSError as error:
        if made is not None:
            with contextlib.suppress(OSError):
                Path(made).unlink()
        raise ActsearchError(
            f"can't write the reference scores to {path.parent}: {error.strerror or error}; "
            "free space there, or name another cache with ACTSEARCH_CACHE"
        ) from error


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Train as workers do: sums in another order give another last digit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
