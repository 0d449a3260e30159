"""`actsearch plot`: a run's pictures as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actsearch.cli.options import RUNS_DIR, RunsDirOption, find_run, note
from actsearch.errors import BadInput, unknown

if TYPE_CHECKING:
    from actsearch.plots.figures import RunFigure


def plot(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which: functions, progress, front, curves, comparison, lineage, map, operators. "
            "[default: all]",
            metavar="[NAME]...",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write into.")] = Path(),
    form: Annotated[
        str, typer.Option("--format", metavar="svg|png|pdf", help="What files to write.")
    ] = "svg",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
) -> None:
    """Draw a run: its functions, how the search went, what it found, and where it came from.

    Each picture is a file RUN-NAME.svg. What the run has nothing to draw of is left out, and said.
    """
    from actsearch.export.folder import write_all
    from actsearch.plots.style import file_bytes
    from actsearch.trials.account import read_account

    ending = _ending(form)
    figures = _chosen(names or [])
    account = read_account(find_run(run, runs_dir))
    files: dict[str, str | bytes] = {}
    for figure in figures:
        drawn = figure.draw(account)
        if drawn is not None:
            files[f"{account.run.name}-{figure.name}{ending}"] = file_bytes(drawn, ending)
        elif names:
            raise BadInput(f"'{figure.name}' can't be drawn of '{run}': {figure.lacks}")
        else:
            note(f"actsearch: '{figure.name}' is left out: {figure.lacks}")
    for path in write_all(out, files, force=force, elsewhere="--out") if files else ():
        sys.stdout.write(f"{path}\n")


def _ending(form: str) -> str:
    from actsearch.plots.style import FORMATS

    ending = f".{form.strip().lower().removeprefix('.')}"
    if ending not in FORMATS:
        raise unknown("format", form, [one[1:] for one in FORMATS])
    return ending


def _chosen(names: list[str]) -> list[RunFigure]:
    from actsearch.plots.figures import RUN_FIGURES

    by_name = {one.name: one for one in RUN_FIGURES}
    for name in names:
        if name not in by_name:
            raise unknown("picture", name, by_name)
    return [by_name[name] for name in dict.fromkeys(names)] or list(RUN_FIGURES)
