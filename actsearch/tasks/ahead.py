"""Work for formulas that will be trained soon, done at once where a task can do that."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

from actsearch.tasks.protocol import CompilesAhead, Task


def compiling_ahead(task: Task, device: str) -> Callable[[Sequence[str]], None] | None:
    """Return how a task compiles formulas ahead, or None where it does not.

    What goes wrong is a warning: each training compiles by itself then, and records its failure.
    """
    if not isinstance(task, CompilesAhead):
        return None

    def ahead(formulas: Sequence[str]) -> None:
        try:
            task.compile(formulas, device=device)
        except Exception as error:  # noqa: BLE001 - whatever a user's task raises
            warnings.warn(f"formulas can't be compiled ahead: {error}", stacklevel=2)

    return ahead
