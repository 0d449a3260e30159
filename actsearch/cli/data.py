"""`actsearch data`: the data sets, where they lie, and how to get them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from actsearch.cli.options import DataOption, FormatOption
from actsearch.results.tables import Column, Format, write_rows

app = typer.Typer(invoke_without_command=True)

COLUMNS = (
    Column("data", "data set"),
    Column("state", "state"),
    Column("where", "where"),
    Column("description", "what it is", wraps=True),
)


@app.callback()
def data(context: typer.Context, folder: DataOption = None, output: FormatOption = "table") -> None:
    """List the data sets and where they lie; `get NAME` downloads or makes one."""
    if context.invoked_subcommand is not None:
        return
    rows: list[dict[str, object]] = []
    write_rows(COLUMNS, rows, Format.named(output), sys.stdout)


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A data set (see: actsearch data).", metavar="NAME")],
    folder: DataOption = None,
) -> None:
    """Download or make a data set, check it, and prepare it for training."""
    raise NotImplementedError
