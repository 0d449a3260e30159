"""IDX and CIFAR files: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.tasks.data import Array
from actsearch.tasks.datasets.formats import read_cifar, read_idx
from tests.tasks.strategies import (
    byte_arrays,
    cifar_bytes,
    idx_bytes,
    idx_gz_bytes,
    random_images,
)

WRITERS = {"f.gz": idx_gz_bytes, "f": idx_bytes}


@pytest.mark.parametrize("name", WRITERS)
@given(array=byte_arrays())
def test_idx_round_trip(tmp_path_factory: pytest.TempPathFactory, name: str, array: Array) -> None:
    path = tmp_path_factory.mktemp("idx") / name
    path.write_bytes(WRITERS[name](array))
    read = read_idx(path, array.shape)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("name", WRITERS)
def test_idx_truncated_at_any_byte(tmp_path: Path, name: str) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = WRITERS[name](array)
    path = tmp_path / name
    for n_bytes in range(len(content)):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(BadInput, match=re.escape(str(path))):
            read_idx(path, array.shape)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_idx_gz_with_a_wrong_byte_is_refused_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    """Only bytes that gzip doesn't use (the time in its header, say) may change unnoticed."""
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = bytearray(idx_gz_bytes(array))
    content[position % len(content)] ^= flip
    path = tmp_path_factory.mktemp("idx") / "f.gz"
    path.write_bytes(content)
    try:
        np.testing.assert_array_equal(read_idx(path, array.shape), array)
    except BadInput as error:
        assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (idx_bytes(np.zeros((2, 3, 5), np.uint8)), "holds 2x3x5 values, not 2x3x4"),
        (idx_bytes(np.zeros((2, 3), np.uint8)), "begins with 00000802, not 00000803"),
        (idx_bytes(np.zeros((2, 3, 4), np.uint8)) + b"x", "longer than the 40 bytes"),
        (b"<html>not found</html>", "no IDX file"),
        (b"", "truncated: 0 bytes"),
    ],
)
def test_idx_of_another_kind(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=says):
        read_idx(path, (2, 3, 4))


def test_idx_that_is_no_gzip(tmp_path: Path) -> None:
    path = tmp_path / "f.gz"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(BadInput, match="damaged"):
        read_idx(path, (2,))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't read"):
        read_idx(tmp_path, (2,))


@given(n=st.integers(1, 4), seed=st.integers(0, 1000))
def test_cifar_round_trip(tmp_path_factory: pytest.TempPathFactory, n: int, seed: int) -> None:
    images, labels = random_images(n, seed, (3, 32, 32))
    path = tmp_path_factory.mktemp("cifar") / "data_batch_1.bin"
    path.write_bytes(cifar_bytes(images, labels))
    read_images, read_labels = read_cifar(path, (n, 3073))
    np.testing.assert_array_equal(read_images, images)
    np.testing.assert_array_equal(read_labels, labels)


@given(n_bytes=st.integers(0, 2 * 3073 + 50).filter(lambda n: n != 2 * 3073))
def test_cifar_of_any_other_length(tmp_path_factory: pytest.TempPathFactory, n_bytes: int) -> None:
    images, labels = random_images(3, 0, (3, 32, 32))
    path = tmp_path_factory.mktemp("cifar") / "data_batch_1.bin"
    path.write_bytes(cifar_bytes(images, labels)[:n_bytes])
    with pytest.raises(BadInput, match="truncated" if n_bytes < 2 * 3073 else "longer"):
        read_cifar(path, (2, 3073))


def test_cifar_with_a_wrong_label(tmp_path: Path) -> None:
    images, labels = random_images(3, 0, (3, 32, 32))
    labels[1] = 10
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(cifar_bytes(images, labels))
    with pytest.raises(BadInput, match="sample 1 has label 10, labels go from 0 to 9"):
        read_cifar(path, (3, 3073))
