"""What `search` and `resume` share: progress, Ctrl-C, the result, its confirmation and report."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from actsearch.cli.hall import DEFAULT_TOP, print_hall, print_next
from actsearch.cli.options import as_words, note
from actsearch.cli.progress import Observers, Progress, make_progress
from actsearch.cli.report import report_after
from actsearch.cli.where import said_of
from actsearch.errors import ActsearchError, MachineFault, StoreFault, WorkersGone
from actsearch.paths import command
from actsearch.results.tables import printable

if TYPE_CHECKING:
    from actsearch.workers import Where

#: What a disk that is full, or a quota that is used up, raises.
FULL = {errno.ENOSPC, errno.EDQUOT}


def launch(
    start: Callable[[Progress], Any],
    *,
    title: str,
    run: str | None,
    runs_dir: Path,
    quiet: bool,
    where: Where,
    confirm: Callable[[Path, float], None] | None = None,
    asked: str | None = None,
    data: Path | None = None,
    also: Progress | None = None,
    report: bool = True,
    forgotten: Callable[[], str] = str,
) -> None:
    """Run a search with progress, print what it found, and have it confirmed.

    Args:
        start: starts the search with an observer; its result has ``.path``, the run's
            folder, and ``.ended``, why it ended.
        title: what is searched for, for the progress.
        run: the name of the run, where it is known beforehand.
        runs_dir: the folder that holds it.
        quiet: show no progress.
        where: where it trains; what goes on from an end that nobody wished does so there.
        confirm: confirms the run in a folder within so many seconds, and prints the verdict.
        asked: what the user said of that, which the commands that search on say again.
        data: where the data lie now, where that isn't what the run knows.
        also: another observer of the search.
        report: write the run's report at the end, and print where it is.
        forgotten: says after an interruption what of this call is not in the run, if anything.

    Raises:
        typer.Exit: with 130 after Ctrl-C or SIGTERM; all births and scores so far are in the run.
    """
    from actsearch.results.view import read_run
    from actsearch.runs import is_final, lacks_births
    from actsearch.trials.account import readable_account
    from actsearch.workers.cluster.address import ELSEWHERE

    progress = make_progress(title, quiet=quiet)
    if also is not None:
        progress = Observers(progress, also)

    trains = as_words(said_of(where) | ({} if data is None else {"data": str(data)}))
    searches = [*trains, *([] if asked is None else as_words({"confirm": asked}))]

    def again() -> str:
        name = progress.snapshot.run if progress.snapshot is not None else run
        is_there = name is not None and (runs_dir / name).is_dir()
        return command("resume", runs_dir / str(name), *searches) if is_there else ""

    try:
        with terminate_as_interrupt(), goes_on_with(again), progress:
            result = start(progress)
    except KeyboardInterrupt:
        line = again()
        if not line:
            note("actsearch: interrupted before the search began")
        else:
            note(f"actsearch: interrupted; {forgotten() or 'everything saved'}; go on with: {line}")
        raise typer.Exit(130) from None
    view = read_run(Path(result.path))
    print_hall(view, DEFAULT_TOP)
    sys.stdout.write(f"ended: {printable(result.ended)}\n")
    last = progress.snapshot
    if last is not None and last.n_workers == 0:
        note(f"actsearch: the cluster has nobody left to train: start workers, {ELSEWHERE}")
    told = is_final(result.ended) or lacks_births(result.ended)
    if confirm is not None and told and not view.has_news:
        sys.stdout.write("not confirmed: no formula that is new has a score\n")
    elif confirm is not None:
        sys.stdout.write("\n")
        sys.stdout.flush()
        confirm(view.path, view.totals.elapsed_s)
    account = readable_account(view.path)
    print_next(account.run, account.judgement, trains=trains, searches=searches)
    if report:
        sys.stdout.write("\n")
        sys.stdout.flush()
        report_after(view.path)
    sys.stdout.flush()


@contextmanager
def goes_on_with(again: Callable[[], str]) -> Iterator[None]:
    """Let what ends trainings (disk, data, workers gone) say how the work is gone on with.

    Args:
        again: returns the command, "" where nothing is there to go on with.
    """
    try:
        yield
    except (WorkersGone, MachineFault, StoreFault) as error:
        if not (line := again()):
            raise
        raise ActsearchError(f"{error}; go on with: {line}") from error
    except OSError as error:
        if error.errno not in FULL or not (line := again()):
            raise
        where = f" ({error.filename})" if error.filename else ""
        raise ActsearchError(
            f"the disk is full{where}; free some space and go on with: {line}"
        ) from error


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Let a polite kill (SIGTERM: batch systems, shutdown) end the block as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
