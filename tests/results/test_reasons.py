"""Reasons counted by their kind."""

from __future__ import annotations

import dataclasses

import pytest

from actsearch.results.reasons import kind_of, reason_counts
from actsearch.runs import Birth


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("constant: -0.881374", "constant: N"),
        ("affine: 2*x + 0", "affine: N*x + N"),
        ("non-finite: 8.89e+39 at x = 3.85", "non-finite: N at x = N"),
        ("non-finite: inf at x = -.5", "non-finite: N at x = N"),
        ("as birth 41 did: their distance is 0.000", "as birth N did: their distance is N"),
        ("log1p(x) of p0 and u2", "log1p(x) of p0 and u2"),
        ("too\n large:  31 nodes", "too large: N nodes"),
        ("", ""),
    ],
)  # fmt: skip
def test_numbers_are_left_out(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


def test_births_that_were_turned_away_are_counted() -> None:
    def birth(id_: int, status: str, reason: str) -> Birth:
        return Birth(id_, "seed", (), "x", None, status, reason)

    births = [
        birth(0, "accepted", ""),
        birth(1, "rejected", "constant: 1"),
        birth(2, "screened", "constant: 2"),
        birth(3, "rejected", "constant: 3"),
    ]
    births[3] = dataclasses.replace(births[3], formula="y")
    assert [row["births"] for row in reason_counts(births, lambda reason: reason)] == [1, 1, 1]
    assert reason_counts(births) == [
        {
            "status": "rejected", "kind": "constant: N", "births": 2, "share": 0.5,
            "example": "constant: 1", "example_id": 1, "formulas": ["x", "y"],
        },
        {
            "status": "screened", "kind": "constant: N", "births": 1, "share": 0.25,
            "example": "constant: 2", "example_id": 2, "formulas": ["x"],
        },
    ]  # fmt: skip
    assert reason_counts([]) == []
