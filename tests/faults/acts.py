"""The table of what a hostile training may do, and how it has to end."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from actsearch.tasks.protocol import OK, Record, Training

MB = 2**20
#: Longer than any test waits; nothing may be left that sleeps so long.
FOR_EVER_S = 3600.0


def record(training: Training, **changes: Any) -> Record:
    """A record as an innocent training answers it."""
    values: dict[str, Any] = {
        "formula": training.formula,
        "rung": training.rung,
        "seed": training.seed,
        "status": OK,
        "score": training.seed / 7,
        "metrics": {"pid": float(os.getpid())},
        "curve": ((1, 0.5, 0.25),),
        "time_s": 0.125,
        "device": "cpu",
    }
    return Record(**values | changes)


@dataclasses.dataclass(frozen=True)
class Act:
    """What a training does, what is to be recorded of it, and what the message says."""

    do: Callable[[Training, str], Any]
    status: str
    says: str = ""


ACTS: dict[str, Act] = {}


def act(status: str, says: str = "") -> Callable[[Any], Any]:
    """Add a function to the table under its name."""

    def add(do: Any) -> Any:
        ACTS[do.__name__.replace("_", "-")] = Act(do, status, says)
        return do

    return add
