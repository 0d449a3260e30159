"""What a candidate is trained on: data, networks, one training loop, and the Task protocol.

The names load on first use: the protocol and the table of tasks need neither torch nor numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "TASKS": "actsearch.tasks.registry",
    "load_task": "actsearch.tasks.registry",
    "Record": "actsearch.tasks.protocol",
    "Rung": "actsearch.tasks.protocol",
    "Task": "actsearch.tasks.protocol",
    "Training": "actsearch.tasks.protocol",
    "ClassificationTask": "actsearch.tasks.network_task",
    "NetworkTask": "actsearch.tasks.network_task",
    "Goal": "actsearch.tasks.goals",
    "Score": "actsearch.tasks.goals",
    "Recipe": "actsearch.tasks.recipe",
    "TrainingData": "actsearch.tasks.data",
    "training_data": "actsearch.tasks.data",
}

if TYPE_CHECKING:
    from actsearch.tasks.data import TrainingData, training_data
    from actsearch.tasks.goals import Goal, Score
    from actsearch.tasks.network_task import ClassificationTask, NetworkTask
    from actsearch.tasks.protocol import Record, Rung, Task, Training
    from actsearch.tasks.recipe import Recipe
    from actsearch.tasks.registry import TASKS, load_task

__all__ = [
    "TASKS",
    "ClassificationTask",
    "Goal",
    "NetworkTask",
    "Recipe",
    "Record",
    "Rung",
    "Score",
    "Task",
    "Training",
    "TrainingData",
    "load_task",
    "training_data",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'actsearch.tasks' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
