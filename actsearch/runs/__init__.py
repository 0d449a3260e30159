"""Runs on disk: the store of a run, where runs live, who may write, and the order of the best.

The room's doors: ``RunStore`` (one run), ``run_names`` (all of them), ``run_folder`` and
``default_name`` (names to folders), ``hall_of_fame`` (records to ranks), ``event_log`` and
``digest`` (what two executions of a run have in common).
"""

from actsearch.runs.creation import check_free
from actsearch.runs.events import digest, event_log
from actsearch.runs.folder import (
    check_name,
    default_name,
    existing_run,
    is_of_run,
    run_folder,
    run_names,
)
from actsearch.runs.learned import Learned, learned, learned_means
from actsearch.runs.outcomes import is_final, lacks_births, last_outcome, nothing_passed
from actsearch.runs.ranking import Leaderboard
from actsearch.runs.records import Birth, Heat, Session, TrainingRow, TrialRow
from actsearch.runs.scores import Scored, hall_of_fame, result_of, scores
from actsearch.runs.snapshot import Snapshot
from actsearch.runs.store import RunStore
from actsearch.runs.times import births_s

__all__ = [
    "Birth",
    "Heat",
    "Leaderboard",
    "Learned",
    "RunStore",
    "Scored",
    "Session",
    "Snapshot",
    "TrainingRow",
    "TrialRow",
    "births_s",
    "check_free",
    "check_name",
    "default_name",
    "digest",
    "event_log",
    "existing_run",
    "hall_of_fame",
    "is_final",
    "is_of_run",
    "lacks_births",
    "last_outcome",
    "learned",
    "learned_means",
    "nothing_passed",
    "result_of",
    "run_folder",
    "run_names",
    "scores",
]
