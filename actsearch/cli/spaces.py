"""`actsearch spaces`: the search spaces that ship, and a check of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from actsearch.cli.options import FormatOption
from actsearch.results.tables import Column, Format, write_rows

app = typer.Typer(invoke_without_command=True)

COLUMNS = (
    Column("space", "space"),
    Column("description", "what it is", long=True),
    Column("file", "file", long=True),
)


@app.callback()
def spaces(context: typer.Context, output: FormatOption = "table") -> None:
    """List the search spaces that ship; `show NAME` prints one, `check FILE` checks your own."""
    if context.invoked_subcommand is not None:
        return
    from actsearch.search import load_space, space_files

    rows = [
        {"space": name, "description": load_space(name).description, "file": str(path)}
        for name, path in space_files().items()
    ]
    write_rows(COLUMNS, rows, Format.named(output), sys.stdout)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A space that ships.", metavar="NAME")],
) -> None:
    """Print the file of a space, as a start for one's own."""
    from actsearch.errors import unknown
    from actsearch.search import space_files

    files = space_files()
    if name not in files:
        raise unknown("space", name, files)
    sys.stdout.write(files[name].read_text(encoding="utf-8"))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A space file of your own.", metavar="FILE")],
) -> None:
    """Check a space file; all that is wrong with it comes at once."""
    from actsearch.search import load_space

    space = load_space(str(file))
    sys.stdout.write(f"{file}: fine ({space.description})\n")
