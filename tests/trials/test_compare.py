"""Comparing: what is trained, what is said of it, and what is refused."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.plots.comparison import plot_curves
from actsearch.plots.style import check_format
from actsearch.results.statistics import paired
from actsearch.tasks.networks import MLP
from actsearch.tasks.protocol import Record, Training
from actsearch.trials.compare import (
    FIRST_SEED,
    TUNING_SEED,
    Comparison,
    best_rate,
    compare,
)
from actsearch.trials.entries import Entry, mean_curve
from actsearch.trials.tuned import TunedTask, rung_of
from tests.tasks.conftest import blobs, tiny_task
from tests.trials.simulated import NoisyTask, ShuffledPool, race

TASK = NoisyTask({"relu(x)": 0.5, "gelu(x)": 0.6, "x*sin(x)": 0.55}, noise=0.02)


def run_trials(formulas: Any = ("relu", "gelu", "x*sin(x)"), **more: Any) -> Comparison:
    more.setdefault("workers", 1)
    task = more.pop("task", TASK)
    return compare(task, formulas, pool_of=lambda one, _slots: ShuffledPool(one), **more)


def held_out() -> Any:
    return blobs(60, 3)


def record(score: float | None, metrics: Mapping[str, float] | None = None) -> Record:
    status = "diverged" if score is None else "ok"
    return Record("x", "full", 0, status, score, dict(metrics or {}), (), 1.0, "cpu")


def test_the_best_comes_first_and_the_others_are_compared_with_it() -> None:
    found = run_trials(seeds=6)
    assert [entry.name for entry in found.entries] == ["GELU", "x*sin(x)", "ReLU"]
    assert found.reference == "GELU"
    assert not found.chosen_baseline
    assert found.seeds == tuple(range(FIRST_SEED, FIRST_SEED + 6))
    best, _, last = found.entries
    assert (best.difference, best.t_p, best.holm_p, best.n_pairs) == (None, None, None, 0)
    expected = paired(dict(last.scores), dict(best.scores))
    assert expected is not None
    assert (last.difference, last.low, last.high, last.t_p, last.wilcoxon_p, last.effect_size) == (
        expected.mean, expected.low, expected.high, expected.t_p, expected.wilcoxon_p,
        expected.effect_size,
    )  # fmt: skip
    assert last.difference is not None
    assert last.difference < 0


def test_p_values_are_corrected_for_their_number() -> None:
    _, one, two = run_trials(seeds=6).entries
    assert one.t_p is not None
    assert two.t_p is not None
    low, high = sorted([one, two], key=lambda entry: entry.t_p or 0.0)
    assert low.holm_p == pytest.approx(2 * (low.t_p or 0))
    assert high.holm_p == pytest.approx(max(high.t_p or 0, low.holm_p or 0))


def test_a_baseline_is_what_the_others_are_compared_with() -> None:
    found = run_trials(baseline="RELU")
    assert found.reference == "ReLU"
    assert found.chosen_baseline
    assert {e.name: e.difference is None for e in found.entries} == {
        "GELU": False,
        "x*sin(x)": False,
        "ReLU": True,
    }


def test_what_parameters_became_is_told() -> None:
    found = run_trials(["x*sigmoid(p0*x); p0=1.5", "relu"], task=tiny_task(), seeds=2)
    by_name = {entry.name: entry.learned for entry in found.entries}
    first, second = by_name["x*sigmoid(p0*x); p0=1.5"]
    assert (first.layer, second.layer, first.start) == (0, 1, 1.5)
    assert [seed for seed, _ in first.values] == [FIRST_SEED, FIRST_SEED + 1]
    assert by_name["ReLU"] == ()


def test_failures_count_and_come_last() -> None:
    task = NoisyTask(fails=["gelu(x)", ("relu(x)", FIRST_SEED)])
    found = run_trials(task=task)
    assert found.entries[-1].name == "GELU"
    by_name = {entry.name: entry for entry in found.entries}
    assert (by_name["GELU"].mean, by_name["GELU"].n_failed) == (None, 6)
    assert (by_name["ReLU"].n, by_name["ReLU"].n_failed) == (5, 1)
    reference = next(entry for entry in found.entries if entry.name == found.reference)
    assert reference.name == found.entries[0].name
    assert {by_name["ReLU"].n_pairs, by_name["x*sin(x)"].n_pairs} == {0, 5}


def raced(reference: str | None = None) -> dict[str, Entry]:
    return {entry.name: entry for entry in race(reference)}


def test_with_a_target_the_steps_are_compared_and_not_the_scores() -> None:
    found = raced()
    assert list(found) == ["gelu(x)", "relu(x)", "tanh(x)", "sin(x)"], "by speed, not by score"
    assert all(entry.difference is entry.low is entry.high is None for entry in found.values())
    assert [entry.n_reached for entry in found.values()] == [6, 5, 6, 0]
    assert found["gelu(x)"].steps_ratio is None
    slower, never = found["relu(x)"], found["sin(x)"]
    pairs = [(400, 200), (420, 210), (440, 230), (460, 240), (480, 250)]  # where both get there
    logs = {seed: math.log(a / b) for seed, (a, b) in enumerate(pairs)}
    expected = paired(logs, dict.fromkeys(logs, 0.0))
    assert expected is not None
    assert slower.n_pairs == 5
    assert slower.mean == pytest.approx(sum([400, 420, 900, 440, 460, 480]) / 6000)
    assert slower.steps_ratio == pytest.approx(math.prod(a / b for a, b in pairs) ** (1 / 5))
    assert slower.steps_ratio_low == pytest.approx(math.exp(expected.low))
    assert slower.steps_ratio_high == pytest.approx(math.exp(expected.high))
    assert (slower.t_p, slower.wilcoxon_p) == pytest.approx((expected.t_p, expected.wilcoxon_p))
    low, high = sorted(found[name].t_p or 0.0 for name in ("relu(x)", "tanh(x)"))
    assert {found[name].holm_p for name in ("relu(x)", "tanh(x)")} == {2 * low, max(2 * low, high)}
    assert (never.n_pairs, never.steps_ratio, never.t_p, never.holm_p) == (0, None, None, None)


def test_ratios_of_steps_are_to_the_baseline() -> None:
    to_fastest, to_tanh = raced()["tanh(x)"], raced("tanh(x)")["gelu(x)"]
    assert to_fastest.steps_ratio is not None
    assert to_tanh.steps_ratio == pytest.approx(1 / to_fastest.steps_ratio)
    assert to_tanh.steps_ratio_low == pytest.approx(1 / (to_fastest.steps_ratio_high or 0))
    assert raced("sin(x)")["gelu(x)"].steps_ratio is None, "what never gets there is no measure"


def test_curves_are_means_of_what_is_there() -> None:
    long = dataclasses.replace(record(0.5), curve=((1, 2.0, 0.2), (2, 1.0, 0.4), (3, 0.5, 0.5)))
    short = dataclasses.replace(record(0.6), curve=((1, 2.0, 0.4), (2, 1.0, math.nan)))
    points = mean_curve([long, short])
    assert [(p.step, round(p.mean, 9), p.n) for p in points] == [
        (1, 0.3, 2),
        (2, 0.4, 1),
        (3, 0.5, 1),
    ]
    assert points[0].standard_error == pytest.approx(0.1)
    assert points[1].standard_error is None


def test_the_rate_that_gets_there_first_is_chosen_else_the_best() -> None:
    early, late = {"reached_step": 10.0}, {"reached_step": 20.0}
    assert best_rate({0.1: record(0.9, late), 0.2: record(0.5, early)}) == 0.2
    assert best_rate({0.1: record(0.9), 0.2: record(0.5, late)}) == 0.2
    assert best_rate({0.1: record(0.4), 0.2: record(0.5)}) == 0.2
    assert best_rate({0.1: record(0.4), 0.2: record(None)}) == 0.1
    assert best_rate({0.2: record(None), 0.1: record(None)}) == 0.1


def test_real_trainings_with_rates_steps_and_a_target() -> None:
    """Two rates for each, chosen on a seed of its own; then everything that is measured."""
    pools: list[ShuffledPool] = []

    def pool_of(task: Any, _slots: Any) -> ShuffledPool:
        pools.append(ShuffledPool(task))
        return pools[-1]

    seen: list[tuple[int, int]] = []
    found = compare(
        tiny_task(test=held_out),
        ["relu", "gelu"],
        2,
        test=True,
        steps=30,
        until="validation-error=0.2",
        learning_rates=[0.02, 1e-6],
        workers=1,
        observer=lambda done, wanted: seen.append((done, wanted)),
        pool_of=pool_of,
    )
    assert found.score_name == "test accuracy"
    assert found.split == "test"
    assert {entry.learning_rate for entry in found.entries} == {0.02}
    tuned = [formula for formula, seed in pools[0].trained if seed == TUNING_SEED]
    assert sorted(tuned) == ["gelu(x)", "gelu(x)", "relu(x)", "relu(x)"]
    assert seen[-1] == (8, 8)
    for entry in found.entries:
        assert entry.n_reached == 2
        assert entry.difference is None
        assert entry.reached_step is not None
        assert entry.reached_step <= 30
        assert entry.reached_s is not None
        assert entry.output_mean is not None
        assert entry.dead_units is not None
        assert entry.saturated is not None


def test_learning_rates_are_not_chosen_on_the_test_split() -> None:
    def scored(task: TunedTask, rung: str) -> float | None:
        (found,) = task.train([Training("gelu(x)", rung, 3)])
        assert found.rung == rung
        return found.score

    def wrong() -> Any:
        inputs, labels = held_out()
        return inputs, (labels + 1) % 3

    rate, rates = 0.02, (0.02, 1e-6)
    on_test = TunedTask(tiny_task(test=wrong), 30, rates, test=True)
    on_validation = TunedTask(tiny_task(test=wrong), 30, rates)
    validation = scored(on_validation, rung_of(rate))
    assert scored(on_test, rung_of(rate, tuning=True)) == validation
    assert scored(on_validation, rung_of(rate, tuning=True)) == validation
    found = scored(on_test, rung_of(rate))
    assert found is not None
    assert validation is not None
    assert found < 0.2 < 0.8 < validation


def test_validation_is_scored_unless_asked() -> None:
    found = compare(
        tiny_task(test=held_out), ["relu", "gelu"], 2, workers=1,
        pool_of=lambda one, _slots: ShuffledPool(one),
    )  # fmt: skip
    assert (found.split, found.score_name) == ("validation", "validation accuracy")
    assert found.entries[0].n_reached is None


@pytest.mark.parametrize(
    ("formulas", "more", "says"),
    [
        (["relu"], {}, "two activations or more, got 1"),
        ([], {}, "two activations or more, got 0"),
        (["relu", "silu(x)*u"], {}, "reads x, u, and the layers"),
        (["relu", "swiglu"], {}, "reads x, u"),
        (["relu", "reluu"], {}, "did you mean 'ReLU'"),
        (["relu", "x*foo(x)"], {}, "unknown function 'foo'"),
        (["silu", "x*sigmoid(x)"], {}, "'SiLU' and .* are the same function"),
        (["relu", "frist:2"], {}, "did you mean 'first'"),
        (["relu", "first:x"], {}, "not RUN:ID"),
        (["relu", "first:99"], {}, "births 0 to 7"),
        (["relu", "gelu"], {"seeds": 1}, "seeds must be from 2"),
        (["relu", "gelu"], {"steps": 0}, "steps must be at least 1"),
        (["relu", "gelu"], {"learning_rates": [0.1, 0.0]}, "learning rate must be above 0"),
        (["relu", "gelu"], {"learning_rates": [math.nan]}, "learning rate must be above 0"),
        (["relu", "gelu"], {"until": "train-error"}, "METRIC=VALUE"),
        (["relu", "gelu"], {"until": "trian-error=0.2"}, "did you mean 'train-error'"),
        (["relu", "gelu"], {"baseline": "mish"}, "unknown baseline 'mish'"),
        (["relu", "gelu"], {"test": True}, "'noisy' has no test split"),
        (["relu", "gelu"], {"steps": 5}, "no NetworkTask"),
        (["relu", "gelu"], {"task": "mnist2d-cnn"}, "did you mean 'mnist1d-cnn'"),
        (["relu", "gelu"], {"workers": 0}, "auto, inline, or a number"),
    ],
)
def test_bad_input(formulas: list[str], more: dict[str, Any], says: str, run_folder: Path) -> None:
    with pytest.raises(BadInput, match=says):
        run_trials(formulas, runs_dir=run_folder.parent, **more)


def test_formulas_come_from_runs_too(run_folder: Path) -> None:
    found = run_trials(["relu", "first:3"], runs_dir=run_folder.parent)
    assert {(e.name, e.formula) for e in found.entries} == {
        ("ReLU", "relu(x)"),
        ("first:3", "x*sin(x)"),
    }


def test_the_picture_is_the_same_every_time(tmp_path: Path) -> None:
    found = run_trials(["relu", "gelu", "x*sin(x)"])
    for name in ("one.svg", "two.svg"):
        plot_curves(found, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    assert b"<svg" in drawn


def test_a_picture_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"one of .png, .svg, .pdf"):
        check_format(tmp_path / "curves.jpg")
    with pytest.raises(BadInput, match="there is no folder"):
        check_format(tmp_path / "nowhere" / "curves.png")


def gated_task(**changes: Any) -> Any:
    network = functools.partial(MLP, n_inputs=2, hidden=(8, 8), n_classes=3)
    return tiny_task(network=network, **changes)


def test_parameters_are_counted() -> None:
    found = run_trials(["relu", "Maxout"], task=gated_task(), seeds=2)
    counts = {entry.name: entry.n_parameters for entry in found.entries}
    assert counts == {"ReLU": 2 * 8 + 8 + 8 * 8 + 8 + 27, "Maxout": 2 * (24 + 72) + 27}
    equal = run_trials(["relu", "Maxout"], task=gated_task(equal_parameters=True), seeds=2)
    narrower = {entry.name: entry.n_parameters for entry in equal.entries}
    assert narrower["ReLU"] == counts["ReLU"]
    assert narrower["Maxout"] == 2 * (2 * 5 + 5 + 5 * 5 + 5) + 5 * 3 + 3


@pytest.mark.parametrize("more", [{}, {"learning_rates": (0.01,)}, {"steps": 5}])
def test_what_the_layers_do_not_give_is_refused_before_anything_trains(more: Any) -> None:
    with pytest.raises(BadInput, match=r"'x\*u' reads x, u, and the layers of task 'blobs' give x"):
        run_trials(["relu", "bilinear"], task=tiny_task(), **more)
