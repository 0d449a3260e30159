"""A task on a machine that is not the driver's: its data are opened and compared before it trains.

The driver has prepared the task; another machine may lack the data set, or have another under the
same name. Whatever decides a score is in the task's settings, a digest of the data among them, so
what is opened there must have the very settings that it has here. It is opened as it is unpacked,
which no training answers for.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from typing import Any

from actsearch.errors import ActsearchError, shorten
from actsearch.tasks.datasets.catalog import DATA_VARIABLE, look_here_for_data
from actsearch.tasks.protocol import Task
from actsearch.workers.shipping import pack, unpack


def pack_to_open(task: Task) -> bytes:
    """Return a task as bytes that are opened where ``unpack`` takes them.

    Args:
        task: prepared already.

    Raises:
        BadInput: it can't be pickled.
    """
    return pickle.dumps(_ToOpen(pack(task), task.name, _flat(task.settings())))


class _ToOpen:
    """What a pickle of becomes the task, opened."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, self._arguments


def _opened(payload: bytes, name: str, settings: dict[str, str]) -> Task:
    """Return the task, with the data there are here.

    Args:
        payload: the task, packed.
        name: what it is called.
        settings: what it is where it was packed, flat.

    Raises:
        ActsearchError: the data can't be had here, or are others.
    """
    look_here_for_data()
    task = unpack(payload)
    task.prepare()
    there = _flat(task.settings())
    if there != settings:
        keys = sorted(set(there) | set(settings))
        differing = [key for key in keys if there.get(key) != settings.get(key)]
        raise ActsearchError(
            f"the task '{name}' is another on this machine: its settings differ in "
            f"{shorten(', '.join(differing), 120)}; the same data set belongs into the folder "
            f"that {DATA_VARIABLE} names on every machine"
        )
    return task


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
