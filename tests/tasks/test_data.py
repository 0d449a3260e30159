"""Arrays of a user's own: checked, standardised, hashed by content."""

from __future__ import annotations

import numpy as np
import pytest

from actsearch.errors import BadInput
from actsearch.tasks.data import Array, content_digest, training_data
from tests.tasks.conftest import blobs

X = np.zeros((4, 3), np.float32)
Y = np.array([0, 1, 2, 1])


def test_moments_a_channel() -> None:
    rng = np.random.RandomState(0)
    inputs = rng.randn(500, 2, 5) * np.array([[1.0], [10.0]]) + np.array([[3.0], [-5.0]])
    data = training_data((inputs, rng.randint(0, 4, 500)), (inputs[:9], np.zeros(9, int)))
    assert data.mean == pytest.approx((3.0, -5.0), abs=0.5)
    assert data.std == pytest.approx((1.0, 10.0), rel=0.1)
    assert data.n_classes == 4
    assert data.train.inputs.dtype == np.float32


def test_constant_channel_divides_by_one() -> None:
    assert training_data((X + 7, Y), (X, Y)).std == (1.0, 1.0, 1.0)


def test_digest_tells_data_apart_and_nothing_else() -> None:
    data = training_data(blobs(30, 1), blobs(20, 2))
    inputs, labels = blobs(30, 1)
    same = training_data((np.asfortranarray(inputs), labels.astype(np.uint8)), blobs(20, 2))
    assert same.digest == data.digest
    inputs[3, 1] += 1e-6
    assert training_data((inputs, labels), blobs(20, 2)).digest != data.digest
    assert content_digest(data.train, data.validation) == data.digest
    assert content_digest(data.validation, data.train) != data.digest


def test_readonly_arrays_can_be_used() -> None:
    inputs, labels = np.zeros((4, 3), np.uint8), Y.copy()
    inputs.setflags(write=False)
    assert training_data((inputs, labels), (inputs, labels)).train.inputs.flags.writeable


@pytest.mark.parametrize(
    ("train", "validation", "says"),
    [
        ((X, Y[:3]), (X, Y), r"train split: .* got \(4, 3\) and \(3,\)"),
        ((X[:, 0], Y), (X, Y), r"inputs must have shape \(n, features ...\)"),
        ((X, Y), (X[:, :2], Y), r"validation inputs have shape \(2,\) a sample, train inputs \(3,"),
        ((X, Y), (X, Y + 1), "validation labels go up to 3, but n_classes=3"),
        ((X, Y - 1), (X, Y), "labels must be integers 0, 1, 2"),
        ((X, Y / 2), (X, Y), "labels must be integers 0, 1, 2 ..., got float64"),
        ((X + np.nan, Y), (X, Y), "infinite or NaN"),
        ((X.astype(str), Y), (X, Y), "inputs must be numbers"),
        ((X[:0], Y[:0]), (X, Y), "n >= 1"),
    ],
)
def test_what_does_not_fit(
    train: tuple[Array, Array], validation: tuple[Array, Array], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        training_data(train, validation)


def test_data_say_whether_they_are_standardised() -> None:
    rng = np.random.default_rng(0)
    arrays = (rng.random((20, 3)), rng.integers(0, 2, 20))
    assert training_data(arrays, arrays).standardised
    assert not training_data(arrays, arrays, standardise=False).standardised
