"""What is no row of a run, and how it is said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from actsearch.runs import Heat, TrialRow, rows
from actsearch.runs.rows import Malformed
from tests.runs.conftest import MakeTraining


@pytest.mark.parametrize("seeds", [(), (1, 1), (1, 2, 1)])
def test_a_heat_has_seeds_and_each_once(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="heat 7 needs different seeds, got"):
        rows.heat_to_row(Heat(7, 0, "full", seeds, (), 0))


def test_a_result_that_is_none_is_said_to_be_whose(training: MakeTraining) -> None:
    with pytest.raises(ValueError, match=r"^birth 3: a stopped training is no result"):
        rows.training_to_row(training(3, 0, None, status="stopped"))
    row = vars(training(3, 0, None, status="stopped"))
    said = {name: value for name, value in row.items() if name not in ("birth_id", "rung")}
    trial = TrialRow(task="t", split="test", formula="x*x", **said)
    with pytest.raises(ValueError, match=r"^the trial of 'x\*x': a stopped training"):
        rows.trial_to_row(trial)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"rungs": [{"name": "short"}, {"name": "full"}]}, ("short", "full")),
        ({"rung": "full"}, ("full",)),  # of format 1
        ({}, ("",)),
    ],
)
def test_the_rungs_of_a_configuration(config: dict[str, Any], names: tuple[str, ...]) -> None:
    assert rows.ladder(config) == names


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")]
)
def test_numbers_that_json_lacks_are_words(value: float, text: str) -> None:
    assert rows.writable(value) == text


@pytest.mark.parametrize(
    ("curve", "pace", "said"),
    [
        ("[[1, 2]]", "[]", "a point of a curve has three numbers, not [1, 2]"),
        ("[]", "[[1]]", "a point of a pace has two numbers, not [1]"),
    ],
)
def test_points_that_are_none_are_quoted(curve: str, pace: str, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        rows.training_from_row((0, "full", 0, "ok", 0.5, "{}", curve, 1.0, "cpu", ""))
        rows.heat_from_row((0, 0, "full", "[0]", pace, 0))
    assert str(caught.value) == said


@pytest.mark.parametrize("value", [math.inf, {"a": [math.nan]}])
def test_json_has_no_numbers_that_are_none(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        rows.dump(value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("0", "full", 0, "ok", 0.5, "{}", "[]", 1.0, "cpu", ""), "an integer is wanted, not '0'"),
        ((0, 7, 0, "ok", 0.5, "{}", "[]", 1.0, "cpu", ""), "a text is wanted, not 7"),
        ((0, "full", 0, "ok", "x", "{}", "[]", 1.0, "cpu", ""), "a number is wanted, not 'x'"),
        ((0, "full", 0, "ok", 0.5, "[]", "[]", 1.0, "cpu", ""), "an object is wanted, not []"),
        ((0, "full", 0, "ok", 0.5, "{}", "{}", 1.0, "cpu", ""), "a list is wanted, not {}"),
        ((0, "full", 0, "ok", 0.5, "{", "[]", 1.0, "cpu", ""), "not JSON: Expecting property"),
    ],
)
def test_a_value_of_another_type_is_quoted(row: tuple[Any, ...], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        rows.training_from_row(row)
    assert str(caught.value).startswith(said)
