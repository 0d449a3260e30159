"""Keywords: made documents, a user's own matrix, features as they are, overlaps that tell more."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata

from actsearch.errors import BadInput
from actsearch.tasks import ClassificationTask, Training, load_task
from actsearch.tasks.data import training_data
from actsearch.tasks.datasets import keywords, matrix
from actsearch.tasks.heldout import open_test_split
from actsearch.tasks.protocol import OK


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return keywords.generate()


def test_documents_are_sparse_sets_of_words(made: dict[str, Any]) -> None:
    assert list(made) == ["train", "validation", "test"]
    for name, split in made.items():
        assert split.inputs.shape == (keywords.SIZES[name], keywords.N_WORDS)
        assert split.inputs.dtype == np.uint8
        assert set(np.unique(split.inputs)) == {0, 1}
        assert split.inputs.any(axis=1).all()
        assert np.bincount(split.targets).min() > 200
        assert split.targets.max() == keywords.N_TOPICS
    lengths = made["train"].inputs.sum(1)
    assert lengths.mean() < 0.1 * keywords.N_WORDS
    assert np.quantile(lengths, 0.95) > 5 * np.quantile(lengths, 0.05)


def test_the_same_is_made_every_time_and_splits_differ(made: dict[str, Any]) -> None:
    again = keywords.generate()
    assert all(np.array_equal(again[name].inputs, made[name].inputs) for name in made)
    assert not np.array_equal(made["train"].inputs, made["test"].inputs)


def test_features_are_trained_on_as_they_are() -> None:
    task = load_task("keywords")
    assert isinstance(task, ClassificationTask)
    task.prepare()
    data = task.open_data()
    assert (set(data.mean), set(data.std)) == ({0.0}, {1.0})
    assert data.rms == pytest.approx(float(np.sqrt(np.mean(np.square(data.train.inputs * 1.0)))))
    assert task.inputs == ("x", "u", "o")
    assert len(open_test_split(task).test) == keywords.SIZES["test"]


def area_under_curve(scores: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the chance that a wanted document scores above another."""
    ranks, n = rankdata(scores), int(wanted.sum())
    return float((ranks[wanted].sum() - n * (n + 1) / 2) / (n * (~wanted).sum()))


def test_with_given_keywords_the_overlap_is_the_better_detector(made: dict[str, Any]) -> None:
    """Of each topic the 20 words that tell most: their number, or that times the overlap."""
    train, split = made["train"], made["validation"]
    documents = split.inputs.astype(float)
    gains = []
    for topic in range(keywords.N_TOPICS):
        about = train.inputs[train.targets == topic].mean(0)
        telling = np.argsort(train.inputs[train.targets != topic].mean(0) - about)[:20]
        weights = np.zeros(keywords.N_WORDS)
        weights[telling] = 1
        hits, wanted = documents @ weights, split.targets == topic
        shared = np.minimum(documents, weights).sum(1) / np.maximum(documents, weights).sum(1)
        gains.append(area_under_curve(hits * shared, wanted) - area_under_curve(hits, wanted))
    assert min(gains) > 0


@pytest.mark.parametrize("formula", ["relu(x)", "relu(x)*o", "max(x, u)"])
def test_it_trains(formula: str) -> None:
    task = load_task("keywords")
    (record,) = task.train([Training(formula, task.rungs[0].name, 0)])
    assert (record.status, record.message) == (OK, "")
    assert record.score is not None
    assert record.score > 0.4  # the most frequent class is a fifth


def save(folder: Path, labels: Any = None, n: int = 60, **changes: Any) -> Path:
    """Write a small matrix in which feature k counts for class k."""
    rng = np.random.RandomState(0)
    classes = np.arange(n) % 3
    counts = rng.poisson(0.3, (n, 7))
    counts[np.arange(n), classes] += 3
    path = folder / "bag.npz"
    sparse.save_npz(path, sparse.csr_matrix(changes.get("counts", counts)))
    text = [f"topic {k}" for k in classes] if labels is None else labels
    (folder / "bag.labels.txt").write_text("\n".join(map(str, text)), encoding="utf-8")
    return path


def test_a_matrix_of_ones_own(tmp_path: Path) -> None:
    task = load_task("keywords", save(tmp_path))
    assert isinstance(task, ClassificationTask)
    task = pickle.loads(pickle.dumps(task))
    task.prepare()
    data = task.open_data()
    assert (len(data.train), len(data.validation), data.n_classes) == (36, 12, 3)
    assert len(open_test_split(task).test) == 12
    assert data.train.inputs.shape[1:] == (7,)
    assert task.settings()["data"]["name"] == "own"
    (record,) = task.train([Training("relu(x)*o", task.rungs[-1].name, 0)])
    assert record.score == 1.0


def test_the_division_is_the_same_every_time_and_leaves_nothing_out(tmp_path: Path) -> None:
    path = save(tmp_path)
    parts = [matrix.read(path).part(*ends) for ends in ((0, 0.6), (0.6, 0.8), (0.8, 1))]
    whole = np.concatenate([inputs for inputs, _ in parts])
    everything = np.sort(matrix.read(path).inputs, axis=0)
    np.testing.assert_array_equal(np.sort(whole, axis=0), everything)
    np.testing.assert_array_equal(matrix.training(path).train.inputs, parts[0][0])


def test_labels_may_be_an_array(tmp_path: Path) -> None:
    path = save(tmp_path)
    (tmp_path / "bag.labels.txt").unlink()
    np.save(tmp_path / "bag.labels.npy", 5 * (np.arange(60) % 2))
    documents = matrix.read(path)
    assert (documents.n_classes, set(documents.labels)) == (2, {0, 1})


def test_fractions_stay_fractions(tmp_path: Path) -> None:
    counts = np.full((60, 7), 0.5)
    assert matrix.read(save(tmp_path, counts=counts)).inputs.dtype == np.float32


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "bag.labels.txt").unlink(), "write them to bag.labels.txt"),
        (lambda folder: save(folder, labels=[0, 1]), "60 rows, and there are 2 labels"),
        (lambda folder: save(folder, labels=[4] * 60), "all labels of"),
        (lambda folder: save(folder, n=6), "at least 10 are needed"),
        (lambda folder: save(folder, counts=-np.ones((60, 7))), "negative"),
        (lambda folder: save(folder, counts=np.full((60, 7), np.nan)), "infinite or no numbers"),
        (lambda folder: (folder / "bag.npz").write_bytes(b"PK no zip"), "no sparse matrix"),
        (lambda folder: np.savez(folder / "bag.npz", a=[1]), "no sparse matrix"),
        (lambda folder: (folder / "bag.npz").unlink(), "no file"),
    ],
)
def test_what_is_refused(tmp_path: Path, spoil: Any, told: str) -> None:
    path = save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(BadInput, match=told):
        load_task("keywords", path)


def test_nothing_pickled_is_opened(tmp_path: Path) -> None:
    path = save(tmp_path)
    (tmp_path / "bag.labels.txt").unlink()
    np.save(tmp_path / "bag.labels.npy", np.array([{}] * 60, dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match=r"can't be read: .*something else than"):
        matrix.read(path)


def test_data_of_ones_own_may_stay_as_they_are_too() -> None:
    inputs, labels = np.array([[0.0, 3.0], [4.0, 0.0]], np.float32), np.array([0, 1])
    data = training_data((inputs, labels), (inputs, labels), standardise=False)
    assert (data.mean, data.std, data.rms) == ((0.0, 0.0), (1.0, 1.0), 2.5)
    assert training_data((inputs, labels), (inputs, labels)).rms == 1.0
