"""Why a search ended, in words, and what turned away the births of one in which nothing passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from actsearch.durations import format_duration
from actsearch.errors import counted
from actsearch.runs import Birth
from actsearch.runs.outcomes import (
    EXHAUSTED,
    HARDLY_ANY_IS_NEW,
    HARDLY_ANY_PASSES,
    NOTHING_PASSES,
    WALKED_THROUGH,
)
from actsearch.runs.records import ACCEPTED, DUPLICATE, REJECTED, SCREENED

#: How many causes are told one by one.
_N_CAUSES = 6
#: Of so many births at least (or all there are) it is told that hardly any passes, and so few of
#: them do then. In a usual space every second birth passes, and of 20 hardly ever less than three.
_FEW_BIRTHS, _FEW_PASS = 20, 0.1
_REMEDY = ". Loosen what rejects most, or give seeds and primitives that meet it"
_CAUSES = {
    DUPLICATE: "the same function as a birth before",
    SCREENED: "nearly the same as one trained, or less promising than a sibling",
}


def out_of_time(budget_s: float | None, *, trained: bool = True, compiled_s: float = 0.0) -> str:
    """Say that the time is used up.

    Args:
        budget_s: The budget.
        trained: Whether a training came to its end.
        compiled_s: How long compiling took.
    """
    budget = "" if budget_s is None else f" of {format_duration(budget_s)}"
    ended = f"the budget{budget} is used up"
    if trained:
        return ended
    compiled = f"compiling the first formulas ({format_duration(compiled_s)}), "
    return (
        f"{ended} before a training came to its end: it went into "
        f"{compiled if compiled_s >= 1 else ''}"
        "starting the workers, and trainings that were cut short; give it a larger one"
    )


def stopped_early(n_times: int) -> str:
    """Say that a training never came to its end, though there was time left."""
    return (
        f"workers stopped one training {n_times} times before the budget was used up; is the "
        "clock of one of them ahead?"
    )


def enough_births(limit: int | None, n_births: int, fruitless: Sequence[Birth] = ()) -> str:
    """Say that the limit of births is reached; siblings are bred together or not at all.

    Args:
        limit: Most births.
        n_births: How many there are.
        fruitless: The births since the last one that was trained, and then those that did not fit
            into the limit and are left out. Of the latter those that may yet be chosen for a
            training count as accepted.

    Returns:
        A sentence; where next to none was worth training, with the share of each cause.
    """
    if limit is None or n_births >= limit:
        return f"the limit of {counted(limit or 0, 'birth')} is reached"
    left_out = (
        f"the limit of {counted(limit, 'birth')} "
        f"leaves room for {limit - n_births}, and the next are more, "
        "bred together"
    )
    n_passing = sum(birth.status == ACCEPTED for birth in fruitless)
    if len(fruitless) < min(_FEW_BIRTHS, limit) or n_passing > _FEW_PASS * len(fruitless):
        return left_out
    what = HARDLY_ANY_PASSES if _mostly_rejected(fruitless) else HARDLY_ANY_IS_NEW
    worth = f"{n_passing} may be" if n_passing else "none was"
    return (
        f"{left_out}, as {what}: of the last {len(fruitless)} births, those left out among them, "
        f"{worth} worth training: {_causes(fruitless)}"
    )


def walked_through(size: int, births: Sequence[Birth]) -> str:
    """Say that a finite space was seen to its end; where nothing was trained, also why."""
    trained = sum(birth.status == ACCEPTED for birth in births)
    seen = f"{WALKED_THROUGH}: all of its {size:,} expressions were seen once; with the seeds "
    if trained or not births:
        return f"{seen}{trained:,} different functions were worth training"
    return f"{seen}none of {len(births):,} births was worth training: {_causes(births)}"


def nothing_new(births: Sequence[Birth], n: int) -> str:
    """Say what became of the last ``n`` births, none of which was worth training.

    Returns:
        A sentence with the share of each cause.
    """
    last = births[-n:]
    what = NOTHING_PASSES if _mostly_rejected(last) else EXHAUSTED
    return f"{what}: none of the last {len(last)} births was worth training: {_causes(last)}"


def _causes(births: Sequence[Birth]) -> str:
    """Return the share of each cause, the most frequent first, and what helps.

    Reasons count by what stands before their colon: a condition's name, or a check's.
    """
    causes = Counter(_cause(birth) for birth in births if birth.status != ACCEPTED).most_common()
    if len(causes) > _N_CAUSES:
        rest = sum(count for _, count in causes[_N_CAUSES - 1 :])
        causes[_N_CAUSES - 1 :] = [("others", rest)]
    shares = "; ".join(f"{100 * count / len(births):.1f} % {cause}" for cause, count in causes)
    return shares + (_REMEDY if _mostly_rejected(births) else "")


def _mostly_rejected(births: Sequence[Birth]) -> bool:
    return 2 * sum(birth.status == REJECTED for birth in births) > len(births)


def _cause(birth: Birth) -> str:
    if birth.status == REJECTED:
        return birth.reason.partition(":")[0]
    return _CAUSES.get(birth.status, birth.status)
