"""Readers of the two file formats, IDX and CIFAR's binary version, that trust nothing.

A file is accepted when its magic number, its shape and its size to the byte are the expected ones;
gzip's own checksum is verified by reading to the end. No pickle is ever opened.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from actsearch.errors import BadInput
from actsearch.tasks.data import Array

REMEDY = "replace it by an undamaged copy (actsearch can download one: leave out --data)"


def length(form: str, shape: tuple[int, ...]) -> int:
    """Return how many bytes a file of a format has, unzipped."""
    return math.prod(shape) + (4 + 4 * len(shape) if form == "idx" else 0)


def read_idx(path: Path, shape: tuple[int, ...]) -> Array:
    """Read an IDX file of unsigned bytes, gzipped if its name ends in ``.gz``.

    Args:
        path: the file.
        shape: what its header must say.

    Returns:
        A uint8 array of ``shape``.

    Raises:
        BadInput: the file can't be read, is truncated, damaged, or holds something else.
    """
    n_header, n_values = 4 + 4 * len(shape), int(np.prod(shape))
    content = _read(path, n_header + n_values)
    magic = 0x0800 + len(shape)  # 08: unsigned bytes; then the number of dimensions
    if len(content) >= 4 and struct.unpack(">I", content[:4])[0] != magic:
        raise BadInput(
            f"{path} is no IDX file of {len(shape)} dimensions: it begins with "
            f"{content[:4].hex()}, not {magic:08x}; {REMEDY}"
        )
    if len(content) < n_header:
        raise BadInput(f"{path} is truncated: {len(content)} bytes, less than its header; {REMEDY}")
    found = struct.unpack(f">{len(shape)}I", content[4:n_header])
    if found != shape:
        raise BadInput(f"{path} holds {_times(found)} values, not {_times(shape)}; {REMEDY}")
    _check_size(path, len(content), n_header + n_values)
    return np.frombuffer(content, np.uint8, offset=n_header).reshape(shape)


def read_cifar(path: Path, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Read a file of CIFAR-10's binary version: a label, then 32x32 red, green and blue bytes.

    Args:
        path: the file.
        shape: (number of images, 3,073).

    Returns:
        Images (n, 3, 32, 32) and labels (n,), both uint8.

    Raises:
        BadInput: the file can't be read, has another size, or a label above 9.
    """
    n_images, n_bytes = shape
    content = _read(path, n_images * n_bytes)
    _check_size(path, len(content), n_images * n_bytes)
    rows = np.frombuffer(content, np.uint8).reshape(shape)
    labels = rows[:, 0]
    check_labels(path, labels, 10)
    return rows[:, 1:].reshape(n_images, 3, 32, 32), labels


def check_labels(path: Path, labels: Array, n_classes: int) -> None:
    """Raise BadInput where a label is not below ``n_classes``."""
    wrong = np.flatnonzero(labels >= n_classes)
    if len(wrong):
        raise BadInput(
            f"{path} is damaged: sample {wrong[0]} has label {labels[wrong[0]]}, "
            f"labels go from 0 to {n_classes - 1}; {REMEDY}"
        )


def file_hash(path: Path, n_bytes: int) -> bytes:
    """Return the SHA-256 of a file.

    Args:
        path: the file.
        n_bytes: how long its content is; gzipped it may be a little longer, never much.

    Raises:
        BadInput: it can't be read, or is of another length, which is cheaper to tell.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno()).st_size
            if path.suffix != ".gz" or found > 2 * n_bytes + 10_000:
                _check_size(path, found, n_bytes)
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror or error}") from error


def _read(path: Path, n_bytes: int) -> bytes:
    """Read at most one byte more than expected, so that a huge file can't fill the memory."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return file.read(n_bytes + 1)
        with path.open("rb") as file:
            return file.read(n_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{path} is truncated or damaged ({error}); {REMEDY}") from error
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror or error}") from error


def _check_size(path: Path, found: int, expected: int) -> None:
    if found < expected:
        raise BadInput(f"{path} is truncated: {found:,} of {expected:,} bytes; {REMEDY}")
    if found > expected:
        raise BadInput(f"{path} is longer than the {expected:,} bytes it should have; {REMEDY}")


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(f"{length:,}" for length in shape)
