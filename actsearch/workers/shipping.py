"""A task on its way to the workers.

A task that was defined in a script, in a notebook, or in a module that was loaded by its path has a
class that a worker can't import by name: such a module travels with the task, by value. Only what
the driver itself packed is ever unpacked.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from actsearch.errors import BadInput
from actsearch.tasks.protocol import Task


def pack(task: Task) -> bytes:
    """Return ``task`` as bytes that ``unpack`` in another process understands.

    Raises:
        BadInput: the task can't be pickled.
    """
    cloudpickle = _cloudpickle()
    module = sys.modules.get(type(task).__module__)
    try:
        with _by_value(module):
            return bytes(cloudpickle.dumps(task))
    except Exception as error:
        raise BadInput(
            f"the task '{task.name}' can't be sent to worker processes "
            f"({type(error).__name__}: {error}); keep names and settings in it, and open data and "
            "build networks in train(), or run in one process (--workers 1)"
        ) from error


def unpack(payload: bytes) -> Task:
    """Return the task in ``payload``; raises whatever the import of its module raises."""
    cloudpickle = _cloudpickle()
    task: Task = cloudpickle.loads(payload)
    return task


@contextlib.contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    cloudpickle = _cloudpickle()
    if module is None or module.__name__ == "__main__" or _importable(module):
        yield  # cloudpickle takes __main__ by value on its own
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _importable(module: ModuleType) -> bool:
    """Say whether a process with the same ``sys.path`` gets ``module`` by its name."""
    top = sys.modules.get(module.__name__.partition(".")[0])
    spec = PathFinder.find_spec(module.__name__.partition(".")[0])
    if top is None or spec is None:
        return False
    mine, found = getattr(top, "__file__", None), spec.origin
    if mine is None or found is None:
        return mine is found  # a package without __init__.py has no file
    return Path(mine).resolve() == Path(found).resolve()


def _cloudpickle() -> Any:
    # A dependency of joblib's from 1.6 on, and before that a part of it.
    try:
        return importlib.import_module("cloudpickle")
    except ImportError:
        return importlib.import_module("joblib.externals.cloudpickle")
