"""All that a run's store tells: the search and, where it was confirmed, the verdict."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actsearch.errors import BadInput
from actsearch.results.leader import leader_of
from actsearch.results.verdict import Judgement
from actsearch.results.view import RunView, view_of
from actsearch.runs import RunStore
from actsearch.runs.follow import confirms

if TYPE_CHECKING:
    from actsearch.trials.stored import StoredVerdict


@dataclass(frozen=True)
class Account:
    """A run as pictures and the report tell of it; ``trials`` is None where nothing was tried."""

    run: RunView
    trials: StoredVerdict | None

    @property
    def judgement(self) -> Judgement | None:
        """The verdict on its own task; None where nothing was tried."""
        return None if self.trials is None else self.trials.verdict.judgement

    @property
    def sentence(self) -> str:
        """The verdict in words, with all that has to be said of it; "" where nothing was tried."""
        return "" if self.trials is None else self.trials.verdict.sentence

    @property
    def leader(self) -> int | None:
        """The birth that leads: of the verdict, or else of the hall of fame."""
        return leader_of(self.run, self.judgement)


def read_account(path: Path) -> Account:
    """Read a run; a search or a confirmation that is writing it is not disturbed.

    Raises:
        BadInput: the folder holds no readable run, or its trials tried what is no formula.
    """
    with RunStore.open(path) as store, store.reading():
        view = view_of(store)
        return Account(view, _trials(store, view))


def readable_account(path: Path) -> Account:
    """Read a run as ``read_account``, without the verdict where its trials can't be read.

    The file may come from anyone, and for whoever shows the run the search is worth showing alone.

    Raises:
        BadInput: the folder holds no readable run.
    """
    with RunStore.open(path) as store, store.reading():
        return readable(store)


def readable(store: RunStore) -> Account:
    """Return what ``readable_account`` reads, from an open store."""
    with store.reading():
        view, trials = view_of(store), None
        with contextlib.suppress(BadInput):
            trials = _trials(store, view)
        return Account(view, trials)


def _trials(store: RunStore, view: RunView) -> StoredVerdict | None:
    if not any(map(confirms, view.sessions)):
        return None  # before anything is imported that judges, which takes long
    from actsearch.trials.stored import stored_verdict

    return stored_verdict(store)
