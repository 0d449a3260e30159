"""A run as it is shown: its hall of fame, its totals, and the commands that may come next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actsearch.results.commands import command, next_commands
from actsearch.results.hall import shown, table_columns, table_notes, table_rows, with_costs
from actsearch.results.leader import leader_of
from actsearch.results.standing import confirming, standing
from actsearch.results.tables import Format, printable, write_rows

if TYPE_CHECKING:
    from actsearch.results.verdict import Judgement
    from actsearch.results.view import RunView
    from actsearch.trials.account import Account

DEFAULT_TOP = 10


def print_head(view: RunView) -> None:
    """Print what the run is, and whether it is still being written."""
    from actsearch.results.view import config_facts

    facts = [f"{key} {value}" for key, value in config_facts(view.config).items()]
    now = f"; {view.at_work}" if view.at_work else ""
    sys.stdout.write(f"{view.name}: {printable(', '.join(facts) + now)}\n\n")


def print_hall(view: RunView, top: int, judgement: Judgement | None = None) -> None:
    """Print the ``top`` of the hall of fame, ReLU and the best known activation, and totals.

    Args:
        view: the run.
        top: how many.
        judgement: the verdict on it, which then says who leads; None where there is none to say.
    """
    rows = view.ranked
    if not rows:
        sys.stdout.write("no formula has a score yet\n" if view.births else "no births yet\n")
    else:
        listed = with_costs(shown(rows, top))
        write_rows(table_columns(rows, listed), table_rows(listed), Format.TABLE, sys.stdout)
        sys.stdout.write("\n")
        notes = table_notes(view.measure, rows, listed)
        sys.stdout.writelines(f"{printable(note)}\n" for note in notes)
        by_verdict = leader_of(view, judgement)
        if judgement is not None and judgement.n_looks and by_verdict != rows[0]["id"]:
            leads = f"Birth {by_verdict} leads by the verdict; birth {rows[0]['id']} led the search"
            sys.stdout.write(f"{leads}, which is partly luck.\n")
        else:
            sys.stdout.write(f"{standing(rows)}\n")
    sys.stdout.write(f"{view.totals.sentence()}\n")
    if view.confirmation is not None:
        sys.stdout.write(f"{printable(confirming(view.confirmation.info))}\n")


def resume_line(path: Path) -> str:
    """Write the command that goes on with the run in the folder ``path``."""
    return command("resume", path)


def print_verdict(account: Account) -> None:
    """Print what a confirmation came to, as far as it is; nothing where none began."""
    if account.judgement is not None:
        sys.stdout.write(f"\nverdict: {printable(account.sentence)}\n")


def print_next(view: RunView, judgement: Judgement | None = None) -> None:
    """Print the commands that may come next, ready to be typed.

    Args:
        view: the run.
        judgement: the verdict on it; None where it was not confirmed.
    """
    lines = next_commands(view, judgement)
    width = max(len(line) for line, _ in lines)
    sys.stdout.write("\nnext:\n")
    sys.stdout.writelines(f"  {line:<{width}}  # {what}\n" for line, what in lines)
