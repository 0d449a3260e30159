"""What a search shows while it runs: a live panel on a terminal, else a line every few seconds.

Everything here goes to standard error, and a failure to write is never the search's failure: a
closed terminal or pipe must not cost a run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Self, TextIO

from actsearch.durations import format_duration
from actsearch.errors import counted
from actsearch.results.hall import with_error
from actsearch.results.tables import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from actsearch.runs import Scored, Snapshot

PLAIN_INTERVAL_S = 10.0
_N_BEST = 3
_N_IN_FLIGHT = 6
_BAR_COLUMNS = 40


class Progress(AbstractContextManager["Progress"]):
    """An observer of a search that shows nothing; the others show something on top."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Take note of the state of the search."""
        self.snapshot = snapshot

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Observers(Progress):
    """Several observers as one; the first is the progress that people see."""

    def __init__(self, *observers: Progress) -> None:
        super().__init__()
        self._observers = observers
        self._stack = ExitStack()

    def __call__(self, snapshot: Snapshot) -> None:
        """Tell them all."""
        super().__call__(snapshot)
        for observer in self._observers:
            observer(snapshot)

    def __enter__(self) -> Self:
        for observer in self._observers:
            self._stack.enter_context(observer)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class PlainProgress(Progress):
    """One line at the start and then every ten seconds: for logs, pipes and plain terminals."""

    def __init__(self, stream: TextIO, interval_s: float = PLAIN_INTERVAL_S) -> None:
        super().__init__()
        self._stream = stream
        self._interval_s = interval_s
        self._last: float | None = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Write a line where the last one is old enough."""
        super().__call__(snapshot)
        now = time.monotonic()
        if self._last is not None and now - self._last < self._interval_s:
            return
        self._last = now
        try:
            self._stream.write(line(snapshot) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._interval_s = float("inf")  # nobody reads it; the search goes on


class LiveProgress(Progress):
    """A panel that is drawn anew twice a second, so that the time left runs also between events."""

    def __init__(self, title: str, stream: TextIO) -> None:
        super().__init__()
        self._title = title
        self._stream = stream
        self._seen_at = time.monotonic()
        self._live: Live | None = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Keep the state for the next drawing."""
        super().__call__(snapshot)
        self._seen_at = time.monotonic()

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            get_renderable=self._panel,
            console=Console(file=self._stream, markup=False, highlight=False),
            refresh_per_second=2,
            transient=True,
        )
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def lines(self) -> list[str]:
        """Return what stands in the panel now."""
        if self.snapshot is None:
            return ["starting: preparing the data and the workers ..."]
        return panel_lines(self.snapshot, time.monotonic() - self._seen_at)

    def _panel(self) -> Group:
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        texts = [Text(printable(text), no_wrap=True, overflow="ellipsis") for text in self.lines()]
        return Group(Panel(Group(*texts), title=Text(self._title), title_align="left"))


