"""Why a search ended, in words, and what turned away the births of one in which nothing passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from actsearch.durations import format_duration
from actsearch.runs import Birth
from actsearch.runs.outcomes import EXHAUSTED, NOTHING_PASSES, WALKED_THROUGH
from actsearch.runs.records import ACCEPTED, DUPLICATE, REJECTED, SCREENED

#: How many causes are told one by one.
_N_CAUSES = 6
_REMEDY = ". Loosen what rejects most, or give seeds and primitives that meet it"
_CAUSES = {
    DUPLICATE: "the same function as a birth before",
    SCREENED: "nearly the same as one trained, or less promising than a sibling",
}


def out_of_time(budget_s: float | None) -> str:
    """Say that the time is used up."""
    budget = "" if budget_s is None else f" of {format_duration(budget_s)}"
    return f"the budget{budget} is used up"


def enough_births(limit: int | None, n_births: int) -> str:
    """Say that the limit of births is reached; siblings are bred together or not at all."""
    if limit is not None and n_births < limit:
        return (
            f"the limit of {limit} births leaves room for {limit - n_births}, and the next are "
            "more, bred together"
        )
    return f"the limit of {limit} births is reached"


def walked_through(size: int, births: Sequence[Birth]) -> str:
    """Say that a finite space was seen to its end."""
    trained = sum(birth.status == ACCEPTED for birth in births)
    return (
        f"{WALKED_THROUGH}: all of its {size:,} expressions were seen once; with the seeds "
        f"{trained:,} different functions were worth training"
    )


def nothing_new(births: Sequence[Birth], n: int) -> str:
    """Say what became of the last ``n`` births, none of which was worth training.

    Returns:
        A sentence with the share of each cause, the most frequent first. Reasons count by what
        stands before their colon: a condition's name, or a check's.
    """
    last = births[-n:]
    causes = Counter(_cause(birth) for birth in last)
    shares = [f"{100 * count / len(last):.1f} % {cause}" for cause, count in causes.most_common()]
    if len(shares) > _N_CAUSES:
        rest = sum(count for _, count in causes.most_common()[_N_CAUSES - 1 :])
        shares[_N_CAUSES - 1 :] = [f"{100 * rest / len(last):.1f} % others"]
    rejected = sum(birth.status == REJECTED for birth in last)
    if 2 * rejected > len(last):
        what, remedy = NOTHING_PASSES, _REMEDY
    else:
        what, remedy = EXHAUSTED, ""
    none = f"none of the last {len(last)} births was worth training"
    return f"{what}: {none}: {'; '.join(shares)}{remedy}"


def _cause(birth: Birth) -> str:
    if birth.status == REJECTED:
        return birth.reason.partition(":")[0]
    return _CAUSES.get(birth.status, birth.status)
