"""Which functions a run puts forward: one order for page and pictures."""

from __future__ import annotations

from actsearch.trials.account import Account

MOST_FORWARD = 3


def put_forward(account: Account) -> tuple[str, ...]:
    """Return the formulas that a run puts forward, three at most, the best first.

    Those that were confirmed: after a look in the order of the verdict, whose first is the leader,
    before it as they were chosen. Without a confirmation the best that are no known activations.
    """
    trials = account.trials
    if trials is None or not trials.finalists:
        chosen = [row["formula"] for row in account.run.ranked if not row["known"]]
    else:
        judged = trials.verdict.rows if trials.verdict.judgement.n_looks else ()
        chosen = [row.formula for row in judged if row.formula in trials.finalists]
        chosen += trials.finalists
    return tuple(dict.fromkeys(chosen))[:MOST_FORWARD]


def is_led(account: Account) -> bool:
    """Tell whether the first of them leads by a look at a confirmation, and not by luck alone."""
    return account.trials is not None and account.trials.verdict.judgement.n_looks > 0
