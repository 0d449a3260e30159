"""All that a run's store tells: the search and, where it was confirmed, the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from actsearch.results.view import RunView, view_of
from actsearch.runs import RunStore
from actsearch.trials.stored import StoredVerdict, stored_verdict


@dataclass(frozen=True)
class Account:
    """A run as pictures and the report tell of it; ``trials`` is None where nothing was tried."""

    run: RunView
    trials: StoredVerdict | None


def read_account(path: Path) -> Account:
    """Read a run; a search or a confirmation that is writing it is not disturbed.

    Raises:
        BadInput: the folder holds no readable run.
    """
    with RunStore.open(path) as store, store.reading():
        return Account(view_of(store), stored_verdict(store))
