"""What a run's configuration and environment say, so that it can be repeated and gone on with."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from actsearch.tasks.protocol import Task
from actsearch.tasks.registry import absolute_spec
from actsearch.workers import Slots


def task_reference(task: str | Task, data: Path | None) -> dict[str, Any]:
    """Return how to load the task again; paths are made absolute."""
    if not isinstance(task, str):
        return {"task": task.name, "task_from": "object", "data": None}
    where = None if data is None else str(Path(data).resolve())
    return {"task": absolute_spec(task), "task_from": "name", "data": where}


def environment(slots: Slots) -> dict[str, Any]:
    """Return versions, machine and devices, for the record."""
    packages = ("actsearch", "torch", "numpy", "sympy", "deap", "joblib", "scipy")
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "unknown"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "n_cpus": os.cpu_count(),
        "versions": versions,
        **slots.facts(),
        "command": list(sys.argv),
    }
