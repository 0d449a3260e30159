"""`actsearch inspect`: the hall of fame of a run, its front, lists of its births, or one of them.

With two runs it compares them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption, find_run, note
from actsearch.errors import BadInput, shorten
from actsearch.paths import command
from actsearch.results.tables import Format, write_rows
from actsearch.runs.uncollected import uncollected

if TYPE_CHECKING:
    from actsearch.results.view import RunView

# The longest id that is a number to SQLite; more digits are no id of any run.
_MOST_DIGITS = 18
# Kinds of reasons that a table lists; JSON and CSV have the reasons themselves.
_MOST_KINDS = 15


def inspect(
    run: Annotated[str, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")],
    other: Annotated[
        str | None,
        typer.Argument(
            help="The id of a birth in that run, or another run to compare it with. A number is "
            "an id: give the folder of a run that has one for its name.",
            metavar="[ID|RUN]",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many to list (hall of fame: 10, others: all)."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List all that were trained.")] = False,
    births: Annotated[
        bool, typer.Option("--births", help="List every birth, whatever became of it.")
    ] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="List what was turned away before training, and why."),
    ] = False,
    front: Annotated[
        bool, typer.Option("--front", help="List the best trade-offs of score, cost and size.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILTER",
            help="List those alone that pass, as in 'score>0.6', 'formula~tanh', 'size<=5', "
            "'known=none', 'operator=crossover'; may be repeated, all have to be met.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Sort a list; -COLUMN puts the highest first."),
    ] = None,
    runs_dir: RunsDirOption = RUNS_DIR,
    output: FormatOption = "table",
) -> None:
    """Show a run's hall of fame; with ID one formula: properties, lineage, curves.

    With a second run: what the two differ in, and what each found.
    """
    fmt = Format.named(output)
    asked = {
        "--front": front,
        "--all": every,
        "--births": births,
        "--rejected": rejected,
        (f"the id {other}" if _is_id(other) else f"the run {shorten(other or '')}"): other,
    }
    kinds = [name for name, given in asked.items() if given]
    if len(kinds) > 1:
        raise BadInput(f"{kinds[0]} and {kinds[1]} ask for different answers; give one of them")
    if (where or sort) and (front or other):
        option = "--where" if where else "--sort"
        raise BadInput(f"{option} is for lists of births: the hall of fame, --all, --births ...")
    path = find_run(run, runs_dir)
    if front:
        _show_front(path, fmt)
    elif _is_id(other):
        from actsearch.cli.inspect_birth import show_birth

        show_birth(path, _id(path, str(other)), fmt)
    else:
        with uncollected():  # the command reads, shows and ends
            if other is not None:
                from actsearch.cli.inspect_two import show_two

                show_two(path, _other_run(other, runs_dir), fmt)
            elif rejected:
                _show_rejected(path, where or (), sort, top, fmt)
            elif every or births or where or sort:
                _show_births(path, births, where or (), sort, top, fmt)
            else:
                _show_hall(path, top, fmt)


def _is_id(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]+", text) is not None


def _id(path: Path, text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise BadInput(f"unknown id {shorten(text, 30)}: run '{path.name}' has no such birth")
    return int(text)


def _other_run(name: str, runs_dir: Path) -> Path:
    try:
        return find_run(name, runs_dir)
    except BadInput as error:
        raise BadInput(
            f"{error}; behind RUN goes the ID of one of its births, which is a number, or another "
            "run to compare it with"
        ) from None


def _show_hall(path: Path, top: int | None, fmt: Format) -> None:
    from actsearch.cli.hall import DEFAULT_TOP, print_hall, print_head, print_next, print_verdict
    from actsearch.results.hall import HALL_COLUMNS, with_costs
    from actsearch.trials.account import readable_account

    account = readable_account(path)
    view = account.run
    top = top or DEFAULT_TOP
    if fmt is not Format.TABLE:
        write_rows(HALL_COLUMNS, with_costs(view.ranked[:top]), fmt, sys.stdout)
        return
    print_head(view)
    print_hall(view, top, account.judgement)
    print_verdict(account)
    print_next(view, account.judgement)


def _show_births(
    path: Path, births: bool, where: Sequence[str], sort: str | None, top: int | None, fmt: Format
) -> None:
    """Show those that were trained, as the hall of fame has them, or every birth."""
    from actsearch.cli.hall import print_head
    from actsearch.results.hall import table_columns, table_rows
    from actsearch.results.listing import BIRTH_COLUMNS, birth_rows, births_table, listed
    from actsearch.results.view import read_run

    view = read_run(path)
    rows = birth_rows(view)
    if not births:
        of = {row["id"]: row for row in rows}  # ids may have gaps: the file may come from anyone
        rows = [of[row["id"]] for row in view.rows]
    # Costs take milliseconds each: a table has them where they are asked for.
    found = listed(rows, where, sort, top, costs=fmt is not Format.TABLE and not births)
    if fmt is not Format.TABLE:
        write_rows(BIRTH_COLUMNS, found, fmt, sys.stdout)
        return
    print_head(view)
    columns, cells = table_columns(view.rows, found), table_rows(found)
    if births:
        columns, cells = births_table(found)
    what = "births" if births else "trained"
    _write_list(columns, cells, len(rows), bool(where), what, view)
    sys.stdout.write(f"\n{view.totals.sentence()}\n")


def _write_list(
    columns: Any, cells: list[dict[str, Any]], n: int, some: bool, what: str, view: RunView
) -> None:
    if cells:
        write_rows(columns, cells, Format.TABLE, sys.stdout)
        sys.stdout.write(f"\n{len(cells)} of {n} {what}\n" if len(cells) < n else "")
    elif some:
        sys.stdout.write(f"none of {n} {what} passes the filters\n")
    elif view.births:
        births = command("inspect", view.path, "--births")
        sys.stdout.write(f"none of {len(view.births)} births is {what}; all of them: {births}\n")
    else:
        sys.stdout.write("no births yet\n")


def _show_rejected(
    path: Path, where: Sequence[str], sort: str | None, top: int | None, fmt: Format
) -> None:
    from actsearch.cli.hall import print_head
    from actsearch.results.listing import (
        BIRTH_COLUMNS,
        birth_rows,
        listed,
        rejected_rows,
        rejected_table,
    )
    from actsearch.results.reasons import REASON_COLUMNS, reason_counts
    from actsearch.results.view import read_run

    view = read_run(path)
    rows = rejected_rows(birth_rows(view))
    found = listed(rows, where, sort, top)
    if fmt is not Format.TABLE:
        write_rows(BIRTH_COLUMNS, found, fmt, sys.stdout)
        return
    print_head(view)
    counts = reason_counts(view.births)
    if counts:
        write_rows(REASON_COLUMNS, counts[:_MOST_KINDS], fmt, sys.stdout)
        more = len(counts) - _MOST_KINDS
        sys.stdout.write(f"and {more} more kinds\n\n" if more > 0 else "\n")
    what = "turned away before training"
    _write_list(*rejected_table(found), len(rows), bool(where), what, view)


def _show_front(path: Path, fmt: Format) -> None:
    from actsearch.results.front import (
        FRONT_COLUMNS,
        FRONT_TABLE,
        NOTE,
        contradiction,
        front_rows,
        front_table,
        priced_rows,
    )
    from actsearch.results.view import read_run

    perhaps = priced_rows(read_run(path).ranked)
    modelled = {row["formula"]: row["cost_ns"] for row in perhaps}
    found: dict[str, float] = {}

    def measured(formulas: Sequence[str]) -> list[float]:
        found.update(zip(formulas, measured_costs(formulas), strict=True))
        return [found[formula] for formula in formulas]

    load = other_load()  # before anything is measured, which is work, too
    rows = front_rows(perhaps, measured, modelled.__getitem__)
    if fmt is not Format.TABLE:
        write_rows(FRONT_COLUMNS, rows, fmt, sys.stdout)
    elif rows:
        write_rows(FRONT_TABLE, front_table(rows), fmt, sys.stdout)
        sys.stdout.write(f"\n{NOTE}\n")
    else:
        sys.stdout.write("no formula has a score yet\n")
    doubts = [load, contradiction(modelled, found)] if rows else []
    if any(doubts):
        note(
            f"actsearch: {'; '.join(filter(None, doubts))}: costs are measured, and some may be "
            "too high. Ask again when the machine is idle"
        )


def other_load() -> str:
    """Say that this machine has other work than to measure costs; "" where it has not."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = load > max(cores - 1, 0.5)
    return f"this machine is busy (load {load:.1f} on {cores} cores)" if busy else ""


def measured_costs(formulas: Sequence[str]) -> list[float]:
    """Return what each formula costs here and now, forward and backward, in ns an element."""
    from actsearch import kernels
    from actsearch.expressions import parse_candidate, parts_of
    from actsearch.expressions.layered import mean_over_parts
    from actsearch.kernels.cost import measured_cost

    candidates = [parse_candidate(formula) for formula in formulas]
    kernels.prepare([part for one in candidates for part in parts_of(one)])
    return [mean_over_parts(measured_cost)(one) for one in candidates]
