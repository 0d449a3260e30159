"""Diagnoses: what is trained, on which seeds, and what the textbooks say of it."""

from __future__ import annotations

import dataclasses
import functools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actsearch
from actsearch.errors import BadInput
from actsearch.results.diagnosis import Diagnosis, Finding
from actsearch.tasks import Recipe, Training
from actsearch.tasks.networks import MLP
from actsearch.tasks.registry import load_task
from actsearch.trials.compare import FIRST_SEED
from actsearch.trials.diagnose import MAX_POINTS, diagnose
from actsearch.trials.diagnosed import DiagnosedTask, Way
from tests.tasks.conftest import TinyNetwork, blobs, tiny_task
from tests.trials.simulated import NoisyTask, ShuffledPool


def shells(n_samples: int, seed: int) -> Any:
    """Make three shells around 0 in ten dimensions, which no linear network tells apart."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 3, n_samples)
    directions = rng.randn(n_samples, 10)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return ((1 + labels[:, None]) * directions).astype(np.float32), labels


def shell_data() -> Any:
    return shells(600, 1), shells(300, 2)


def shell_task(**changes: Any) -> Any:
    network = functools.partial(MLP, n_inputs=10, hidden=(32, 32), n_classes=3)
    recipe = Recipe(batch_size=50, learning_rate=0.003)
    return tiny_task(**({"network": network, "data": shell_data, "recipe": recipe} | changes))


def run(formulas: Any, *, task: Any = None, **more: Any) -> Diagnosis:
    more = {"steps": 20, "seeds": 2, "points": 4, "workers": 1} | more
    task = shell_task() if task is None else task
    return diagnose(task, formulas, pool_of=lambda one, _slots: ShuffledPool(one), **more)


def by_way(found: Diagnosis) -> dict[tuple[str, Any, Any], Finding]:
    return {(one.name, one.depth, one.learning_rate): one for one in found.findings}


def test_every_activation_is_trained_in_every_way_on_the_same_seeds() -> None:
    asked: list[tuple[int, int]] = []
    found = run(
        ["relu", "x*tanh(x)"], depths=[2, 3, 3], learning_rates=[0.001, 0.01], steps=6,
        observer=lambda done, wanted: asked.append((done, wanted)),
    )  # fmt: skip
    assert [(one.name, one.depth, one.learning_rate) for one in found.findings] == [
        (name, depth, rate)
        for name in ("ReLU", "x*tanh(x)")
        for depth in (2, 3)
        for rate in (0.001, 0.01)
    ]
    assert asked == [(k, 16) for k in range(1, 17)]
    assert found.seeds == (FIRST_SEED, FIRST_SEED + 1)
    assert found.looks == (0, 1, 2, 6)
    for one in found.findings:
        assert one.steps == found.looks
        assert [each.layer for each in one.at(6)] == list(range(one.depth or 0))
        assert {each.n for each in one.layers} == {2}
        assert (one.n, one.n_failed, one.failure) == (2, 0, None)
        assert [reach.step for reach in one.reach] == list(found.looks)


def test_one_activation_is_enough() -> None:
    (one,) = run("elu").findings
    assert (one.name, one.formula, one.depth, one.learning_rate) == ("ELU", "elu(x)", None, None)
    assert actsearch.diagnose is diagnose


def test_the_start_is_the_same_at_all_rates_and_the_end_is_not() -> None:
    slow, fast = run("tanh", learning_rates=[0.0001, 0.05]).findings
    assert slow.at(0) == fast.at(0)
    assert slow.at(20) != fast.at(20)


def test_no_steps_look_at_the_initial_weights_alone() -> None:
    start = run(["relu", "1e-9*relu(x)"], steps=0)
    later = run("relu", steps=3)
    assert start.looks == (0,)
    one, faint = start.findings
    assert one.layers == later.findings[0].at(0)
    for finding in start.findings:
        assert (finding.mean, finding.n, finding.n_failed, finding.failure) == (None, 0, 0, None)
    assert faint.sentences[0].startswith("gradients vanish: ")
    assert "after" not in faint.sentences[0]


def test_weights_of_one_gain_are_the_same_for_all() -> None:
    found = run(["sigmoid", "sigmoid(x) - 0.5"], initialisation="lecun")
    one, two = (finding.at(0)[0] for finding in found.findings)
    assert one.output_deviation == pytest.approx(two.output_deviation or 0, rel=1e-5)
    assert one.output_mean == pytest.approx((two.output_mean or 0) + 0.5, rel=1e-4)
    gains = {
        name: run("sigmoid", initialisation=name).findings[0].at(0)[1].output_deviation
        for name in ("gain", "he", "lecun")
    }
    assert len(set(gains.values())) == 3
    assert found.initialisation == "lecun"


@pytest.mark.slow
def test_the_same_with_one_worker_and_with_two(tmp_path: Path) -> None:
    path = tmp_path / "task.py"
    path.write_text(
        "from tests.trials.test_diagnose import shell_task\n\n"
        "def make_task():\n    return shell_task()\n"
    )
    spec = f"{path}:make_task"
    one, two = (
        diagnose(spec, ["relu", "max(x, u)"], 2, steps=6, points=3, depths=[3], workers=n)
        for n in (1, 2)
    )
    assert one == two
    assert one.findings[0].at(6) != one.findings[1].at(6)


def test_the_task_goes_to_the_workers_without_what_it_has_opened() -> None:
    task = DiagnosedTask(load_task("mnist1d-mlp"), (Way(3), Way()), (0, 5))
    task.task_of(Way(3))
    sent = pickle.dumps(task)
    assert len(sent) < 5000
    assert pickle.loads(sent).rungs == task.rungs
    assert [rung.name for rung in task.rungs] == ["depth=3", "full"]
    assert {rung.steps for rung in task.rungs} == {5}


def test_metrics_are_those_of_the_task_and_those_of_the_looks() -> None:
    task = DiagnosedTask(shell_task(), (Way(),), (0, 3))
    (record,) = task.train([Training("relu(x)", "full", 1)])
    (plain,) = shell_task(steps=3).train([Training("relu(x)", "full", 1)])
    assert record.score == plain.score
    assert {k: v for k, v in record.metrics.items() if "@" not in k} == plain.metrics
    assert record.rung == "full"


def test_what_ends_early_is_shown_as_far_as_it_got() -> None:
    good, bad = run(["relu", "exp(exp(x)) - x"], learning_rates=[0.5]).findings
    assert good.n == 2
    assert (bad.n, bad.n_failed, bad.mean) == (0, 2, None)
    assert bad.failure is not None
    assert bad.failure.startswith(("diverged", "no signal"))


def test_a_formula_for_groups_of_layers_is_looked_into() -> None:
    (one,) = run("input: relu(x) | hidden: tanh(x) | last: x*sigmoid(x)", depths=[4]).findings
    zeros = [each.zeros or 0.0 for each in one.at(0)]
    assert zeros[0] > 0.2
    assert max(zeros[1:]) == 0
    assert one.failure is None


CASES: list[tuple[dict[str, Any], str]] = [
    ({"formulas": []}, "one activation or more, got 0"),
    ({"formulas": "geluu"}, "did you mean 'GELU'"),
    ({"formulas": ["relu", "relu(x)"]}, "are the same function"),
    ({"formulas": "silu(x)*u", "task": tiny_task()}, "reads x, u, and the layers of task 'blobs'"),
    ({"seeds": 0}, "seeds must be from 1"),
    ({"steps": -1}, "steps must be 0 (the initial weights alone) or more, got -1"),
    ({"points": 1}, "points must be from 2"),
    ({"points": MAX_POINTS + 1}, f"to {MAX_POINTS}"),
    ({"depths": [0]}, "a depth must be 1 or more"),
    ({"depths": [4], "task": tiny_task()}, "network of task 'blobs' takes no depth"),
    ({"learning_rates": [0.0]}, "a learning rate must be above 0"),
    ({"learning_rates": [float("nan")]}, "a learning rate must be above 0"),
    ({"initialisation": "xavier"}, "unknown initialisation 'xavier'"),
    ({"task": "mnist1d-mpl"}, "did you mean 'mnist1d-mlp'"),
    ({"task": NoisyTask()}, "task 'noisy' is no NetworkTask"),
    ({"task": "mnist1d-mlp,mnist1d-cnn"}, "give one network at a time"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "hint"), CASES, ids=[hint for _, hint in CASES])
def test_bad_input(changes: dict[str, Any], hint: str) -> None:
    with pytest.raises(BadInput) as raised:
        run(**{"formulas": "relu", **changes})
    assert hint in str(raised.value)


# What the textbooks say, on a task that trains in a moment; docs/results.md has it on real data.


def vanishing(found: Diagnosis, name: str, depth: int) -> list[float]:
    return [reach.ratio for reach in by_way(found)[name, depth, None].reach]


def test_gradients_vanish_through_sigmoids_and_not_through_relus() -> None:
    found = run(["sigmoid", "relu"], depths=[4, 8], initialisation="lecun")
    assert all(ratio < 1e-4 for ratio in vanishing(found, "sigmoid", 8)[:2])
    assert vanishing(found, "sigmoid", 8)[0] < 0.1 * vanishing(found, "sigmoid", 4)[0]
    assert all(ratio > 0.01 for ratio in vanishing(found, "ReLU", 8))
    said = by_way(found)["sigmoid", 8, None].sentences
    assert said[0].startswith("gradients vanish: ")


def mean_of(finding: Finding, measure: str, step: int) -> float:
    values = [getattr(one, measure) for one in finding.at(step)]
    return sum(values) / len(values)


def test_units_die_of_a_large_rate_with_relu_alone() -> None:
    names = ["relu", "leaky relu", "prelu"]
    found = run(names, depths=[4], learning_rates=[0.001, 0.3], steps=40)
    ways = by_way(found)
    small, large = (mean_of(ways["ReLU", 4, rate], "dead_units", 40) for rate in (0.001, 0.3))
    assert large > 0.2 > 0.05 > small
    for name in ("Leaky ReLU", "PReLU"):
        assert mean_of(ways[name, 4, 0.3], "dead_units", 40) == 0


def test_relu_is_sparse_tanh_is_centred_and_sigmoid_is_not() -> None:
    found = by_way(run(["relu", "tanh", "sigmoid", "max(x, u)"], steps=30))
    assert mean_of(found["ReLU", None, None], "zeros", 0) == pytest.approx(0.5, abs=0.1)
    for name in ("tanh", "sigmoid", "max(x, u)"):
        assert mean_of(found[name, None, None], "zeros", 30) == 0
    assert mean_of(found["tanh", None, None], "off_zero", 30) < 0.25
    assert mean_of(found["sigmoid", None, None], "off_zero", 30) > 1


def test_selu_keeps_mean_and_variance_through_many_layers() -> None:
    found = by_way(run(["selu", "relu"], depths=[16], initialisation="lecun", steps=1))
    start = found["SELU", 16, None].at(0)
    assert all(0.6 < (layer.output_deviation or 0) < 1.6 for layer in start)
    assert all((layer.off_zero or 0) < 0.4 for layer in start)
    deviations = [layer.output_deviation or 0 for layer in found["ReLU", 16, None].at(0)]
    assert deviations[-1] < 0.02 * deviations[0]


def test_a_task_with_a_network_of_ones_own_is_looked_into() -> None:
    task = tiny_task(network=TinyNetwork, test=lambda: blobs(60, 3))
    (one,) = run("gelu", task=dataclasses.replace(task, name="own")).findings
    assert [each.layer for each in one.at(20)] == [0, 1]
