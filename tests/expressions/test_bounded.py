"""Work that may never end does, and leaves nothing behind."""

from __future__ import annotations

import cProfile
import sys
from collections.abc import Iterator

import mpmath as mp
import pytest
import sympy

from actsearch.expressions.analysis.bounded import Budget


def endless() -> int:
    n = 0
    while True:
        n = max(n, abs(n) + 1)


def test_what_ends_in_time_is_returned() -> None:
    x = sympy.Symbol("x")
    assert Budget(1_000_000).spend(lambda: sympy.limit(sympy.sin(x) / x, x, 0)) == 1


def test_what_does_not_end_is_ended() -> None:
    budget = Budget(10_000)
    assert budget.spend(endless) is None
    assert budget.spend(lambda: 1) is None  # nothing is left


def test_work_that_swallows_everything_is_ended() -> None:
    """As a bare except in mpmath would; each new exception meets the next one."""
    swallowed = 0

    def step() -> bool:
        return swallowed < 5

    def stubborn() -> None:
        nonlocal swallowed
        while step():
            try:
                while step():
                    pass
            except BaseException:  # noqa: BLE001 that is the point
                swallowed += 1
        while True:
            step()

    before = sys.gettrace()
    if before is not None:
        pytest.skip("a debugger or a coverage run has the second hook")
    assert Budget(1000).spend(stubborn) is None
    assert swallowed == 5
    assert (sys.gettrace(), sys.getprofile()) == (None, None)


def test_a_failure_is_no_answer_and_costs_what_it_took() -> None:
    budget = Budget(10_000)
    assert budget.spend(lambda: 1 // 0) is None
    assert budget.spend(lambda: 2) == 2


def test_precision_and_profile_are_put_back() -> None:
    before = mp.mp.prec

    def careless() -> None:
        mp.mp.prec = 1000
        endless()

    assert Budget(1000).spend(careless) is None
    assert sys.getprofile() is None
    assert mp.mp.prec == before


def test_a_profiler_is_left_alone() -> None:
    profile, budget = cProfile.Profile(), Budget(1000)
    profile.enable()
    try:
        assert budget.spend(lambda: 1) is None
        assert sys.getprofile() is not None
    finally:
        profile.disable()
    assert budget.spend(lambda: 1) == 1


@pytest.mark.parametrize("n_calls", range(40, 90))
def test_nothing_is_raised_where_it_would_be_lost(n_calls: int) -> None:
    """Generators that are closed before their end, finalisers: a complaint would be an error."""

    class Going:
        def __del__(self) -> None:
            max(abs(-1), 1)

    def work() -> None:
        while True:
            any(max(n, 1) > 0 for n in range(3))
            Going()

    assert Budget(n_calls).spend(work) is None


def test_an_interrupt_goes_through() -> None:
    def interrupted() -> Iterator[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Budget(1000).spend(interrupted)
    assert sys.getprofile() is None
