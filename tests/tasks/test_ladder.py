"""Ladders of rungs: the default one grows whatever its length, and what is no ladder is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.tasks.ladder import check_ladder, default_ladder
from actsearch.tasks.protocol import Rung


def test_default_ladder() -> None:
    short, medium, full = default_ladder(700)
    assert (short.name, short.steps, short.seeds) == ("short", 100, (0,))
    assert (medium.name, medium.steps, medium.seeds) == ("medium", 280, (0,))
    assert (full.name, full.steps, full.seeds) == ("full", 700, (0, 1, 2, 3, 4, 5, 6, 7))


@given(steps=st.integers(1, 5000))
def test_default_ladders_are_ladders(steps: int) -> None:
    ladder = default_ladder(steps)
    check_ladder("any", steps, ladder)
    assert (ladder[-1].name, ladder[-1].steps) == ("full", steps)
    assert len(ladder) == 3 or steps < 6


ONE = Rung("one", 5, (0,))


@pytest.mark.parametrize(
    ("rungs", "says"),
    [
        ((), "task 't' needs one rung or more, got none"),
        ((ONE, Rung("one", 9, (0,))), "need different names, got one, one"),
        ((Rung("none", 0, (0,)), Rung("two", 9, (0,))), "must grow in steps, from 1 on, got 0, 9"),
        ((ONE, Rung("two", 5, (0,)), Rung("three", 9, (0,))), "must grow in steps.* got 5, 5, 9"),
        ((Rung("two", 9, (0,)), ONE), "must grow in steps.* got 9, 5"),
        (
            (ONE, Rung("two", 9, ())),
            "rung 'two' .* needs one seed or more, all different, got none",
        ),
        ((ONE, Rung("two", 9, (3, 1, 3))), "rung 'two' .* got 3, 1, 3"),
        ((ONE,), re.escape("steps=9, but its last rung 'one' has 5")),
    ],
)
def test_what_is_no_ladder(rungs: tuple[Rung, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check_ladder("t", 9, rungs)
