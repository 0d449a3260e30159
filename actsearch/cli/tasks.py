"""`actsearch tasks`: what can be searched for."""

from __future__ import annotations

import sys

from actsearch.cli.options import FormatOption
from actsearch.results.tables import Column, Format, write_rows

COLUMNS = (Column("task", "task"), Column("description", "what it is", long=True))


def tasks(output: FormatOption = "table") -> None:
    """List the tasks: a network, its data, and how it trains.

    A task of your own: actsearch search --task path/to/file.py:make_task
    """
    from actsearch.tasks.registry import TASKS

    rows = [{"task": name, "description": text} for name, text in TASKS.items()]
    write_rows(COLUMNS, rows, Format.named(output), sys.stdout)
