"""MNIST-1D: three fresh splits, the standard training set, no trace in the global generators."""

from __future__ import annotations

import random

import numpy as np
import pytest

from actsearch.tasks.datasets import mnist1d, store

pytestmark = pytest.mark.slow


def test_splits() -> None:
    folder = store.converted("mnist1d")
    splits = [store.map_split(folder, name) for name in store.SPLITS]
    rows = set()
    for split in splits:
        assert split.inputs.shape == (4000, 1, 40)
        assert split.inputs.dtype == np.float32
        assert np.bincount(split.targets).min() > 350
        assert abs(float(split.inputs.std()) - 1) < 0.02
        rows |= {row.tobytes() for row in split.inputs}
    assert len(rows) == 12_000  # no sample in two splits


def test_standard_training_set_and_untouched_generators() -> None:
    from mnist1d.data import get_dataset_args, make_dataset

    np.random.seed(7)
    random.seed(7)
    made = mnist1d.generate()["train"]
    drawn = np.random.rand(), random.random()
    np.random.seed(7)
    random.seed(7)
    assert drawn == (np.random.rand(), random.random())

    standard = make_dataset(get_dataset_args())
    np.testing.assert_array_equal(made.inputs[:, 0], standard["x"].astype(np.float32))
    np.testing.assert_array_equal(made.targets, standard["y"])
    stored = store.open_training("mnist1d").train
    np.testing.assert_array_equal(stored.inputs, made.inputs)
