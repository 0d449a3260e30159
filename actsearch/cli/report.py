"""`actsearch report`: one page that tells a run, and the line that ends a search with its path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from actsearch.cli.options import RUNS_DIR, RunsDirOption, find_run, note
from actsearch.paths import command
from actsearch.results.tables import printable

ReportOption = Annotated[
    bool, typer.Option("--no-report", help="Write no report.html into the run's folder at the end.")
]


def report(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to. [default: report.html in the run's folder]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE though it is no report.")
    ] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
) -> None:
    """Write a run's report: one HTML file that needs no network and no script.

    Verdict first, then the functions put forward, pictures, statistics, and how it was all made. A
    run that is being written is told of as of now; an earlier report is replaced.
    """
    from actsearch.report.page import write_report

    path = find_run(run, runs_dir)
    file = write_report(path, None if out is None else out.expanduser(), force=force)
    sys.stdout.write(f"{file}\n")


def report_after(path: Path, *, aside: bool = False) -> None:
    """Write the report of a run whose work is done, and print its path.

    Whatever goes wrong here is a note: the run itself is saved, and its report can be had later.

    Args:
        path: the run's folder.
        aside: print to standard error, where the answer is for a program.
    """
    try:
        from actsearch.report.page import write_report

        line = f"report: {write_report(path)}"
    except Exception as error:  # noqa: BLE001  a page must never be what a search fails by
        why = printable(" ".join(str(error).split()) or type(error).__name__)
        note(f"no report: {why} (later: {command('report', path)})")
        return
    if aside:
        note(line)
    else:
        sys.stdout.write(f"{line}\n")
