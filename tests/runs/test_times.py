"""When births came about, in the time of the search."""

from __future__ import annotations

from actsearch.runs import Birth, Session, births_s


def test_time_between_sessions_does_not_count() -> None:
    sessions = [
        Session(1, 100.0, None, 30.0, {}),  # killed
        Session(2, 500.0, 560.0, 60.0, {"kind": "confirm"}),
        Session(3, 1000.0, 1050.0, 50.0, {}),
    ]
    at = {0: 99.0, 1: 100.0, 2: 125.0, 3: 1000.0, 4: 1010.0}
    births = [Birth(k, "seed", (), "x", None, "accepted", created_s=s) for k, s in at.items()]
    assert births_s(births, sessions) == {1: 0.0, 2: 25.0, 3: 30.0, 4: 40.0}
    assert births_s(births, []) == {}
