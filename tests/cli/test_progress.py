"""What is shown while a search runs, on a terminal and without one."""

from __future__ import annotations

import io
import re

import pytest

from actsearch.cli.progress import (
    LiveProgress,
    PlainProgress,
    Progress,
    bar,
    fraction_done,
    line,
    make_progress,
    panel_lines,
    remaining_s,
)
from actsearch.runs import Scored
from actsearch.search.engine import Snapshot
from tests.cli.conftest import snapshot

BEST = (
    Scored(2, "x*[b]sin(x)", 4, 0.677, 0.006, 2, "crossover", (0, 1), None, "ok", 2.5, "full"),
    Scored(1, "silu(x)", 2, 0.644, 0.004, 2, "seed", (), None, "ok", 2.5, "full"),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "env", "quiet", "kind"),
    [
        (True, {}, False, LiveProgress),
        (True, {"NO_COLOR": "1"}, False, PlainProgress),
        (True, {"TERM": "dumb"}, False, PlainProgress),
        (False, {}, False, PlainProgress),
        (True, {}, True, Progress),
    ],
)
def test_the_stream_decides(
    terminal: bool,
    env: dict[str, str],
    quiet: bool,
    kind: type[Progress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    stream = Terminal() if terminal else io.StringIO()
    assert type(make_progress("x", quiet=quiet, stream=stream)) is kind


def test_plain_lines_come_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("actsearch.cli.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with PlainProgress(stream) as progress:
        for second in range(25):
            now[0] = float(second)
            progress(snapshot(elapsed_s=second, best=BEST))
    assert stream.getvalue().splitlines() == [
        f"{second}s of 4m 00s, {left} left | "
        "7 births: 4 trained, 1 duplicate, 2 rejected, 0 screened, 0 waiting | "
        "best 0.6770 ± 0.0060 (full, n = 2)  x*[b]sin(x)"
        for second, left in ((0, "4m 00s"), (10, "3m 50s"), (20, "3m 40s"))
    ]


def test_a_stream_that_fails_does_not_stop_the_search() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    with PlainProgress(Closed(), interval_s=0.0) as progress:
        progress(snapshot())
        progress(snapshot())
    assert progress.snapshot == snapshot()


def test_the_live_panel_shows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    with LiveProgress("first · default", stream) as progress:
        progress(snapshot(best=BEST, in_flight=tuple(f"sin({i}*x)" for i in range(8))))
        assert progress._live is not None
        progress._live.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    for words in (
        "first · default",
        "7 births: 4 trained, 1 duplicate, 2 rejected, 0 screened, 0 waiting; 8 trainings",
        "0.6770 ± 0.0060 (full, n = 2)  x*[b]sin(x)",
        "reached: short 4, full 2",
        "sin(0*x)",
        "and 2 more",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("state", "fraction", "left_s"),
    [
        (snapshot(elapsed_s=60, budget_s=240), 0.25, 180),
        (snapshot(elapsed_s=300, budget_s=240), 1.0, 0),
        (snapshot(elapsed_s=60, budget_s=None, births_limit=14), 0.5, 60),
        (snapshot(elapsed_s=60, budget_s=240, births_limit=14), 0.5, 60),
        (
            snapshot(
                elapsed_s=60,
                budget_s=None,
                births_limit=14,
                n_births=3,
                n_trained=0,
                n_duplicates=0,
                n_rejected=0,
            ),
            0.0,
            None,
        ),
        (snapshot(elapsed_s=60, budget_s=None), 0.0, None),
    ],
)
def test_the_nearer_limit_counts(state: Snapshot, fraction: float, left_s: float | None) -> None:
    assert fraction_done(state, state.elapsed_s) == fraction
    assert remaining_s(state, state.elapsed_s) == left_s


def test_workers_of_a_cluster_are_told_as_they_are() -> None:
    assert "workers" not in panel_lines(snapshot())[1]
    assert panel_lines(snapshot(n_workers=3))[1].endswith("; 8 trainings on 3 workers")
    assert panel_lines(snapshot(n_workers=0))[1].endswith(" on 0 workers")
    assert "| 1 worker" in line(snapshot(n_workers=1))


def test_time_runs_between_events() -> None:
    later = panel_lines(snapshot(elapsed_s=60), since_s=30)
    assert "1m 30s of 4m 00s, 2m 30s left" in later[0]


def test_time_beyond_the_budget_is_not_a_part_of_it() -> None:
    said = line(snapshot(elapsed_s=69, budget_s=10))
    assert said.startswith("1m 09s, the budget of 10s is used up | 7 births")


def test_the_bar_has_one_width() -> None:
    assert {len(bar(k / 100)) for k in range(101)} == {40}
