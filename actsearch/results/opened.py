"""A run opened from Python: everything that the command line shows of it, as plain rows.

run = actsearch.open_run("mine")
run.best.expression, run.hall_of_fame[0]["gain_over_relu"]
run.to_pandas("births").groupby("operator").score.max()
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actsearch.errors import BadInput, shorten, unknown
from actsearch.results.front import modelled_front
from actsearch.results.hall import with_costs
from actsearch.results.individual import birth_record
from actsearch.results.leader import leader_of
from actsearch.results.listing import birth_rows, listed
from actsearch.results.verdict import Judgement
from actsearch.results.view import RunView
from actsearch.runs import TrialRow, hall_of_fame
from actsearch.runs.found import Found
from actsearch.runs.outcomes import nothing_scored

if TYPE_CHECKING:
    import pandas

Rows = list[dict[str, Any]]


class OpenedRun:
    """A run as it was when it was opened; open it again to see what a search has added.

    All rows are plain dictionaries, scores unrounded, None where there is no value. What takes long
    is computed when it is first asked for.

    Attributes:
        path: Its folder.
        config: The configuration as used.
        environment: What it was started on: versions, machine, devices.
        verdict: On its finalists: ``winner``, ``leader``, ``rows``, ``is_clear``, ``sentence`` ...;
            ``n_looks`` is 0 as long as nothing can be said, None where nothing was confirmed.
    """

    def __init__(
        self, view: RunView, trials: Sequence[TrialRow], verdict: Judgement | None = None
    ) -> None:
        self._view, self._trials, self.verdict = view, tuple(trials), verdict
        self.path = view.path
        self.config: dict[str, Any] = view.config
        self.environment: dict[str, Any] = view.environment

    def __repr__(self) -> str:
        return f"<run '{self.name}': {len(self._view.births)} births>"

    @property
    def name(self) -> str:
        """The run's name."""
        return self._view.name

    @property
    def is_running(self) -> bool:
        """Whether a search was writing it when it was opened."""
        return bool(self._view.writer)

    @property
    def ended(self) -> str:
        """Why its last search ended, in words; "" while it goes on, or after a kill."""
        return self._view.ended

    @functools.cached_property
    def best(self) -> Found:
        """The leader, of the verdict or else of the hall of fame, with its ``expression``.

        Its score is that of the search, as in the hall of fame; that of the trials: ``verdict``.

        Raises:
            BadInput: Nothing has a score yet.
        """
        view = self._view
        leader = leader_of(view, self.verdict)
        scored = hall_of_fame(view.births, view.trainings, ladder=view.ladder)
        first = next((one for one in scored if one.id == leader), None)
        if first is None:
            raise nothing_scored(view.path, view.ended)
        return Found.of(first)

    @functools.cached_property
    def hall_of_fame(self) -> Rows:
        """One row a formula that has a score, the best first: rank, score, gains, cost, size ..."""
        return with_costs(self._view.ranked)

    @functools.cached_property
    def front(self) -> Rows:
        """The best trade-offs of score, modelled cost and size; ``pick`` marks the best of all."""
        return modelled_front(self._view.ranked)

    @functools.cached_property
    def births(self) -> Rows:
        """One row a birth, whatever became of it, by id; without costs."""
        return birth_rows(self._view)

    @functools.cached_property
    def trainings(self) -> Rows:
        """One row a training of the search: birth, rung, seed, score, metrics, curve ..."""
        return [dataclasses.asdict(row) for row in self._view.trainings]

    @functools.cached_property
    def trials(self) -> Rows:
        """One row a training that confirms: task, split, formula, seed, score ..."""
        return [dataclasses.asdict(row) for row in self._trials]

    def birth(self, id_: int) -> dict[str, Any]:
        """Return all that is known of one birth: derivative, lineage, trainings, children ...

        Raises:
            BadInput: There is no such birth.
        """
        try:
            id_ = operator.index(id_)  # those of a pandas table are numbers of numpy
        except TypeError:
            said = shorten(repr(id_))
            raise BadInput(
                f"an id of a birth is a whole number, as in birth(7); got {said}"
            ) from None
        return birth_record(self._view, id_)

    def where(self, *filters: str, sort: str | None = None, top: int | None = None) -> Rows:
        """Return the births that pass all filters, as ``actsearch inspect --births --where``.

        Args:
            filters: As in ``"score>0.6"``, ``"formula~tanh"``, ``"known=none"``.
            sort: A column; with a minus in front the highest come first.
            top: How many.

        Raises:
            BadInput: A filter or ``sort`` can't be read.
        """
        return listed(self.births, filters, sort, top)

    def table(self, name: str) -> Rows:
        """Return a table by name: hall_of_fame, front, births, trainings, trials.

        Raises:
            BadInput: There is none of that name.
        """
        if name not in TABLES:
            raise unknown("table", name, TABLES)
        return TABLES[name](self)

    def to_pandas(self, name: str = "hall_of_fame") -> pandas.DataFrame:
        """Return a table (see ``table``) as a pandas DataFrame; a column a key.

        Raises:
            BadInput: There is no such table, or pandas is not installed.
        """
        rows = self.table(name)
        try:
            import pandas
        except ImportError:
            raise BadInput(
                "to_pandas needs pandas, which is not installed: pip install 'actsearch[pandas]' "
                "(table() gives the same as plain rows)"
            ) from None
        return pandas.DataFrame(rows)


#: What ``OpenedRun.table`` gives by name.
TABLES: Mapping[str, Callable[[OpenedRun], Rows]] = {
    "hall_of_fame": lambda run: run.hall_of_fame,
    "front": lambda run: run.front,
    "births": lambda run: run.births,
    "trainings": lambda run: run.trainings,
    "trials": lambda run: run.trials,
}
