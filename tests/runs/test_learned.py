"""What parameters became: which trainings count, and how they are summed up."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.expressions import parse
from actsearch.runs import TrainingRow, learned, learned_means

FORMULA = parse("p0*x*sigmoid(p10*x); p10=1.5")


def rows(*metrics: dict[str, float], **changes: Any) -> list[TrainingRow]:
    """Return trainings at seeds 0, 1 ... with these metrics."""
    usual: dict[str, Any] = {
        "birth_id": 0, "rung": "full", "status": "ok", "score": 0.5, "curve": ((30, 1.0, 0.5),),
        "time_s": 1.0, "device": "cpu",
    }  # fmt: skip
    return [
        TrainingRow(seed=seed, metrics=one, **usual | changes) for seed, one in enumerate(metrics)
    ]


def test_mean_and_deviation_are_over_seeds() -> None:
    trained = rows({"p0[0]": 1.0, "p0[1]": 3.0}, {"p0[0]": 2.0, "p0[1]": 5.0})
    first, second = learned(trained[::-1], FORMULA)
    assert (first.parameter, first.layer, first.start, first.mean, first.n) == ("p0", 0, 1, 1.5, 2)
    assert first.deviation == pytest.approx(statistics.stdev([1.0, 2.0]))
    assert second.values == ((0, 3.0), (1, 5.0))
    assert first.channel_deviation is None


def test_one_seed_has_no_deviation_and_unknown_formulas_no_start() -> None:
    (one,) = learned(rows({"p0[0]": 1.0}))
    assert (one.mean, one.deviation, one.start, one.task) == (1.0, None, None, "")


def test_they_come_by_task_number_and_layer() -> None:
    names = ["b: p0[0]", "a: p10[2]", "a: p10[10]", "a: p2[0]", "a: p10[2]"]
    found = learned(rows(dict.fromkeys(names, 0.5)), FORMULA)
    assert [(one.task, one.parameter, one.layer) for one in found] == [
        ("a", "p2", 0), ("a", "p10", 2), ("a", "p10", 10), ("b", "p0", 0),
    ]  # fmt: skip
    assert [one.start for one in found] == [None, 1.5, 1.5, 1.0]


def test_other_measures_are_passed_over() -> None:
    others = {
        "train_loss": 1.0, "weight[0]": 0.2, "dead_units[0]": 0.1, "p[0]": 1.0, "p0": 2.0,
        "p0[x]": 1.0, "xp0[1]": 1.0, "p0_sd[0]": 0.3,
    }  # fmt: skip
    assert learned(rows(others, {"p0[0]": math.nan})) == ()
    assert learned_means(rows(others)) == {}
    assert learned([]) == ()


def test_of_channels_the_spread_is_told() -> None:
    trained = rows({"p0[0]": 1.0, "p0_sd[0]": 0.1}, {"p0[0]": 1.0, "p0_sd[0]": 0.3})
    (one,) = learned(trained)
    assert one.channel_deviation == pytest.approx(0.2)


def test_only_the_longest_rung_counts_and_there_what_ended_well() -> None:
    long = rows({"p0[0]": 1.0}, {"p0[0]": 2.0}, rung="a long one")
    short = rows({"p0[0]": 8.0}, {"p0[0]": 9.0}, rung="short", curve=((10, 1.0, 0.5),))
    longer_but_failed = rows({"p0[0]": 7.0}, status="diverged", score=None, rung="a long one")
    trained = [*long, *short, *longer_but_failed]
    assert learned_means(trained) == {"p0": 1.5}
    assert learned_means(trained, ["short", "a long one"]) == {"p0": 1.5}
    assert learned_means(trained, ["a long one", "short"]) == {"p0": 8.5}
    assert learned_means(trained, ["short", "a long one", "longest"]) == {"p0": 1.5}
    without_curves = rows({"p0[0]": 4.0}, rung="only", curve=())
    assert learned_means(without_curves) == {"p0": 4.0}


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=5))
def test_means_are_over_layers_and_seeds(values: list[list[float]]) -> None:
    metrics = [{"p0[0]": first, "p1[0]": 1.0, "p0[1]": second} for first, second in values]
    found = learned_means(rows(*metrics))
    flat = [value for pair in values for value in pair]
    assert found["p0"] == pytest.approx(statistics.fmean(flat), abs=1e-6)
    assert found["p1"] == 1.0
