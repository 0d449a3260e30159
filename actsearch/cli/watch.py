"""`actsearch watch`: follow a run from another terminal, by its store alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, find_run, note
from actsearch.errors import BadInput
from actsearch.paths import command
from actsearch.results.tables import Format, fitted, printable, write_record

if TYPE_CHECKING:
    from actsearch.cli.watching import State

#: Seconds between two looks, and the least and most that one may ask for.
INTERVAL_S, SHORTEST_S, LONGEST_S = 1.0, 0.1, 3600.0


def watch(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    interval: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long between two looks at the run.")
    ] = INTERVAL_S,
    once: Annotated[
        bool, typer.Option("--once", help="Show the state of now and end; also as JSON or CSV.")
    ] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
) -> None:
    """Follow a run that is searched or confirmed elsewhere, until it is over.

    It reads what the run has saved and never disturbs who writes it. Ctrl-C ends the watching, not
    the run (exit code 130).
    """
    fmt = Format.named(output)
    if not SHORTEST_S <= interval <= LONGEST_S:
        raise BadInput(
            f"--interval must lie between {SHORTEST_S:g} and {LONGEST_S:g} seconds, got {interval}"
        )
    if fmt is not Format.TABLE and not once:
        raise BadInput(f"--format {fmt} is for the state of now: give --once with it")
    path = find_run(run, runs_dir)
    if once:
        _show_once(path, fmt)
        return
    try:
        state = _follow(path, interval)
    except KeyboardInterrupt:
        note(f"actsearch: {path.name} is no longer watched; the run itself goes on as it did")
        raise typer.Exit(130) from None
    _show_end(path, state)


def _show_once(path: Path, fmt: Format) -> None:
    from actsearch.cli.watch_panel import record, state_lines
    from actsearch.cli.watching import Watcher

    state = Watcher(path).look()
    if fmt is Format.TABLE:
        sys.stdout.writelines(f"{printable(text)}".rstrip() + "\n" for text in state_lines(state))
    else:
        write_record(record(state), fmt, sys.stdout)


def _follow(path: Path, interval_s: float) -> State:
    """Show the run until it is over, and return its last state."""
    from actsearch.cli.watch_panel import make_screen
    from actsearch.cli.watching import Watcher

    watcher = Watcher(path)
    state = watcher.look()
    with make_screen(state) as screen:
        screen.show(state)
        while not state.is_over:
            time.sleep(interval_s)
            state = watcher.look()
            screen.show(state)
    return state


def _show_end(path: Path, state: State) -> None:
    """Print what the run came to, how it ended, and what may come next."""
    from actsearch.cli.hall import DEFAULT_TOP, print_hall, print_next, print_verdict
    from actsearch.cli.watch_panel import how_it_ended
    from actsearch.cli.watching import STOPPED
    from actsearch.trials.account import readable_account

    account = readable_account(path)
    print_hall(account.run, DEFAULT_TOP, account.judgement)
    sys.stdout.write(f"{fitted(printable(how_it_ended(state)), sys.stdout)}\n")
    print_verdict(account)
    if state.phase == STOPPED and state.moment is None:
        sys.stdout.write(f"go on with: {command('resume', path)}\n")
    print_next(account.run, account.judgement)
    sys.stdout.flush()
