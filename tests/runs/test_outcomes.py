"""Endings: which of them are for good, told from what a run's sessions keep."""

from __future__ import annotations

import pytest

from actsearch.runs import (
    Birth,
    Session,
    is_final,
    lacks_births,
    last_outcome,
    nothing_passed,
)
from actsearch.search import endings


def births(status: str, n: int) -> list[Birth]:
    return [Birth(k, "random", (), "x", None, status, reason="affine: x") for k in range(n)]


@pytest.mark.parametrize(
    ("sentence", "final", "nothing"),
    [
        (endings.out_of_time(90.0), False, False),
        (endings.enough_births(40, 40), False, False),
        (endings.enough_births(40, 31), False, False),
        (endings.enough_births(40, 1, births("rejected", 40)), False, False),
        (endings.walked_through(9, births("accepted", 3)), True, False),
        (endings.walked_through(9, births("rejected", 9)), True, False),
        (endings.nothing_new(births("rejected", 50), 50), True, True),
        (endings.nothing_new(births("duplicate", 50), 50), True, False),
        ("", False, False),
    ],
)
def test_what_an_ending_means(sentence: str, final: bool, nothing: bool) -> None:
    assert (is_final(sentence), nothing_passed(sentence)) == (final, nothing)


@pytest.mark.parametrize(
    ("n_passing", "n_rejected", "n_duplicates", "said"),
    [
        (0, 0, 0, None),
        (0, 19, 0, None),  # too few to tell
        (0, 60, 40, "hardly any passes: of the last 100 births, those left out among them, none"),
        (1, 0, 99, "hardly any is new: of the last 100 births, those left out among them, 1 may be"),
        (10, 90, 0, "hardly any passes"),
        (11, 89, 0, None),
    ],
)
def test_a_limit_says_why_it_left_births_out(
    n_passing: int, n_rejected: int, n_duplicates: int, said: str | None
) -> None:
    left_out = [
        *births("accepted", n_passing),
        *births("rejected", n_rejected),
        *births("duplicate", n_duplicates),
    ]
    ended = endings.enough_births(200, 99, left_out)
    assert lacks_births(ended) == (said is not None)
    assert ended.startswith("the limit of 200 births leaves room for 101, and the next are more, ")
    assert (said or "bred together") in ended
    assert ("Loosen" in ended) == (said is not None and n_rejected > 50)
    assert not lacks_births(endings.enough_births(99, 99, left_out))


def test_the_last_search_counts_and_no_confirmation() -> None:
    def session(id_: int, kind: str | None, outcome: str) -> Session:
        info: dict[str, object] = {} if kind is None else {"kind": kind}
        return Session(id_, 0.0, 1.0, 1.0, info, outcome)

    searches = [session(0, None, "first"), session(1, None, "second")]
    assert last_outcome([]) == ""
    assert last_outcome([*searches, session(2, "confirm", "done")]) == "second"
