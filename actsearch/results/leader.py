"""Which birth of a run leads: one rule, so that all who name a leader name the same.

The best of many scores is partly luck, and a confirmation corrects that. So where a verdict has had
a look at its trials, its leader is the run's; else the first of the hall of fame.
"""

from __future__ import annotations

from actsearch.results.verdict import Judgement
from actsearch.results.view import RunView
from actsearch.runs.follow import confirms


def leader_of(view: RunView, judgement: Judgement | None) -> int | None:
    """Return the birth that leads a run, None where nothing has a score.

    Args:
        view: the run.
        judgement: the verdict on its own task; None where it was not confirmed.
    """
    ranked = view.ranked
    named = judgement.leader if judgement is not None and judgement.n_looks else None
    first = next(iter(ranked), None)
    if named is not None:
        first = next((row for row in ranked if row["formula"] == named), first)
    return None if first is None else int(first["id"])


def is_settled(view: RunView, judgement: Judgement | None) -> bool:
    """Tell whether to confirm again would change nothing: clear, and not searched on since."""
    if judgement is None or not judgement.is_clear:
        return False
    return not view.sessions or confirms(view.sessions[-1])
