"""How far a confirmation is that another process makes, from what its run's store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actsearch.expressions.node import INPUTS
from actsearch.results.looks import replay
from actsearch.runs import Session, TrialRow
from actsearch.tasks.protocol import ONLY_X
from actsearch.trials.confirm import Moment
from actsearch.trials.judged import SEEDS, earlier_finalists, scores_of
from actsearch.trials.saved import known_contestants
from actsearch.trials.stored import StoredTask


class Underway:
    """Follows the confirmation of one run; what is known of its rivals is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict[str, str]] = {}

    def moment(
        self,
        config: Mapping[str, Any],
        session: Session,
        trials: Sequence[TrialRow],
        elapsed_s: float,
    ) -> Moment | None:
        """Return how far a session that confirms is; None where it tells nothing.

        ``n_wanted`` counts the trials of this run on that task and those that the next look still
        needs, ``n_done`` those that are there. Of several tasks it is the one tried last.

        Args:
            config: of the run.
            session: which confirms.
            trials: all of the run.
            elapsed_s: how long the session goes on.

        Raises:
            BadInput: what the session says to try are no formulas.
        """
        names = [name for name in _list(session.info.get("tasks")) if isinstance(name, str)]
        finalists = [one for one in _list(session.info.get("finalists")) if isinstance(one, str)]
        if not names or not finalists or len(set(finalists)) < len(finalists):
            return None
        own = [row for row in trials if row.seed in SEEDS]
        # Tasks are tried one after the other.
        name = next((one for one in names[::-1] if any(row.task == one for row in own)), names[0])
        rows = [row for row in own if row.task == name]
        split = rows[0].split if rows else ""
        known = self._rivals(config, name, finalists)
        scores, failed = scores_of(rows)
        earlier = earlier_finalists(rows, finalists, known)
        looked = replay(scores, finalists, known, seeds=SEEDS, failed=failed, earlier=earlier)
        n_lacking = sum(map(len, looked.needed.values()))
        return Moment(name, split, looked.n_looks, len(rows), len(rows) + n_lacking, elapsed_s)

    def _rivals(
        self, config: Mapping[str, Any], name: str, finalists: Sequence[str]
    ) -> dict[str, str]:
        """Return what ``trials.saved.rivals_of`` does, without loading the run's task."""
        key = (name, *finalists)
        if key not in self._known:
            # The zoo, for a task that the run was not searched with: its own are not in the store.
            own = config.get("known") if name == config.get("task") else None
            read = config.get("space_settings", {}).get("inputs", ONLY_X)
            task: Any = StoredTask(name, "", own, INPUTS)
            self._known[key] = known_contestants(task, finalists, tuple(read))
        return self._known[key]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