def make_progress(title: str, *, quiet: bool, stream: TextIO | None = None) -> Progress:
    """Return the progress that suits where standard error goes.

    Args:
        title: what is being searched, for the head of the panel.
        quiet: show nothing.
        stream: where to, by default standard error.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        return Progress()
    return LiveProgress(title, stream) if can_redraw(stream) else PlainProgress(stream)


def can_redraw(stream: TextIO) -> bool:
    """Tell whether ``stream`` is a terminal on which a panel can be drawn over the last one."""
    dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
    return stream.isatty() and not dumb and not os.environ.get("NO_COLOR")


def line(snapshot: Snapshot) -> str:
    """Write the state of a search on one line."""
    parts = [time_text(snapshot, snapshot.elapsed_s), counts(snapshot)]
    if snapshot.n_workers is not None:
        parts.append(counted(snapshot.n_workers, "worker"))
    if snapshot.best:
        parts.append(f"best {scored_text(snapshot.best[0])}")
    return printable(" | ".join(parts))


def counts(snapshot: Snapshot) -> str:
    """Write how many births there were and what became of them."""
    return (
        f"{counted(snapshot.n_births, 'birth')}: {snapshot.n_trained} trained, "
        f"{counted(snapshot.n_duplicates, 'duplicate')}, {snapshot.n_rejected} rejected, "
        f"{snapshot.n_screened} screened, "
        f"{snapshot.n_births - judged(snapshot)} waiting"
    )


def panel_lines(snapshot: Snapshot, since_s: float = 0.0) -> list[str]:
    """Write the lines of the live panel.

    Args:
        snapshot: the last known state.
        since_s: how long ago that was.
    """
    elapsed_s = snapshot.elapsed_s + since_s
    return [
        f"{bar(fraction_done(snapshot, elapsed_s))}  {time_text(snapshot, elapsed_s)}",
        f"{counts(snapshot)}; {counted(snapshot.n_trainings, 'training')}{on_workers(snapshot)}",
        climbed(snapshot),
        "",
        *best_lines(snapshot),
        "",
        *flight_lines("training now", snapshot.in_flight),
    ]


def on_workers(snapshot: Snapshot) -> str:
    """Write how many workers a cluster has now; nothing where their number is as it was asked."""
    return "" if snapshot.n_workers is None else f" on {counted(snapshot.n_workers, 'worker')}"


def best_lines(snapshot: Snapshot) -> list[str]:
    """Write who leads, a line each below a head."""
    head = "best so far" if snapshot.best else "no score yet"
    return [head, *(f"  {scored_text(item)}" for item in snapshot.best[:_N_BEST])]


def flight_lines(head: str, formulas: Sequence[str]) -> list[str]:
    """Write what is trained, a line each below the head, and how many more there are."""
    lines = [head, *(f"  {formula}" for formula in formulas[:_N_IN_FLIGHT])]
    more = len(formulas) - _N_IN_FLIGHT
    return [*lines, f"  and {more} more"] if more > 0 else lines


def scored_text(item: Scored) -> str:
    """Write a score with its standard error, rung and number of trainings, and the formula."""
    score = with_error(item.mean, item.standard_error)
    return f"{score} ({item.rung}, n = {item.n})  {item.formula}"


def climbed(snapshot: Snapshot) -> str:
    """Write how many candidates have come to each rung, the shortest first."""
    return "reached: " + ", ".join(f"{rung} {n}" for rung, n in snapshot.n_by_rung.items())


def fraction_done(snapshot: Snapshot, elapsed_s: float) -> float:
    """Return how much of the nearer limit (time or births) is used up, from 0 to 1."""
    used = [0.0]
    if snapshot.budget_s:
        used.append(elapsed_s / snapshot.budget_s)
    if snapshot.births_limit:
        used.append(judged(snapshot) / snapshot.births_limit)
    return min(1.0, max(used))


def judged(snapshot: Snapshot) -> int:
    """Return the births that are done with; others were bred ahead and wait for a worker."""
    settled = snapshot.n_duplicates + snapshot.n_rejected + snapshot.n_screened
    return snapshot.n_trained + settled


def time_text(snapshot: Snapshot, elapsed_s: float) -> str:
    """Write the time that went by and the time left: stated by the budget, else estimated."""
    text = format_duration(elapsed_s)
    if snapshot.budget_s and elapsed_s > snapshot.budget_s:
        return f"{text}, the budget of {format_duration(snapshot.budget_s)} is used up"
    if snapshot.budget_s:
        text += f" of {format_duration(snapshot.budget_s)}"
    left_s = remaining_s(snapshot, elapsed_s)
    return text if left_s is None else f"{text}, {format_duration(left_s)} left"


def remaining_s(snapshot: Snapshot, elapsed_s: float) -> float | None:
    """Return the seconds left until the nearer limit, or None where nothing tells."""
    left = []
    if snapshot.budget_s:
        left.append(snapshot.budget_s - elapsed_s)
    if snapshot.births_limit and snapshot.n_trained:
        left.append(elapsed_s * (snapshot.births_limit / judged(snapshot) - 1))
    return max(0.0, min(left)) if left else None


def bar(fraction: float) -> str:
    """Draw a progress bar of fixed width."""
    n_full = round(fraction * _BAR_COLUMNS)
    return "━" * n_full + "─" * (_BAR_COLUMNS - n_full)
