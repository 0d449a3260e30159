"""How long a training may take before it is held to hang.

A limit that is too short would end trainings that are only slow today, and what a search finds
would depend on the machine's mood. So the one that is made up is many times what trainings of that
rung took so far, and never short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from actsearch.durations import parse_duration
from actsearch.errors import BadInput, shorten
from actsearch.tasks.protocol import Record, Rung

AUTO, NONE = "auto", "none"

#: Seconds while nothing is known, as before the first training of all ends: there are tasks whose
#: trainings take hours, and a search that took their first ones for hung would find nothing.
AT_FIRST_S = 4 * 3600.0
#: So many times the longest training so far, and at least so many seconds.
TIMES, LEAST_S = 20.0, 60.0

#: How long a process may take to start and to open the task; data may come over a slow network.
START_S = 600.0


def parse_training_limit(text: str | float) -> float | str | None:
    """Return seconds, ``AUTO``, or None for no limit.

    Raises:
        BadInput: it is none of these.
    """
    given = str(text).strip().lower()
    if given == AUTO:
        return AUTO
    if given == NONE:
        return None
    if isinstance(text, int | float):
        if not (math.isfinite(text) and text > 0):
            raise BadInput(f"a training limit must be above 0 seconds, got {text}")
        return float(text)
    try:
        return parse_duration(given)
    except BadInput as error:
        raise BadInput(
            f"not a limit of a training: '{shorten(text, 40)}' (accepted: auto, none, or a time, "
            "as in 90s, 5m, 1h30m)"
        ) from error


class TrainingLimit:
    """The limit of trainings, which learns from those that came to an end.

    Args:
        wanted: seconds, ``AUTO`` or None, as ``parse_training_limit`` gives it.
        rungs: those of the task, for how much longer one is than another.
    """

    def __init__(self, wanted: float | str | None, rungs: Sequence[Rung]) -> None:
        self._wanted = wanted
        self._steps = {rung.name: rung.steps for rung in rungs}
        self._longest_s: dict[str, float] = {}

    def saw(self, record: Record) -> None:
        """Learn from a training that came to an end of its own."""
        if record.status in ("crashed", "timeout", "stopped"):
            return
        longest_s = self._longest_s.get(record.rung, 0.0)
        self._longest_s[record.rung] = max(longest_s, record.time_s)

    def of(self, rung: str) -> float | None:
        """Return the limit of a training at ``rung`` in seconds, or None."""
        if not isinstance(self._wanted, str):
            return self._wanted
        longest_s = self._expected_s(rung)
        return AT_FIRST_S if longest_s is None else max(LEAST_S, TIMES * longest_s)

    def _expected_s(self, rung: str) -> float | None:
        """Return how long a training at ``rung`` takes, by its like or else by its steps."""
        if rung in self._longest_s:
            return self._longest_s[rung]
        steps = self._steps.get(rung)
        known = [
            seconds * max(1.0, steps / self._steps[other])
            for other, seconds in self._longest_s.items()
            if steps and self._steps.get(other)
        ]
        return max(known, default=None)
