"""Feeds: standardised batches, the order of samples, and one feed for the same data."""

from __future__ import annotations

import gc

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from actsearch.tasks import feed
from actsearch.tasks.feed import Feed, sample_order, shared_feed
from tests.tasks.conftest import blob_data

CPU = torch.device("cpu")


@given(
    n=st.integers(1, 60), batch=st.integers(1, 40), steps=st.integers(1, 12), seed=st.integers(0, 9)
)
def test_every_epoch_is_a_permutation(n: int, batch: int, steps: int, seed: int) -> None:
    order = sample_order(n, batch, steps, torch.Generator().manual_seed(seed))
    assert order.shape == (steps, batch)
    flat = order.flatten().tolist()
    for start in range(0, len(flat) - n + 1, n):
        assert sorted(flat[start : start + n]) == list(range(n))
    rest = flat[len(flat) // n * n :]
    assert len(set(rest)) == len(rest)


def test_feed_standardises() -> None:
    data = blob_data()
    inputs, labels = Feed(data, CPU).train_batch(torch.arange(len(data.train)))
    torch.testing.assert_close(inputs.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.std(0, unbiased=False), torch.ones(2), atol=1e-5, rtol=0)
    assert labels.dtype == torch.int64


def test_validation_batches_are_standardised_as_training_is() -> None:
    data = blob_data()
    inputs, labels = Feed(data, CPU).validation_batch(slice(20, 50))
    expected = (data.validation.inputs[20:50] - np.array(data.mean)) / np.array(data.std)
    np.testing.assert_allclose(inputs.numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(labels.numpy(), data.validation.targets[20:50])


def test_trainings_on_the_same_data_share_a_feed_for_as_long_as_there_are_data() -> None:
    one, two = blob_data(), blob_data()
    assert shared_feed(one, CPU) is shared_feed(one, CPU)
    assert shared_feed(two, CPU) is not shared_feed(one, CPU)
    keys = [(id(one), "cpu"), (id(two), "cpu")]
    assert all(key in feed._shared for key in keys)
    del one
    gc.collect()
    assert [key in feed._shared for key in keys] == [False, True]
