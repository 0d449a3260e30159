"""Which known activations a task's results are held against: its own, or those of the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actsearch.expressions import KNOWN
from actsearch.tasks.protocol import Task


def own_known(task: Task) -> Mapping[str, str] | None:
    """Return name -> formula of what a task, or one that it wraps as its ``task``, names itself."""
    inner: Any = task
    while inner is not None:
        known: Mapping[str, str] | None = getattr(inner, "known", None)
        if known is not None:
            return known
        inner = getattr(inner, "task", None)
    return None


def known_of(task: Task) -> Mapping[str, str]:
    """Return name -> formula of the known activations that a task names, else of the zoo.

    Args:
        task: any task; that several as one are held against the zoo is seen to where they are made.
    """
    own = own_known(task)
    return KNOWN if own is None else own
