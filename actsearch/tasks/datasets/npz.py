"""A sparse matrix in an ``.npz`` file, looked at before NumPy and SciPy make memory of it.

A header may promise a terabyte and a zip of a few bytes unpack to one; SciPy takes indices as they
are and turns them into addresses. So each array's header has to agree with the size of its entry,
all entries together are bounded, and indices have to lie in the matrix.
"""

from __future__ import annotations

import ast
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

#: What ``scipy.sparse.save_npz`` writes.
ENTRIES = frozenset(
    f"{name}.npy"
    for name in (
        "format", "shape", "data", "indices", "indptr", "row", "col", "offsets", "_is_array",
    )
)  # fmt: skip
_FORMATS = ("csr", "csc", "coo", "bsr", "dia")
_MAGIC = np.lib.format.MAGIC_PREFIX
_MOST_HEADER_BYTES = 10_000  # NumPy's own bound


def load_sparse(path: Path, most_bytes: int) -> Any:
    """Return the matrix in a file.

    Args:
        path: the file.
        most_bytes: what all its arrays together may be unpacked.

    Raises:
        ValueError: it holds something else, or promises more.
        OSError: it can't be read.
        zipfile.BadZipFile: it is no archive, or damaged.
    """
    from scipy import sparse

    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("an array is in it twice")
        for entry in entries:
            if entry.filename not in ENTRIES:
                raise ValueError(f"it holds '{entry.filename[:60]}'")
        n_bytes = sum(entry.file_size for entry in entries)
        if n_bytes > most_bytes:
            raise ValueError(f"it unpacks to {n_bytes:,} bytes; at most {most_bytes:,}")
        for entry in entries:
            with archive.open(entry) as file:
                check_header(file, entry.file_size)  # type: ignore[arg-type]
    try:
        matrix: Any = sparse.load_npz(path)  # which opens nothing pickled
    except ZeroDivisionError as error:  # it divides by the size of a block
        raise ValueError("it has blocks of no size") from error
    if matrix.ndim != 2:
        raise ValueError(f"it has {matrix.ndim} dimensions")
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)  # indices are looked at only when asked to
    elif matrix.format == "dia":
        _check_offsets(matrix)
    return matrix


def _check_offsets(matrix: Any) -> None:
    n_rows, n_columns = (int(length) for length in matrix.shape)
    offsets = np.asarray(matrix.offsets)
    if offsets.dtype.kind not in "iu" or (
        len(offsets) and not (-n_rows < int(offsets.min()) and int(offsets.max()) < n_columns)
    ):
        raise ValueError("a diagonal lies outside of it")


def check_header(file: BinaryIO, n_bytes: int) -> None:
    """Refuse an ``.npy`` file that is not as long as its header says, or holds Python objects.

    Args:
        file: at its beginning.
        n_bytes: how long the file is.

    Raises:
        ValueError: it is such a file.
    """
    head = file.read(len(_MAGIC) + 2)
    if head[: len(_MAGIC)] != _MAGIC or len(head) < len(_MAGIC) + 2 or head[-2] not in (1, 2):
        raise ValueError("an array in it is no NumPy array")
    size = file.read(2 if head[-2] == 1 else 4)
    n_header = int.from_bytes(size, "little")
    if n_header > _MOST_HEADER_BYTES:
        raise ValueError(f"an array in it has a header of {n_header:,} bytes")
    try:
        header = ast.literal_eval(file.read(n_header).decode("latin-1"))
        shape, described = header["shape"], header["descr"]
        dtype = np.dtype(described) if isinstance(described, str) else None
    except (SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError("an array in it has a damaged header") from error
    if dtype is None or dtype.hasobject:
        raise ValueError("an array in it holds something else than numbers or text")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array in it has no shape")
    promised = len(head) + len(size) + n_header + math.prod(shape) * dtype.itemsize
    if promised != n_bytes:
        raise ValueError(f"an array in it should take {promised:,} bytes, and takes {n_bytes:,}")
