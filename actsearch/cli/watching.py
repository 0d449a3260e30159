"""A run as someone sees it who watches it from outside: what it does now, or how it ended.

The store says what was committed, the writer's lock who writes. Between a search and the
confirmation that follows it the same process lets go of the lock for a while, so a run is over
only when its process is gone, or has not come back for long.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput
from actsearch.runs.follow import Follower, active_s, confirms, is_open, searched_s, seconds
from actsearch.runs.lock import Holder, holder, is_alive

if TYPE_CHECKING:
    from actsearch.runs import Session, Snapshot
    from actsearch.trials.confirm import Moment
    from actsearch.trials.underway import Underway

STARTING, SEARCHING, CONFIRMING, PAUSED = "starting", "searching", "confirming", "between sessions"
ENDED, INTERRUPTED, FAILED, STOPPED = "ended", "interrupted", "failed", "stopped"

#: So long it is waited for a process that lets go of a run and lives on: it may prepare the data of
#: a confirmation. And for one that was never seen, which may have just made the folder.
PATIENCE_S, SHORT_PATIENCE_S = 120.0, 5.0


@dataclass(frozen=True)
class State:
    """A run at a moment.

    Attributes:
        phase: What it does now, or how it ended; a word of this module.
        who: The process that writes it, None where none does.
        snapshot: The search so far.
        leader_scores: The score of its leader after each training, from its first score on.
        outcome: What its last session said at its end; "" while it goes on, or after a kill.
        moment: How far the confirmation is, where one goes on or was stopped.
        confirm_budget_s: How long it may take.
        is_over: Whether nothing more is to be expected of it.
        config: The configuration of the run.
    """

    phase: str
    who: Holder | None
    snapshot: Snapshot
    leader_scores: Sequence[float]
    outcome: str
    moment: Moment | None
    confirm_budget_s: float | None
    is_over: bool
    config: dict[str, Any]


class Watcher:
    """Looks at one run, again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._follower = Follower(folder)
        self._underway: Underway | None = None
        self._writer: Holder | None = None  # the last one that was seen
        self._alone_since: float | None = None
        self._moment: Moment | None = None

    def look(self) -> State:
        """Return the state of the run now.

        Raises:
            BadInput: the run is gone, or its file can't be read.
            ActsearchError: the disk failed.
        """
        who = holder(self.folder)
        is_new = self._follower.read()
        last = self._follower.sessions[-1] if self._follower.sessions else None
        if who is None and (last is None or is_open(last)):
            # It may have begun, or ended, between the two looks.
            who = holder(self.folder)
            is_new |= self._follower.read()
            last = self._follower.sessions[-1] if self._follower.sessions else None
        now_s = time.time()
        self._writer = who or self._writer
        self._alone_since = None if who else self._alone_since or now_s
        phase = phase_of(who, last)
        if phase == ENDED and self._may_come_back(now_s, last):
            phase = PAUSED
        sessions = self._follower.sessions
        return State(
            phase=phase,
            who=who,
            snapshot=self._follower.snapshot(searched_s(sessions, now_s if who else None)),
            leader_scores=[one for one in self._follower.leader_scores if one is not None],
            outcome=last.outcome if last else "",
            moment=self._confirmation(last, now_s if who else None, is_new=is_new),
            confirm_budget_s=seconds(last.info.get("budget_s")) if last else None,
            is_over=phase in (ENDED, INTERRUPTED, FAILED, STOPPED),
            config=self._follower.config,
        )

    def _may_come_back(self, now_s: float, last: Session | None) -> bool:
        """Tell whether the process that wrote the run may yet go on with it."""
        if self._writer is not None:
            alone_s = now_s - (self._alone_since or now_s)
            return is_alive(self._writer) and alone_s < PATIENCE_S
        made_s = self.folder.stat().st_mtime
        since_s = made_s if last is None or last.end_s is None else last.end_s
        return 0 <= now_s - since_s < SHORT_PATIENCE_S

    def _confirmation(
        self, last: Session | None, now_s: float | None, *, is_new: bool
    ) -> Moment | None:
        """Return how far the confirmation is; what takes long is done where the store changed."""
        if last is None or not confirms(last) or not is_open(last):
            return None
        if is_new or self._moment is None:
            from actsearch.trials.underway import Underway

            self._underway = self._underway or Underway()
            trials, taken_s = self._follower.trials, active_s(last, now_s)
            try:
                config = self._follower.config
                self._moment = self._underway.moment(config, last, trials, taken_s)
            except BadInput:  # the file may come from anyone
                self._moment = None
        if self._moment is None:
            return None
        return dataclasses.replace(self._moment, elapsed_s=active_s(last, now_s))


def phase_of(who: Holder | None, last: Session | None) -> str:
    """Return what a run does by its last session, and by who has the writer's lock."""
    if last is None:
        return STARTING if who is not None else ENDED
    if is_open(last):
        return STOPPED if who is None else CONFIRMING if confirms(last) else SEARCHING
    if who is not None:
        return STARTING
    if last.outcome in ("KeyboardInterrupt", "SystemExit"):
        return INTERRUPTED
    return FAILED if last.outcome.isidentifier() and last.outcome != "done" else ENDED
