"""`actsearch data`: the data sets, where they lie, and how to get them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from actsearch.cli.options import DataOption, FormatOption
from actsearch.results.tables import Column, Format, write_rows

app = typer.Typer(invoke_without_command=True)

COLUMNS = (
    Column("name", "data set"),
    Column("state", "state"),
    Column("where", "where", long=True),
    Column("description", "what it is", long=True),
)


@app.callback()
def data(context: typer.Context, folder: DataOption = None, output: FormatOption = "table") -> None:
    """List the data sets and where they lie; `get NAME` downloads or makes one."""
    if context.invoked_subcommand is not None:
        return
    from actsearch.tasks.datasets import DATASETS
    from actsearch.tasks.datasets.store import whereabouts

    fmt = Format.named(output)
    rows = []
    for name, dataset in DATASETS.items():
        found = whereabouts(name, folder)
        where = None if found.where is None else str(found.where)
        rows.append(
            {
                "name": name,
                "state": found.state,
                "where": where,
                "description": dataset.description,
            }
        )
    write_rows(COLUMNS, rows, fmt, sys.stdout)


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A data set (see: actsearch data).", metavar="NAME")],
    folder: DataOption = None,
) -> None:
    """Download or make a data set, check it, and prepare it for training.

    With --data the files are read in place from that folder, and only the prepared arrays are kept.
    """
    from actsearch.tasks.datasets.store import open_training, whereabouts

    splits = open_training(name, folder)
    where = whereabouts(name, folder).where
    sys.stdout.write(
        f"{name}: ready, {len(splits.train):,} samples to train on and "
        f"{len(splits.validation):,} to validate with{f', from {where}' if where else ''}\n"
    )
