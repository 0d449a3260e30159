"""What is shown of a run that is watched: a panel, lines in a log, or one record."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from actsearch.cli import watching
from actsearch.cli.progress import (
    PLAIN_INTERVAL_S,
    LiveProgress,
    bar,
    best_lines,
    can_redraw,
    climbed,
    counts,
    flight_lines,
    judged,
    line,
    panel_lines,
    remaining_s,
)
from actsearch.durations import format_duration
from actsearch.errors import counted, shorten
from actsearch.results.charts import sparkline
from actsearch.results.tables import number, printable
from actsearch.results.view import config_facts

if TYPE_CHECKING:
    from actsearch.cli.watching import State
    from actsearch.trials.confirm import Moment

_CHART_COLUMNS = 40
#: A sentence of an ending may list causes; a name in a configuration may be anything.
_MOST_CHARACTERS = 300


class Panel(LiveProgress):
    """The state of a run in the panel of a search, drawn anew twice a second."""

    def __init__(self, state: State, stream: TextIO) -> None:
        super().__init__(f"watching {state.snapshot.run}", stream)
        self._state = state

    def show(self, state: State) -> None:
        """Keep the state for the next drawing."""
        self._state, self._seen_at = state, time.monotonic()

    def lines(self) -> list[str]:
        """Return what stands in the panel now."""
        return state_lines(self._state, time.monotonic() - self._seen_at)


class Log:
    """One line every ten seconds, and at each change of what a run does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: tuple[str, float] | None = None

    def show(self, state: State) -> None:
        """Write a line where the last one is old enough."""
        now = time.monotonic()
        if self._last and self._last[0] == state.phase and now - self._last[1] < PLAIN_INTERVAL_S:
            return
        self._last = (state.phase, now)
        # Whoever reads it and leaves ends the watching: there is nothing else to do here.
        self._stream.write(f"{state_line(state)}\n")
        self._stream.flush()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def make_screen(state: State, stream: TextIO | None = None) -> Panel | Log:
    """Return what suits where standard error goes.

    Args:
        state: the first to be shown.
        stream: where to, by default standard error.
    """
    stream = sys.stderr if stream is None else stream
    return Panel(state, stream) if can_redraw(stream) else Log(stream)


def state_lines(state: State, since_s: float = 0.0) -> list[str]:
    """Write the lines of the panel.

    Args:
        state: the last known one.
        since_s: how long ago that was.
    """
    lines = [heading(state), ""]
    if state.phase == watching.SEARCHING:
        # The store tells what was sent off: the first of that is trained, the rest waits.
        body = panel_lines(state.snapshot, since_s)
        end = body.index("training now")
        lines += [*body[:end], *flight_lines("training now, or next", state.snapshot.in_flight)]
    else:
        lines += _settled_lines(state, since_s)
    return [*lines, "", chart(state.leader_scores)] if state.leader_scores else lines


def _settled_lines(state: State, since_s: float) -> list[str]:
    """Write the lines of a run whose search does not go on."""
    snapshot = state.snapshot
    lines = []
    if state.moment is not None:
        goes_on = state.phase == watching.CONFIRMING
        lines += [confirm_line(state.moment, state.confirm_budget_s, since_s if goes_on else 0.0)]
    if state.is_over or state.phase == watching.PAUSED:
        lines += [how_it_ended(state)]
    return [
        *lines,
        (
            f"{counts(snapshot)}; {counted(snapshot.n_trainings, 'training')} in "
            f"{format_duration(snapshot.elapsed_s)}"
        ),
        climbed(snapshot),
        "",
        *best_lines(snapshot),
    ]


def state_line(state: State) -> str:
    """Write the state on one line, for a log."""
    if state.moment is not None and state.phase == watching.CONFIRMING:
        text = confirm_line(state.moment, state.confirm_budget_s)
    elif state.is_over:
        return printable(how_it_ended(state))
    elif state.phase == watching.PAUSED:
        text = how_it_ended(state)
    else:
        text = line(state.snapshot)
    return printable(f"{state.phase} | {text}")


