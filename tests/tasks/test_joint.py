"""Several tasks as one: standardised gains, ladders by place, and failures that name their task."""

from __future__ import annotations

import dataclasses
import pickle
import statistics
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.search.given import check_readable
from actsearch.search.space import load_space
from actsearch.tasks import load_task
from actsearch.tasks.joint import JointTask
from actsearch.tasks.networks import MLP
from actsearch.tasks.protocol import (
    FAILED,
    OK,
    STOPPED,
    CompilesAhead,
    Record,
    Rung,
    Task,
    Training,
)
from tests.tasks.conftest import tiny_task
from tests.tasks.contract import TaskContract
from tests.tasks.counting import LADDER, CountingTask

LONGER = "relu(relu(x))"


class TestJointOfTwo(TaskContract):
    def make_task(self) -> Task:
        return JointTask([tiny_task(), tiny_task(name="longer", steps=60)])


def joint(*tasks: CountingTask) -> JointTask:
    task = JointTask(tasks)
    task.prepare()
    return task


def two(**changes: object) -> tuple[CountingTask, CountingTask]:
    second = CountingTask(name="b", level=-3.0, spread=0.5)
    return CountingTask(), dataclasses.replace(second, **changes)  # type: ignore[arg-type]


def trained(task: JointTask, formula: str = LONGER, rung: str = "full", seed: int = 0) -> Record:
    (record,) = task.train([Training(formula, rung, seed)])
    return record


def test_the_score_is_the_mean_gain_in_deviations_of_relu() -> None:
    a, b = two()
    task = joint(a, b)
    record = trained(task)
    deviations = [
        statistics.stdev(t.score("relu(x)", seed) for seed in LADDER[-1].seeds) for t in (a, b)
    ]
    gains = [0.01 * 6 / deviation for deviation in deviations]
    assert record.status == OK
    assert record.score == pytest.approx(sum(gains) / 2)
    assert record.metrics["a: gain"] == pytest.approx(gains[0])
    assert record.metrics["b: gain"] == pytest.approx(gains[1])
    assert record.metrics["b: score"] == pytest.approx(-3.0 + 0.06)
    assert record.metrics["a: p0[0]"] == 0.25
    assert record.time_s == 1.0
    assert (task.name, task.score_name) == ("a+b", "mean standardised gain over ReLU")


@given(rung=st.sampled_from(["short", "full"]), seed=st.integers(0, 9))
def test_relu_itself_gains_nothing_at_any_rung_and_seed(rung: str, seed: int) -> None:
    assert trained(joint(*two()), "relu(x)", rung, seed).score == 0


@given(
    factor=st.floats(0.01, 100),
    shift=st.floats(-1, 1),
    seed=st.sampled_from([0, 1]),
)
def test_the_unit_of_a_task_does_not_matter(factor: float, shift: float, seed: int) -> None:
    class Scaled(CountingTask):
        def score(self, formula: str, seed: int) -> float:
            return shift + factor * super().score(formula, seed)

        def settings(self) -> dict[str, Any]:
            return {**super().settings(), "factor": factor, "shift": shift}

    plain = CountingTask(name="b", level=0.0, spread=0.5)
    scaled = Scaled(name="b", level=0.0, spread=0.5)
    here = trained(joint(CountingTask(), plain), seed=seed).score
    there = trained(joint(CountingTask(), scaled), seed=seed).score
    assert there == pytest.approx(here, rel=1e-6, abs=1e-6)


def test_a_task_on_which_relu_never_varies_gives_a_finite_score() -> None:
    record = trained(joint(CountingTask(spread=0.0), CountingTask(name="b")))
    assert record.metrics["a: gain"] == pytest.approx(0.06 / (1e-3 * 0.5))
    flat = trained(joint(CountingTask(spread=0.0, level=0.0), CountingTask(name="b")), "relu(x)")
    assert flat.score == 0


def test_rungs_go_by_place_and_have_the_common_seeds() -> None:
    first = CountingTask(rungs=(Rung("short", 10, (3, 0, 1)), Rung("full", 40, (0, 1, 2))))
    second = CountingTask("b", rungs=(Rung("quick", 5, (0, 1, 2, 3)), Rung("long", 60, (2, 7))))
    task = joint(first, second)
    assert task.rungs == (Rung("short", 15, (3, 0, 1)), Rung("full", 100, (2,)))
    n_before = len(second.asked)
    trained(task, rung="short", seed=1)
    assert second.asked[n_before:] == [Training(LONGER, "quick", 1)]


def test_ladders_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="equally many rungs, got a 2, b 1"):
        JointTask([CountingTask(), CountingTask("b", rungs=LADDER[:1])])
    other = (Rung("short", 10, (8,)), LADDER[1])
    with pytest.raises(BadInput, match=r"common seed at each rung, got for 'short' a 0, 1; b 8"):
        JointTask([CountingTask(), CountingTask("b", rungs=other)])
    with pytest.raises(BadInput, match="two or more, got a"):
        JointTask([CountingTask()])
    with pytest.raises(BadInput, match="'a' is given twice"):
        JointTask([CountingTask(), CountingTask(level=3.0)])
    with pytest.raises(BadInput, match="did you mean 'short'"):
        trained(joint(*two()), rung="shrt")


