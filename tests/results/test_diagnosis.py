"""Means of looks over seeds, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.results.diagnosis import (
    DEAD,
    MEASURES,
    OFF_ZERO,
    SATURATED,
    SPARSE,
    VANISHED,
    LayerFinding,
    geometric_mean,
    layer_findings,
    looked,
    percent,
    reaches,
    sentences,
)

CALM = {
    "dead_units": 0.0,
    "saturated": 0.0,
    "gradient": 1.0,
    "output_mean": 0.0,
    "output_deviation": 1.0,
    "zeros": 0.0,
    "near_zero": 0.0,
}


def metrics(*layers: Mapping[str, float], step: int = 0) -> dict[str, float]:
    return {
        f"{name}[{layer}]@{step}": value
        for layer, changes in enumerate(layers)
        for name, value in (CALM | dict(changes)).items()
    }


def said(*layers: Mapping[str, float], start: Any = None) -> tuple[str, ...]:
    """Return what is said of a training that begins with ``start`` and ends with ``layers``."""
    first = metrics(*(start or [{}] * len(layers)))
    looks = [looked(first | metrics(*layers, step=9))]
    return sentences(layer_findings(looks), reaches(looks))


CALM_SAID = ("gradients reach the first layer: 1 of the last's",)


def test_metrics_are_read_back_and_others_passed_over() -> None:
    given = {"zeros[0]@10": 0.5, "p0[1]": 2.0, "validation_loss": 1.0, "saturated[0]": 0.1}
    assert looked(given) == {10: {0: {"zeros": 0.5}}}
    (found,) = looked({"output_mean[2]@0": -3.0, "output_deviation[2]@0": 2.0})[0].values()
    assert found["off_zero"] == 1.5
    (found,) = looked({"output_mean[2]@0": -3.0, "output_deviation[2]@0": 0.0})[0].values()
    assert "off_zero" not in found


def test_means_are_over_the_trainings_that_got_there() -> None:
    one = metrics({"dead_units": 0.2, "gradient": 1.0}, step=0) | metrics({"zeros": 1.0}, step=5)
    two = metrics({"dead_units": 0.4, "gradient": 100.0}, step=0)
    three = {key: value for key, value in two.items() if not key.startswith("off_zero")}
    start, end = layer_findings([looked(each) for each in (one, two, three)])
    assert (start.step, start.layer, start.n) == (0, 0, 3)
    assert start.dead_units == pytest.approx(1 / 3)
    assert start.gradient == pytest.approx(10_000 ** (1 / 3))
    assert start.off_zero == 0
    assert (end.step, end.n, end.zeros) == (5, 1, 1.0)
    assert set(CALM) | {"off_zero"} == set(MEASURES)


def test_a_gradient_that_was_not_finite_is_no_small_one() -> None:
    first = {key: value for key, value in metrics({}, {}).items() if key != "gradient[0]@0"}
    looks = [looked(first)]
    assert layer_findings(looks)[0].gradient == math.inf
    assert reaches(looks)[0].ratio == math.inf
    assert any("explode" in one for one in sentences(layer_findings(looks), reaches(looks)))
    # The loss itself is infinite: nothing is known of how gradients pass.
    none = {key: value for key, value in first.items() if key != "gradient[1]@0"}
    assert reaches([looked(none)]) == ()


def test_the_distance_from_zero_is_that_of_each_seed() -> None:
    """Means of opposite signs are no zero."""
    looks = [looked(metrics({"output_mean": sign * 2.0})) for sign in (1, -1)]
    (found,) = layer_findings(looks)
    assert (found.output_mean, found.off_zero) == (0.0, 2.0)


def test_no_looks_say_nothing() -> None:
    assert layer_findings([{}]) == ()
    assert reaches([{}]) == ()
    assert sentences((), ()) == ()


def test_the_reach_is_first_over_last_and_needs_two_layers() -> None:
    looks = [
        looked(metrics({"gradient": gradient}, {}, {"gradient": 2.0})) for gradient in (1.0, 4.0)
    ]
    (found,) = reaches(looks)
    assert (found.step, found.low, found.high) == (0, 0.5, 2.0)
    assert found.ratio == pytest.approx(1.0)
    assert reaches([looked(metrics({}))]) == ()
    assert reaches([looked(metrics({}, {"gradient": 0.0}))]) == ()
    assert reaches([looked(metrics({"gradient": 0.0}, {}))])[0].ratio == 0


@given(st.lists(st.floats(1e-30, 1e30), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_a_geometric_mean_lies_between_and_scales(values: list[float], factor: float) -> None:
    mean = geometric_mean(values)
    assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
    scaled = geometric_mean([factor * value for value in values])
    assert math.isclose(scaled, factor * mean, rel_tol=1e-9)
    assert geometric_mean([*values, 0.0]) == 0


def test_what_stands_out_is_said_and_nothing_else() -> None:
    assert said({}, {}) == CALM_SAID
    assert said({"dead_units": 0.3}, {"dead_units": 0.5}) == (
        *CALM_SAID, "40 % of the units are dead (50 % in layer 1)",
    )  # fmt: skip
    assert said({}, {"output_mean": -0.5}) == (
        *CALM_SAID, "not zero-centred: mean -0.5 in layer 1, 0.5 deviations off 0",
    )  # fmt: skip
    assert said({"saturated": 0.6}, {"saturated": 0.4}) == (*CALM_SAID, "50 % saturated")
    relu = {"saturated": 0.55, "zeros": 0.55}
    assert said(relu, relu) == (*CALM_SAID, "55 % zeros and about as many saturated")
    clip = {"saturated": 0.9, "zeros": 0.3}
    assert said(clip, clip) == (*CALM_SAID, "30 % zeros and 90 % saturated")


def test_layers_that_are_all_alike_and_those_that_do_not_vary() -> None:
    dead = {"dead_units": 1.0, "output_deviation": 0.0, "output_mean": -1.0}
    assert said(dead, dead) == (
        *CALM_SAID,
        "100 % of the units are dead",
        "the outputs of layer 0 don't vary: all are -1",
        "the outputs of layer 1 don't vary: all are -1",
    )


def test_gradients_that_vanish_or_explode_are_told_from_start_to_end() -> None:
    assert said({"gradient": 1e-5}, {}, start=[{"gradient": 3e-7}, {}])[0] == (
        "gradients vanish: the first layer gets 3e-07 of the last's at the start, 1e-05 after 9 "
        "steps"
    )
    assert said({"gradient": 0.5}, {}, start=[{"gradient": 1e-3}, {}])[0] == (
        "gradients vanish: the first layer gets 0.001 of the last's at the start, 0.5 after 9 steps"
    )
    assert said({"gradient": 1e4}, {})[0].endswith(
        "gets 1 times the last's at the start, 1e+04 after 9 steps"
    )
    assert said({"gradient": 0.0}, {})[0].endswith(" 0 after 9 steps")


def test_a_signal_that_fades_or_swells_at_the_start_is_told() -> None:
    faded = said({}, {}, start=[{"output_deviation": 0.5}, {"output_deviation": 0.002}])
    assert faded[1] == (
        "the signal fades: outputs deviate by 0.5 in the first layer, by 0.002 in the last at the "
        "start"
    )
    assert said({}, {}, start=[{}, {"output_deviation": 50}])[1].startswith("the signal swells")
    assert said({}, {"output_deviation": 50}) == CALM_SAID


@pytest.mark.parametrize(
    ("measure", "limit", "word"),
    [
        ("dead_units", DEAD, "dead"),
        ("saturated", SATURATED, "saturated"),
        ("output_mean", OFF_ZERO, "zero-centred"),
        ("zeros", SPARSE, "zeros"),
    ],
)
def test_the_limits_are_where_they_are_said_to_be(measure: str, limit: float, word: str) -> None:
    above, below = limit * 1.001, limit * 0.999
    assert any(word in text for text in said({measure: above}, {measure: above}))
    assert said({measure: below}, {measure: below}) == CALM_SAID


def test_the_limit_of_vanishing() -> None:
    assert "vanish" in said({"gradient": VANISHED * 0.99}, {})[0]
    assert "reach" in said({"gradient": VANISHED * 1.01}, {})[0]


def test_shares_next_to_none_and_all_are_not_rounded_away() -> None:
    shown = [percent(share) for share in (None, 0.0, 0.004, 0.37, 0.996, 1.0)]
    assert shown == ["", "0 %", "0.4 %", "37 %", "99.6 %", "100 %"]


def test_findings_without_a_measure_are_no_fault() -> None:
    nothing = dict.fromkeys(MEASURES)
    empty = [LayerFinding(0, layer, 1, **nothing) for layer in (0, 1)]
    assert sentences(empty, ()) == ("nothing stands out",)
