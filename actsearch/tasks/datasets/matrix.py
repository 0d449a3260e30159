"""A user's own sparse matrix, such as a bag of words: documents by features, with a label each.

``FILE.npz`` is what ``scipy.sparse.save_npz`` writes; labels lie beside it, as ``FILE.labels.txt``
(one a line, numbers or names) or ``FILE.labels.npy``. Features must not be negative and are trained
on as they are. Nothing pickled is opened. The documents are divided by a fixed permutation, three
fifths to train with and one fifth each for validation and test.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from actsearch.errors import BadInput, shorten
from actsearch.tasks.data import Array, TrainingData, training_data
from actsearch.tasks.datasets.npz import check_header, load_sparse

ENDING = ".npz"
_SPLIT_SEED = 20_240_229
_LEAST_DOCUMENTS = 10
_MAX_BYTES = 2_000_000_000  # dense, as layers read them
_MAX_LABEL_CHARS = 50_000_000
#: What the readers of zip files, of arrays and of matrices raise where a file lies.
_NO_MATRIX = (
    OSError,
    ValueError,
    KeyError,
    AttributeError,
    IndexError,
    TypeError,
    EOFError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Documents:
    """Inputs (n, features) as uint8 or float32, labels (n,) 0, 1, 2 ..., and their number."""

    inputs: Array
    labels: Array
    n_classes: int

    def part(self, first: float, last: float) -> tuple[Array, Array]:
        """Return the documents from one share of the fixed permutation to another."""
        n = len(self.labels)
        order = np.random.RandomState(_SPLIT_SEED).permutation(n)  # its stream is frozen for good
        chosen = order[int(first * n) : int(last * n)]
        return self.inputs[chosen], self.labels[chosen]


def training(path: Path) -> TrainingData:
    """Return training and validation split of the matrix in a file.

    Raises:
        BadInput: as ``read``.
    """
    documents = read(path)
    train, validation = documents.part(0, 0.6), documents.part(0.6, 0.8)
    return training_data(train, validation, documents.n_classes, standardise=False)


def test(path: Path) -> tuple[Array, Array]:
    """Return the test split of the matrix in a file.

    Raises:
        BadInput: as ``read``.
    """
    return read(path).part(0.8, 1)


@functools.lru_cache(maxsize=2)
def read(path: Path) -> Documents:
    """Read a sparse matrix and its labels.

    Raises:
        BadInput: there is no such file, it is no sparse matrix of finite numbers that are not
            negative, it is too large, or its labels are missing or do not fit.
    """
    inputs = _matrix(path)
    labels = _labels(path)
    if len(labels) != len(inputs):
        raise BadInput(f"{path} has {len(inputs)} rows, and there are {len(labels)} labels for it")
    if len(labels) < _LEAST_DOCUMENTS:
        raise BadInput(f"{path} has {len(labels)} rows; at least {_LEAST_DOCUMENTS} are needed")
    names, numbers = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise BadInput(f"all labels of {path} are '{names[0]}'; at least two classes are needed")
    return Documents(inputs, numbers.astype(np.int64), len(names))


def _matrix(path: Path) -> Array:
    if not path.is_file():
        raise BadInput(f"no file {path}; --data takes a sparse matrix of scipy.sparse.save_npz")
    try:
        matrix: Any = load_sparse(path, _MAX_BYTES)
        n_bytes = 4 * matrix.shape[0] * matrix.shape[1]
        if n_bytes > _MAX_BYTES:
            raise BadInput(
                f"{path} has {matrix.shape[0]:,} x {matrix.shape[1]:,} numbers, dense "
                f"{n_bytes / 1e9:.1f} GB; leave out rare features until it is at most "
                f"{_MAX_BYTES / 1e9:.0f} GB"
            )
        values = np.asarray(matrix.data)
    except BadInput:
        raise
    except _NO_MATRIX as error:
        said = shorten(str(error) or type(error).__name__, 200)
        raise BadInput(f"{path} is no sparse matrix of scipy.sparse.save_npz: {said}") from error
    if values.dtype.kind not in "fiub" or not np.isfinite(values).all() or (values < 0).any():
        raise BadInput(
            f"{path} has values that are negative, infinite or no numbers; features such as counts "
            "are wanted, which an overlap can be taken of"
        )
    is_small = bool((values == np.rint(values)).all()) and float(values.max(initial=0)) < 256
    dense: Array = np.asarray(matrix.astype(np.uint8 if is_small else np.float32).todense())
    return dense


def _labels(path: Path) -> Array:
    text, array = path.with_suffix(".labels.txt"), path.with_suffix(".labels.npy")
    try:
        if text.is_file():
            with text.open(encoding="utf-8") as file:
                content = file.read(_MAX_LABEL_CHARS + 1)
            if len(content) > _MAX_LABEL_CHARS:
                raise ValueError(f"more than {_MAX_LABEL_CHARS:,} characters")
            names = [line.strip() for line in content.splitlines()]
            longest = max(names, key=len, default="")
            if 4 * len(longest) * len(names) > _MAX_BYTES:  # all take as much as the longest
                raise ValueError(f"'{shorten(longest, 40)}' has {len(longest):,} characters")
            return np.array(names)
        if array.is_file():
            with array.open("rb") as there:
                check_header(there, array.stat().st_size)
            labels: Array = np.load(array, allow_pickle=False)
            if labels.ndim == 1 and labels.dtype.kind in "iubU":
                return labels
            raise ValueError(f"labels of shape {labels.shape} and type {labels.dtype}")
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise BadInput(f"the labels beside {path} can't be read: {error}") from error
    raise BadInput(
        f"{path} has no labels beside it: write them to {text.name}, one a line, or as a NumPy "
        f"array of whole numbers to {array.name}, in the folder {path.parent}"
    )