def test_a_failure_says_on_which_task_and_spares_the_others() -> None:
    a, b = two(statuses={(LONGER, 1): "diverged"})
    c = CountingTask("c")
    task = joint(a, b, c)
    n_before = len(c.asked)
    wanted = [Training(LONGER, "short", seed) for seed in (0, 1)]
    good, bad = task.train(wanted)
    assert (good.status, bad.status, bad.score, bad.curve) == (OK, "diverged", None, ())
    assert bad.message == "on b: this is diverged"
    assert bad.metrics["a: score"] == a.score(LONGER, 1)
    assert c.asked[n_before:] == wanted[:1]


def test_a_passed_deadline_stops() -> None:
    (record,) = joint(*two()).train([Training(LONGER, "full", 0)], deadline=time.time() - 1)
    assert (record.status, record.score) == (STOPPED, None)


def test_a_deadline_that_passes_within_a_reference_stops_and_is_not_kept() -> None:
    class Late(CountingTask):
        """The candidate is in time, the reference is not."""

        late = True

        def _record(self, training: Training, device: str, deadline: float | None) -> Record:
            record = super()._record(training, device, None)
            late = self.late and training.formula == "relu(x)" and training.seed == 77
            return dataclasses.replace(record, status=STOPPED, score=None) if late else record

    a = Late()
    task = joint(a, CountingTask("b"))
    assert trained(task, seed=77).status == STOPPED
    a.late = False
    assert trained(task, seed=77).status == OK


def test_a_seed_at_which_relu_fails_is_a_record() -> None:
    task = joint(*two(statuses={("relu(x)", 50): "diverged"}))
    record = trained(task, seed=50)
    assert record.status == FAILED
    assert "ReLU gets no score on task 'b' at rung 'full', seed 50 (diverged" in record.message
    assert trained(task, seed=51).status == OK


def test_the_curve_ends_at_the_score() -> None:
    a, b = two(n_points=5)
    record = trained(joint(a, b))
    assert [step for step, _, _ in record.curve] == [20 + 32, 80]
    assert [loss for _, loss, _ in record.curve] == [(2 + 2 / 4) / 2, (1 + 2 / 5) / 2]
    assert record.curve[-1][2] == record.score
    bare = CountingTask("b", n_points=0)
    assert trained(joint(CountingTask(), bare)).curve == ()


def test_references_are_trained_once_and_travel() -> None:
    a, b = two(level=-4.0)
    task = joint(a, b)
    arrived: JointTask = pickle.loads(pickle.dumps(task))
    for sub in arrived.tasks:
        assert isinstance(sub, CountingTask)
        sub.asked.clear()
    assert trained(arrived) == trained(task)
    assert all(len(sub.asked) == 1 for sub in arrived.tasks if isinstance(sub, CountingTask))


def test_a_fresh_seed_is_trained_once_a_process() -> None:
    task = joint(*two(level=-5.0))
    trained(task, seed=91)
    first = task.tasks[0]
    assert isinstance(first, CountingTask)
    n_before = len(first.asked)
    trained(task, "silu(x)", seed=91)
    assert [training.formula for training in first.asked[n_before:]] == ["silu(x)"]


def test_settings_are_those_of_the_tasks() -> None:
    a, b = two()
    settings = joint(a, b).settings()
    assert settings["tasks"] == [a.settings(), b.settings()]
    assert settings["rungs"][0] == {
        "name": "short",
        "steps": 20,
        "seeds": [0, 1],
        "learning_rate": 1.0,
    }


def test_compiles_ahead_for_those_that_do() -> None:
    class Compiling(CountingTask):
        def compile(self, formulas: list[str], device: str = "cpu") -> None:
            self.asked.append(Training(formulas[0], device, 0))

    one, other = Compiling(), CountingTask("b")
    task = joint(one, other)
    assert isinstance(task, CompilesAhead)
    n_before = len(other.asked)
    task.compile(["x*sin(x)"])
    assert one.asked[-1] == Training("x*sin(x)", "cpu", 0)
    assert len(other.asked) == n_before


def test_each_kind_of_device_has_its_own_references() -> None:
    task = joint(*two(level=-6.0))
    first = task.tasks[0]
    assert isinstance(first, CountingTask)
    n_before = len(first.asked)
    wanted = Training(LONGER, "full", 0)
    (there,) = task.train([wanted], device="cuda:1")
    formulas = [training.formula for training in first.asked[n_before:]]
    assert formulas == [LONGER] + ["relu(x)"] * 8
    assert there.device == "cuda:1"
    assert task.train([wanted], device="cuda:0")[0].score == there.score
    assert len(first.asked) == n_before + 10


def test_layers_give_what_all_tasks_give() -> None:
    assert load_task("mnist1d-mlp,mnist1d-cnn").inputs == ("x", "u")  # type: ignore[attr-defined]
    assert load_task("mnist1d-mlp,keywords").inputs == ("x", "u", "o")  # type: ignore[attr-defined]
    assert JointTask([tiny_task(), tiny_task(name="other", network=MLP)]).inputs == ("x",)


def test_layers_are_as_many_as_in_the_smallest_network() -> None:
    joint = load_task("mnist1d-cnn,mnist1d-mlp")
    assert joint.n_places == 2  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match=r"3 groups of layers .* 2 activation layers"):
        check_readable(load_space("layerwise"), (), joint)
