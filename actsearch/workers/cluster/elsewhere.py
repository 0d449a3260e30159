"""A task on a machine that is not the driver's: its data are opened and compared before it trains.

The driver has prepared the task; another machine may lack the data set, or have another under the
same name. Whatever decides a score is in the task's settings, a digest of the data among them, so
what is opened there must have the very settings that it has here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from actsearch.errors import ActsearchError, shorten
from actsearch.tasks.datasets.catalog import DATA_VARIABLE, look_here_for_data
from actsearch.tasks.protocol import Record, Rung, Task, Training
from actsearch.workers.shipping import pack, unpack


class Elsewhere:
    """Implements ``Task`` for a task that is opened on first use, where it then is.

    Args:
        task: prepared already.

    Raises:
        BadInput: it can't be pickled.
    """

    def __init__(self, task: Task) -> None:
        self.name = task.name
        self.score_name = task.score_name
        self.rungs: tuple[Rung, ...] = task.rungs
        self._payload = pack(task)
        self._settings = _flat(task.settings())
        self._task: Task | None = None

    def prepare(self) -> None:
        """Open the task, get its data and compare what it is with what it was.

        Raises:
            ActsearchError: the data can't be had here, or are others.
        """
        look_here_for_data()
        task = unpack(self._payload)
        task.prepare()
        there = _flat(task.settings())
        if there != self._settings:
            keys = sorted(set(there) | set(self._settings))
            differing = [key for key in keys if there.get(key) != self._settings.get(key)]
            raise ActsearchError(
                f"the task '{self.name}' is another on this machine: its settings differ in "
                f"{shorten(', '.join(differing), 120)}; the same data set belongs into the folder "
                f"that {DATA_VARIABLE} names on every machine"
            )
        self._task = task

    def settings(self) -> dict[str, Any]:
        """Return nothing: the driver has asked the task itself."""
        return {}

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train as the task does."""
        if self._task is None:
            self.prepare()
        assert self._task is not None
        return self._task.train(trainings, device=device, deadline=deadline)


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return settings as dotted key -> digest of the value."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            text = json.dumps(value, sort_keys=True, default=str)
            found[f"{prefix}{key}"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found
