"""Which known activations a task's results are held against: its own, or those of the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actsearch.expressions.known import NAMED
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


def known_of(task: Task | None) -> Mapping[str, str]:
    """Return name -> formula of the known activations that a task names, else of the zoo.

    Units that read more than x are among the zoo's, behind all others.

    Args:
        task: any task, None for none in particular; that several as one are held against the zoo is
            seen to where they are made.
    """
    own = None if task is None else own_known(task)
    return NAMED if own is None else own
