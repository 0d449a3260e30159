"""Hypothesis strategies for the files of data sets, and writers of the formats."""

from __future__ import annotations

import gzip
import math
import struct

import numpy as np
from hypothesis import strategies as st

from actsearch.tasks.data import Array


def idx_bytes(array: Array) -> bytes:
    """Write an array of bytes as an IDX file."""
    header = struct.pack(">I", 0x0800 + array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def idx_gz_bytes(array: Array) -> bytes:
    return gzip.compress(idx_bytes(array), compresslevel=1, mtime=0)


def cifar_bytes(images: Array, labels: Array) -> bytes:
    """Write images (n, 3, 32, 32) and labels (n,) as CIFAR's binary version."""
    return np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1).tobytes()


def byte_arrays(*, min_dims: int = 1, max_dims: int = 3) -> st.SearchStrategy[Array]:
    shapes = st.lists(st.integers(1, 6), min_size=min_dims, max_size=max_dims).map(tuple)
    return shapes.flatmap(
        lambda shape: st.binary(min_size=math.prod(shape), max_size=math.prod(shape)).map(
            lambda raw: np.frombuffer(raw, np.uint8).reshape(shape)
        )
    )


def random_images(n: int, seed: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Make n images of random bytes and labels 0 to 9."""
    rng = np.random.RandomState(seed)
    images = rng.randint(0, 256, (n, *shape)).astype(np.uint8)
    return images, rng.randint(0, 10, n).astype(np.uint8)
