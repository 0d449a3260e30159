"""A run as it is shown: its hall of fame, its totals, and the commands that may come next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actsearch.results.commands import next_commands
from actsearch.results.hall import shown, table_columns, table_notes, table_rows, with_costs
from actsearch.results.leader import leader_of
from actsearch.results.standing import confirming, standing
from actsearch.results.tables import Format, fitted, printable, write_rows

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
    _say(f"{view.name}: {printable(', '.join(facts) + now)}\n")


def print_hall(view: RunView, top: int, judgement: Judgement | None = None) -> None:
    """Print the ``top`` of the hall of fame, ReLU and the best known activation, and totals.

    Args:
        view: the run.
        top: how many.
        judgement: the verdict on it, which then says who leads; None where there is none to say.
    """
    rows = view.ranked
    if not rows:
        _say("no formula has a score yet" if view.births else "no births yet")
        if not view.sessions and not view.writer:  # each search begins one before anything else
            _say(
                "nothing was ever searched here; if the folder is a copy, it may lack "
                "run.sqlite-wal, which is a part of the run: copy all of the folder again"
            )
    else:
        listed = with_costs(shown(rows, top))
        write_rows(table_columns(rows, listed), table_rows(listed), Format.TABLE, sys.stdout)
        sys.stdout.write("\n")
        for note in table_notes(view.measure, rows, listed):
            _say(printable(note))
        by_verdict = leader_of(view, judgement)
        if judgement is not None and judgement.n_looks and by_verdict != rows[0]["id"]:
            leads = f"Birth {by_verdict} leads by the verdict; birth {rows[0]['id']} led the search"
            _say(f"{leads}, which is partly luck.")
        else:
            _say(standing(rows))
    _say(view.totals.sentence())
    if view.unscored:
        _say(printable(view.unscored))
    if view.confirmation is not None:
        _say(printable(confirming(view.confirmation.info)))


def _say(text: str) -> None:
    sys.stdout.write(f"{fitted(text, sys.stdout)}\n")


def print_verdict(account: Account) -> None:
    """Print what a confirmation came to, as far as it is; nothing where none began."""
    if account.judgement is not None:
        _say(f"\nverdict: {printable(account.sentence)}")


def print_next(
    view: RunView,
    judgement: Judgement | None = None,
    *,
    trains: Sequence[str] = (),
    searches: Sequence[str] = (),
) -> None:
    """Print the commands that may come next, ready to be typed.

    Args:
        view: the run.
        judgement: the verdict on it; None where it was not confirmed.
        trains: words that a command that confirms ends with, to do so as was done before.
        searches: the same for a command that searches.
    """
    lines = next_commands(view, judgement, trains=trains, searches=searches)
    width = max(len(line) for line, _ in lines)
    sys.stdout.write("\nnext:\n")
    sys.stdout.writelines(f"  {line:<{width}}  # {what}\n" for line, what in lines)
