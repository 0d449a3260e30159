"""The parser: any text is an expression that is printed and read back, or one error with a place in
the text; nothing else, and never more work than the text is long.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.expressions import FormulaError, parse
from actsearch.expressions.parser import MAX_TEXT_CHARS
from tests.fuzz import promises, texts

#: Longer than any text that is accepted: it must be refused before it is looked at.
_LONG = texts.formulas.map(lambda text: text * (1 + 3 * MAX_TEXT_CHARS // len(text)))
ANY = st.one_of(texts.near_formulas, texts.formulas, st.text(), _LONG)


@given(ANY)
@example(texts.balanced(600, "pi"))  # read, it was longer than what is read
@example(texts.balanced(400, "cube(x)"))  # written as x**3, it had more nodes than are read
@example("max(x, p0*x); p0=0.25" + " " * 5000)
@example("input: relu(x) | last: " + "tanh(" * 101 + "x" + ")" * 101)
def test_any_text_is_a_formula_or_an_error_with_a_place(text: str) -> None:
    promises.formula(text)


@given(texts.formulas)
def test_what_is_right_is_accepted_up_to_the_limits(text: str) -> None:
    found = promises.read(text)
    if isinstance(found, FormulaError):
        assert len(text) > MAX_TEXT_CHARS or "more than" in str(found) or "at most" in str(found)


def calls_of(text: str) -> int:
    """Count the calls of functions that reading a text makes, Python's and C's."""
    n_calls = 0

    def count(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        promises.read(text)
    finally:
        sys.setprofile(before)
    return n_calls


#: Calls for each character, and those that any text costs: the guess at a misspelt name compares
#: it with all names that there are.
_CALLS_A_CHARACTER, _CALLS = 60, 20_000


@given(ANY)
@example("x" * 4000)
@example("sigmodi(" * 90 + "x" + ")" * 90)
@example("(" * 4000)
@example(";" * 4000)
@example("p0;" + "p0=1," * 700)
@example("|" * 4000)
@example("-" * 3999 + "x")
def test_work_is_bounded_by_the_length_of_the_text(text: str) -> None:
    n_chars = min(len(text), MAX_TEXT_CHARS)
    assert calls_of(text) <= _CALLS + _CALLS_A_CHARACTER * n_chars


@pytest.mark.parametrize("n_chars", [10**5, 10**7])
def test_a_text_that_is_too_long_is_refused_unread(n_chars: int) -> None:
    # One of formulas for groups is taken apart at its bars first, and each part is refused.
    for text in ("x" * n_chars, "x;" * (n_chars // 2), "x + " * (n_chars // 4)):
        assert calls_of(text) < 100
        with pytest.raises(FormulaError, match="characters; at most"):
            parse(text)
