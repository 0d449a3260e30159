"""Which trainings gave no score and why: a task that fails must not look like bad luck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from actsearch.errors import shorten
from actsearch.results.reasons import kind_of
from actsearch.runs import TrainingRow, TrialRow

_Row = TypeVar("_Row", TrainingRow, TrialRow)

#: Statuses that tell of the task or the machine. The others are what a poor formula comes to.
_FAULTS = {"failed", "crashed", "timeout"}
_MAX_REASON = 200


def unscored(rows: Iterable[_Row], shows: Callable[[_Row], str]) -> str:
    """Say how many trainings gave no score, of which status, and why most of them did not.

    Args:
        rows: trainings or trials.
        shows: the command that shows one of them, "" where none does.

    Returns:
        A line; "" where all have a score. Reasons that differ in their numbers alone count as one,
        and those of a fault before those of a formula that does not train.
    """
    without = [row for row in rows if row.score is None]
    if not without:
        return ""
    counts = Counter(row.status for row in without).most_common()
    line = f"without a score: {', '.join(f'{n} {status}' for status, n in counts)}"
    faults = [row for row in without if row.status in _FAULTS] or without
    often = "of the faults most often" if len(faults) < len(without) else "most often"
    ((kind, _),) = Counter(kind_of(row.message) for row in faults).most_common(1)
    one = next(row for row in faults if kind_of(row.message) == kind)
    reason = f"; {often}: {shorten(one.message, _MAX_REASON)}" if one.message else ""
    shown = shows(one)
    return f"{line}{reason}{f' (see: {shown})' if shown else ''}"
