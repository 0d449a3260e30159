"""Targets as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.tasks.target import TARGETS, Target


@given(metric=st.sampled_from(sorted(TARGETS)), value=st.floats(0, 0.99))
def test_what_is_read_is_meant(metric: str, value: float) -> None:
    assert Target.parse(f" {metric} = {value!r} ") == Target(metric, value)


@given(metric=st.sampled_from(sorted(TARGETS)), hundredths=st.integers(0, 99))
def test_text_and_back(metric: str, hundredths: int) -> None:
    target = Target(metric, hundredths / 100)
    assert Target.parse(str(target)) == target


def test_losses_may_be_large() -> None:
    assert Target.parse("validation-loss=2.5").value == 2.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train-error", "given as METRIC=VALUE, for instance train-error=0.25, got 'train-error'"),
        ("", "given as METRIC=VALUE"),
        ("train-eror=0.25", "unknown target 'train-eror'; did you mean 'train-error'"),
        ("train-error=", "train-error needs a number after '=', got ''"),
        ("train-error=25%", "needs a number after '=', got '25%'"),
        ("train-error=25", "from 0 on and below 1, got 25"),
        ("train-error=-0.1", "from 0 on and below 1, got -0.1"),
        ("train-loss=nan", "must be a finite number, got nan"),
        ("train-loss=inf", "must be a finite number, got inf"),
    ],
)
def test_what_is_no_target(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Target.parse(text)
