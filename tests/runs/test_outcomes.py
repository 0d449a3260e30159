"""Endings: which of them are for good, told from what a run's sessions keep."""

from __future__ import annotations

import pytest

from actsearch.runs import Birth, Session, is_final, last_outcome, nothing_passed
from actsearch.search import endings


def births(status: str, n: int) -> list[Birth]:
    return [Birth(k, "random", (), "x", None, status, reason="affine: x") for k in range(n)]


@pytest.mark.parametrize(
    ("sentence", "final", "nothing"),
    [
        (endings.out_of_time(90.0), False, False),
        (endings.enough_births(40, 40), False, False),
        (endings.enough_births(40, 31), False, False),
        (endings.walked_through(9, births("accepted", 3)), True, False),
        (endings.nothing_new(births("rejected", 50), 50), True, True),
        (endings.nothing_new(births("duplicate", 50), 50), True, False),
        ("", False, False),
    ],
)
def test_what_an_ending_means(sentence: str, final: bool, nothing: bool) -> None:
    assert (is_final(sentence), nothing_passed(sentence)) == (final, nothing)


def test_the_last_search_counts_and_no_confirmation() -> None:
    def session(id_: int, kind: str | None, outcome: str) -> Session:
        info: dict[str, object] = {} if kind is None else {"kind": kind}
        return Session(id_, 0.0, 1.0, 1.0, info, outcome)

    searches = [session(0, None, "first"), session(1, None, "second")]
    assert last_outcome([]) == ""
    assert last_outcome([*searches, session(2, "confirm", "done")]) == "second"
