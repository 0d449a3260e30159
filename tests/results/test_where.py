"""Filters and orders as a user types them."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.results.where import NUMBER, TEXT, chosen, read_filter, read_order

KINDS = {
    "score": NUMBER,
    "born_s": NUMBER,
    "gain_over_relu": NUMBER,
    "formula": TEXT,
    "known": TEXT,
}
ROWS: list[dict[str, Any]] = [
    {"id": 0, "score": 0.6, "born_s": 10.0, "formula": "relu(x)", "known": "ReLU"},
    {"id": 1, "score": 0.7, "born_s": 130.0, "formula": "x*tanh(x)", "known": None},
    {"id": 2, "score": None, "born_s": 200.0, "formula": "tanh(x) > 0", "known": None},
    {"id": 3, "score": math.nan, "born_s": None, "formula": "", "known": ""},
]


def ids(*texts: str, **more: Any) -> list[int]:
    return [row["id"] for row in chosen(ROWS, [read_filter(t, KINDS) for t in texts], **more)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), [0, 1, 2, 3]),
        (("score>0.6",), [1]),
        (("score >= 0.6",), [0, 1]),
        ((" Score<.65 ",), [0]),
        (("score=0.7",), [1]),
        (("score!=0.7",), [0, 2, 3]),
        (("score=none",), [2]),
        (("score!=none",), [0, 1, 3]),
        (("known = None",), [1, 2]),
        (("known=relu",), [0]),
        (("known!=relu",), [1, 2, 3]),
        (("formula~TANH",), [1, 2]),
        (("formula!~tanh",), [0, 3]),
        (("formula~> 0",), [2]),
        (("formula='relu(x)'",), [0]),
        (("born_s<2m5s",), [0]),
        (("born-s>100", "score>0"), [1]),
        (("score<0.65", "score>0.65"), []),
        (("score~0.7",), [1]),
    ],
)
def test_rows_that_pass(texts: tuple[str, ...], expected: list[int]) -> None:
    assert ids(*texts) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scor>1", "did you mean 'score'"),
        ("score", "no filter"),
        ("", "no filter"),
        (">3", "no filter"),
        ("score>high", "score is a number; got 'high'"),
        ("born_s>soon", "a time such as 2m"),
        ("score>none", "nothing is above or below none"),
        ("formula>relu", "formula is a text"),
        ("__class__=x", "unknown column|no filter"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_filter(text, KINDS)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_filter(text, KINDS)
    except BadInput:
        return
    assert found.column in KINDS
    assert set(map(type, map(found.passes, ROWS))) == {bool}


SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite), finite, st.sampled_from(sorted(SIGNS)))
def test_a_filter_is_the_comparison_it_says(values: list[float], bound: float, sign: str) -> None:
    rows = [{"score": value} for value in values]
    found = chosen(rows, [read_filter(f"score{sign}{bound!r}", KINDS)])
    assert found == [row for row in rows if SIGNS[sign](row["score"], bound)]


@given(st.lists(st.none() | st.integers(-9, 9)), st.booleans(), st.none() | st.integers(1, 9))
def test_sorting_is_stable_with_what_lacks_a_value_last(
    values: list[int | None], descending: bool, top: int | None
) -> None:
    rows = [{"id": k, "score": value} for k, value in enumerate(values)]
    found = chosen(rows, order=read_order("-score" if descending else "score", KINDS), top=top)
    sign = -1 if descending else 1
    expected = sorted(
        rows, key=lambda r: (r["score"] is None, sign * (r["score"] or 0), r["id"])
    )  # fmt: skip
    assert found == expected[:top]


def test_texts_sort_by_their_letters() -> None:
    assert ids(order=read_order("formula", KINDS)) == [3, 0, 2, 1]
    assert ids(order=read_order("-FORMULA", KINDS)) == [1, 2, 0, 3]
    with pytest.raises(BadInput, match="did you mean 'score'"):
        read_order("-scores", KINDS)
