"""The test split: to be had for confirming, out of reach for whatever trains."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import actsearch.tasks
from actsearch.errors import BadInput
from actsearch.tasks import ClassificationTask, Recipe, Training
from actsearch.tasks.datasets import store
from actsearch.tasks.datasets.catalog import DATASETS
from actsearch.tasks.heldout import open_test_split
from actsearch.tasks.networks import MLP, MakeActivation
from tests.tasks.conftest import blobs, tiny_task
from tests.tasks.contract import without_time
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


def test_nothing_but_the_finish_may_import_it() -> None:
    """Outside the room, too: a search and its workers have no business with it."""
    for room in ("search", "workers", "runs", "kernels", "expressions"):
        for file in (PACKAGE.parent / room).rglob("*.py"):
            assert not {name for name in imported_names(file) if "heldout" in name}, file


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
    wanted = [Training("relu(x)", "search", 0), Training("tanh(x)", "search", 1)]
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
    np.testing.assert_array_equal(held.test.labels, labels)
    assert held.n_classes == 10


def test_own_test_split_is_called_for_confirming_alone() -> None:
    calls = []

    def held_out() -> Any:
        calls.append(1)
        return blobs(50, 3)

    task = tiny_task(test=held_out)
    task.prepare()
    task.settings()
    task.train([Training("relu(x)", "search", 0)])
    assert calls == []
    np.testing.assert_array_equal(open_test_split(task).test.inputs, blobs(50, 3)[0])


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (None, "has no test split; give its ClassificationTask test=FUNCTION"),
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

    with pytest.raises(BadInput, match="'bare' is no ClassificationTask"):
        open_test_split(Bare())  # type: ignore[arg-type]
