"""The test split: to be had for confirming, out of reach for whatever trains."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actsearch.tasks
from actsearch.errors import BadInput
from actsearch.tasks import ClassificationTask, Recipe, Training
from actsearch.tasks.datasets import store
from actsearch.tasks.datasets.catalog import DATASETS
from actsearch.tasks.heldout import CONFIRM, has_test_split, held_out_task, open_test_split
from actsearch.tasks.joint import JointTask
from actsearch.tasks.networks import MLP, MakeActivation
from actsearch.tasks.protocol import OK, Task
from tests.tasks.conftest import blobs, tiny_task
from tests.tasks.contract import TaskContract, without_time
from tests.tasks.small_sets import N_TEST, contents, small_idx, write

PACKAGE = Path(actsearch.tasks.__file__).parent


def imported_names(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def test_nothing_in_the_room_imports_it() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file.name != "heldout.py"]
    assert len(files) > 10
    for file in files:
        assert not {name for name in imported_names(file) if "heldout" in name}, file


def test_nothing_but_the_trials_imports_it() -> None:
    """Outside the room, too: a search and its workers have no business with it."""
    root = PACKAGE.parent
    importers = {
        file.relative_to(root).parts[0]
        for file in root.rglob("*.py")
        if {name for name in imported_names(file) if "heldout" in name}
    }
    assert importers == {"trials"}


def network(make_activation: MakeActivation) -> MLP:
    return MLP(make_activation, n_inputs=784, hidden=(8,))


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClassificationTask:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))
    small = small_idx()
    monkeypatch.setitem(DATASETS, "mnist", small)
    return ClassificationTask(
        name="small",
        data="mnist",
        network=network,
        steps=10,
        recipe=Recipe(batch_size=8),
        folder=write(small, tmp_path),
    )


def test_training_never_reads_it(task: ClassificationTask, tmp_path: Path) -> None:
    """Take the test arrays away, after which a search trains on as if nothing were missing."""
    wanted = [Training("relu(x)", "full", 0), Training("tanh(x)", "full", 1)]
    before = task.train(wanted)
    arrays = list((tmp_path / "cache").rglob("test-*.npy"))
    assert len(arrays) == 2
    for path in arrays:  # other values of the same shape: whoever read them would notice
        values = np.load(path)
        np.save(path, 9 - values if values.ndim == 1 else 255 - values)
    store._opened.cache_clear()
    fresh = ClassificationTask(**{
        name: getattr(task, name)
        for name in ("name", "data", "network", "steps", "recipe", "folder")
    })  # fmt: skip
    after = fresh.train(wanted)
    assert [without_time(r) for r in after] == [without_time(r) for r in before]


def test_opens_the_official_test_set(task: ClassificationTask) -> None:
    held = open_test_split(task)
    images, labels = contents(DATASETS["mnist"])["test"]
    assert len(held.test) == N_TEST
    np.testing.assert_array_equal(held.test.inputs[:, 0], images)
    np.testing.assert_array_equal(held.test.targets, labels)
    assert held.n_classes == 10


def test_own_test_split_is_called_for_confirming_alone() -> None:
    calls = []

    def held_out() -> Any:
        calls.append(1)
        return blobs(50, 3)

    task = tiny_task(test=held_out)
    task.prepare()
    task.settings()
    task.train([Training("relu(x)", "full", 0)])
    assert calls == []
    np.testing.assert_array_equal(open_test_split(task).test.inputs, blobs(50, 3)[0])


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (None, "has no test split; give it test=FUNCTION"),
        (lambda: 3, r"must return \(inputs, labels\)"),
        (lambda: (np.zeros((4, 3)), np.zeros(4, int)), r"have shape \(3,\) a sample"),
        (lambda: (np.zeros((4, 2)), np.zeros(3, int)), "test split: inputs must have"),
    ],
)
def test_own_test_split_that_is_none(test: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        open_test_split(tiny_task(test=test))


def test_a_bare_object_has_none() -> None:
    class Bare:
        name = "bare"

    with pytest.raises(BadInput, match="'bare' is no NetworkTask"):
        open_test_split(Bare())  # type: ignore[arg-type]


def held_out() -> Any:
    return blobs(120, 3)


def shuffled_labels() -> Any:
    inputs, labels = blobs(120, 3)
    return inputs, (labels + 1) % 3


class TestHeldOutTask(TaskContract):
    def make_task(self) -> Task:
        return held_out_task(tiny_task(test=held_out))

    def test_records_are_whole_and_repeatable(self, task: Task) -> None:
        """Its score is the test split's, and its curve the validation split's."""
        wanted = [self.training(task, "relu(x)", 1_000_000), self.training(task, "x*cos(p0*x)")]
        records = task.train(wanted)
        for training, record in zip(wanted, records, strict=True):
            assert (record.formula, record.seed) == (training.formula, training.seed)
            assert record.status == OK
            assert record.score is not None
            assert record.score > 0.9
            assert record.score == record.metrics["test_accuracy"]
            assert record.metrics["validation_score"] == record.curve[-1][2]
        again = pickle.loads(pickle.dumps(task)).train(wanted[::-1])[::-1]
        assert [without_time(r) for r in again] == [without_time(r) for r in records]


def test_trains_as_the_search_does_at_full_length() -> None:
    task = tiny_task(test=held_out)
    held = held_out_task(task)
    (rung,) = held.rungs
    assert (rung.name, rung.steps) == (CONFIRM, task.steps)
    (there,) = held.train([Training("gelu(x)", CONFIRM, 3)])
    (here,) = task.train([Training("gelu(x)", task.rungs[-1].name, 3)])
    assert there.curve == here.curve
    assert there.metrics["validation_score"] == here.score
    assert {k: there.metrics[k] for k in here.metrics} == here.metrics


def test_scores_the_test_split_and_no_other() -> None:
    """With labels that are all wrong the training is as good as before, and the score is not."""
    (right,) = held_out_task(tiny_task(test=held_out)).train([Training("relu(x)", CONFIRM, 0)])
    (wrong,) = held_out_task(tiny_task(test=shuffled_labels)).train(
        [Training("relu(x)", CONFIRM, 0)]
    )
    assert right.curve == wrong.curve
    assert right.metrics["validation_score"] == wrong.metrics["validation_score"]
    assert right.score is not None
    assert wrong.score is not None
    assert right.score > 0.9
    assert wrong.score < 0.1


def test_without_a_curve_the_score_is_the_same() -> None:
    task = tiny_task(test=held_out)
    (whole,), (lean,) = (
        held_out_task(task, curve=curve).train([Training("gelu(x)", CONFIRM, 3)])
        for curve in (True, False)
    )
    assert (lean.score, lean.metrics["test_loss"]) == (whole.score, whole.metrics["test_loss"])
    assert lean.curve == ()
    assert set(lean.metrics) == {"train_loss", "test_accuracy", "test_loss", "n_parameters"}


def test_the_score_may_be_the_loss() -> None:
    held = held_out_task(tiny_task(test=held_out, score="loss"))
    assert held.score_name == "negative test loss"
    (record,) = held.train([Training("relu(x)", CONFIRM, 0)])
    assert record.score == -record.metrics["test_loss"]
    assert record.metrics["validation_score"] == -record.metrics["validation_loss"]


def test_names_say_which_split() -> None:
    held = held_out_task(tiny_task(test=held_out))
    assert held.score_name == "test accuracy"
    settings = held.settings()
    assert settings["test"]["n"] == 120
    assert settings != held_out_task(tiny_task(test=shuffled_labels)).settings()


def test_shipped_test_split_is_scored(task: ClassificationTask) -> None:
    held = held_out_task(task)
    held.prepare()
    assert held.settings()["test"]["n"] == N_TEST
    (record,) = held.train([Training("relu(x)", CONFIRM, 0)])
    assert record.score is not None
    assert (record.score * N_TEST) % 1 == pytest.approx(0, abs=1e-9)


def test_a_task_without_a_test_split_has_no_trials_there() -> None:
    class Own:
        name = "own"

    assert not has_test_split(tiny_task())
    assert not has_test_split(Own())  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="'blobs' has no test split; scores on its validation"):
        held_out_task(tiny_task())


def test_a_wrapped_task_has_the_test_split_of_the_inner_one() -> None:
    class Wrapper:
        name = "wrapped"
        task = tiny_task(test=held_out)

    assert has_test_split(Wrapper())  # type: ignore[arg-type]
    assert len(open_test_split(Wrapper()).test) == 120  # type: ignore[arg-type]


def test_several_tasks_are_held_out_together() -> None:
    """Scored on the test splits of all, against ReLU on these."""
    one, other = tiny_task(test=held_out), tiny_task(name="others", test=shuffled_labels, steps=20)
    joint = held_out_task(JointTask([one, other]))
    joint.prepare()
    (record,) = joint.train([Training("gelu(x)", CONFIRM, 1_000_000)])
    assert joint.name == "blobs+others"
    assert record.status == OK
    (alone,) = held_out_task(one).train([Training("gelu(x)", CONFIRM, 1_000_000)])
    assert record.metrics["blobs: test_accuracy"] == alone.score
    assert record.metrics["others: test_accuracy"] < 0.3
    assert not has_test_split(JointTask([one, tiny_task(name="others")]))


def test_labels_that_no_training_knows() -> None:
    task = tiny_task(test=lambda: (np.zeros((4, 2)), np.array([0, 1, 2, 3])))
    with pytest.raises(BadInput, match="test labels of task 'blobs' go up to 3"):
        open_test_split(task)