def heading(state: State) -> str:
    """Write what the run does, who does it, and what is searched for."""
    facts = (f"{key} {_short(value)}" for key, value in config_facts(state.config).items())
    by = f" by {state.who}" if state.who is not None else ""
    return f"{state.phase}{by}: {', '.join(facts)}"


def how_it_ended(state: State) -> str:
    """Say in a sentence why a run is not searched any more."""
    outcome = _short(state.outcome)
    what = {
        watching.ENDED: "ended" + (f": {outcome}" if outcome not in ("", "done") else ""),
        watching.INTERRUPTED: "interrupted; everything saved",
        watching.FAILED: f"ended by an error ({outcome}); what was saved is safe",
        watching.STOPPED: (
            "stopped: no process writes it any more (it was killed, or the machine went down); "
            "what was saved is safe"
        ),
        watching.PAUSED: "nothing is trained now"
        + (f" ({outcome})" if outcome not in ("", "done") else "")
        + "; waiting for its process, which may go on with a confirmation",
    }
    return what.get(state.phase, state.phase)


def confirm_line(moment: Moment, budget_s: float | None, since_s: float = 0.0) -> str:
    """Write how far a confirmation is: trials there, and those that the next look needs."""
    elapsed_s = moment.elapsed_s + since_s
    used = 0.0 if not budget_s else min(1.0, elapsed_s / budget_s)
    lacking = moment.n_wanted - moment.n_done
    time_ = format_duration(elapsed_s) + (f" of {format_duration(budget_s)}" if budget_s else "")
    drawn = f"{bar(used)}  " if budget_s else ""
    where = _short(moment.task) + (f", {_short(moment.split)} split" if moment.split else "")
    return (
        f"{drawn}{time_} | confirming on {where}: {moment.n_done} trials, {lacking} more to look "
        f"{moment.n_looks + 1}"
    )


def chart(scores: Sequence[float]) -> str:
    """Draw the score of the leader over the run, from its first to its last."""
    drawn = sparkline(thinned(scores, _CHART_COLUMNS))
    return f"leader: {number(scores[0])} {drawn} {number(scores[-1])}"


def thinned(values: Sequence[float], n: int) -> list[float]:
    """Return at most ``n`` of ``values``, at even distances, the first and the last among them."""
    if len(values) <= n:
        return list(values)
    return [values[round(k * (len(values) - 1) / (n - 1))] for k in range(n)]


def record(state: State) -> dict[str, Any]:
    """Return the state as JSON and CSV have it."""
    snapshot, moment = state.snapshot, state.moment
    keys = ("id", "formula", "mean", "standard_error", "n", "rung", "size")
    return {
        "run": snapshot.run,
        "state": state.phase,
        "outcome": state.outcome,
        "pid": state.who.pid if state.who else None,
        "host": state.who.host if state.who else None,
        **config_facts(state.config),
        "elapsed_s": snapshot.elapsed_s,
        "budget_s": snapshot.budget_s,
        "left_s": remaining_s(snapshot, snapshot.elapsed_s)
        if state.phase == watching.SEARCHING
        else None,
        "births_limit": snapshot.births_limit,
        "births": snapshot.n_births,
        "trained": snapshot.n_trained,
        "duplicates": snapshot.n_duplicates,
        "rejected": snapshot.n_rejected,
        "screened": snapshot.n_screened,
        "waiting": snapshot.n_births - judged(snapshot),
        "trainings": snapshot.n_trainings,
        "by_rung": snapshot.n_by_rung,
        "best": [{key: getattr(one, key) for key in keys} for one in snapshot.best],
        "training": list(snapshot.in_flight) if state.phase == watching.SEARCHING else [],
        "leader_scores": thinned(state.leader_scores, _CHART_COLUMNS),
        "confirm": None
        if moment is None
        else {
            "task": moment.task,
            "split": moment.split,
            "n_looks": moment.n_looks,
            "n_done": moment.n_done,
            "n_wanted": moment.n_wanted,
            "elapsed_s": moment.elapsed_s,
            "budget_s": state.confirm_budget_s,
        },
    }


def _short(value: object) -> str:
    return shorten(str(value), _MOST_CHARACTERS)
