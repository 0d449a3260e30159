"""Hostile archives, matrices and files of data: what is in them."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from actsearch.tasks.datasets import matrix
from actsearch.tasks.datasets.archives import unpack
from actsearch.tasks.datasets.catalog import Dataset, SourceFile
from actsearch.tasks.datasets.formats import file_hash, read_cifar, read_idx
from actsearch.tasks.datasets.sources import source_files
from tests.security.hostile import Call, Case

SET = Dataset(
    "tiny", "", "cifar", 10, 1, folder="tiny", files=(SourceFile("a.bin", (4, 3)),)
)  # one file of 12 bytes
CONTENT = b"0123456789ab"


def member(name: str = "tiny/a.bin", content: bytes = CONTENT, **facts: object) -> bytes:
    """Return one member of a tar file, its header and its content."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in facts.items():
        setattr(info, key, value)
    padding = b"\0" * (-len(content) % 512)
    return info.tobuf(tarfile.GNU_FORMAT) + content + padding


END = b"\0" * 1024
GOOD = member() + END

#: What it holds -> its bytes before gzip, and what is said of it.
BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (END, "holds no file tiny/a.bin"),
    "another name": (member("tiny/b.bin") + END, "holds no file"),
    "a way out": (member("../tiny/a.bin") + END, "holds no file"),
    "an absolute name": (member("/tiny/a.bin") + END, "holds no file"),
    "a way about": (member("tiny/../tiny/a.bin") + END, "holds no file"),
    "a symbolic link": (
        member(content=b"", type=tarfile.SYMTYPE, linkname="/etc/passwd") + END,
        "something else than a file of 12 bytes",
    ),
    "a link out": (
        member(content=b"", type=tarfile.LNKTYPE, linkname="../../etc/passwd") + END,
        "something else",
    ),
    "a device": (member(content=b"", type=tarfile.CHRTYPE) + END, "something else"),
    "a pipe": (member(content=b"", type=tarfile.FIFOTYPE) + END, "something else"),
    "a folder": (member(content=b"", type=tarfile.DIRTYPE) + END, "something else"),
    "too much": (member(content=CONTENT + b"!") + END, "something else"),
    "too little": (member(content=CONTENT[:-1]) + END, "something else"),
    "a promised terabyte": (member(content=b"", size=1 << 40) + END, "something else"),
    "a terabyte beside": (member("tiny/b.bin", b"", size=1 << 40) + GOOD, "unpacks to more"),
    "a negative size": (
        member(content=b"")[:124] + b"-0000000001\0" + member(content=b"")[136:] + END,
        "damaged|something else",
    ),
    "two of a name": (member() + GOOD, "holds tiny/a.bin twice"),
    "many members": (member("x", b"") * 300 + GOOD, "more than 200 files"),
    "a torn member": (GOOD[:514], "damaged"),
    "no archive": (b"not an archive" * 100, "damaged"),
    "a bomb": (member("x", bytes(3_000_000)) + GOOD, "unpacks to more than 2,000,012 bytes"),
    "a header without end": (
        member("x", b"9" * 3_000_000, type=tarfile.XHDTYPE) + GOOD,
        "unpacks to more|damaged",
    ),
}


def npy(array: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def with_header(text: str, content: bytes = b"") -> bytes:
    header = text.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def csr(**changes: bytes) -> dict[str, bytes]:
    """Return the arrays of a good matrix, with others in the place of some."""
    good = sparse.csr_matrix(np.arange(40).reshape(20, 2) % 3)
    arrays = {
        "format": npy(b"csr"),
        "shape": npy(np.array([20, 2])),
        "data": npy(good.data),
        "indices": npy(good.indices),
        "indptr": npy(good.indptr),
    }
    return {f"{name}.npy": content for name, content in {**arrays, **changes}.items()}


_N = sparse.csr_matrix(np.arange(40).reshape(20, 2) % 3).nnz
_WILD = np.full(_N, 2_000_000_000, np.int32)
_PTR = sparse.csr_matrix(np.arange(40).reshape(20, 2) % 3).indptr


def diagonal(offset: int) -> dict[str, bytes]:
    return {
        "format.npy": npy(b"dia"),
        "shape.npy": npy([20, 20]),
        "data.npy": npy(np.ones((1, 20))),
        "offsets.npy": npy([offset]),
    }


MATRICES: dict[str, Callable[[], dict[str, bytes]]] = {
    "wild indices": lambda: csr(indices=npy(_WILD)),
    "negative indices": lambda: csr(indices=npy(-_WILD)),
    "wild pointers": lambda: csr(indptr=npy(np.linspace(0, 2**30, 21).astype(np.int32))),
    "pointers that go back": lambda: csr(indptr=npy(np.r_[0, _PTR[:0:-1]].astype(np.int32))),
    "coordinates outside": lambda: {
        "format.npy": npy(b"coo"),
        "shape.npy": npy([20, 2]),
        "data.npy": npy(np.ones(20)),
        "row.npy": npy(np.full(20, 2**31 - 1)),
        "col.npy": npy(np.zeros(20, int)),
    },
    "a diagonal far out": lambda: diagonal(2**20),
    "a diagonal far below": lambda: diagonal(-(2**20)),
    "a negative shape": lambda: csr(shape=npy([-20, 2])),
    "a shape beyond all": lambda: csr(shape=npy([2**62, 2**62])),
    "a shape of one": lambda: csr(shape=npy([20])),
    "a shape of text": lambda: csr(shape=npy(["a", "b"])),
    "an unknown format": lambda: csr(format=npy(b"evil")),
    "a format of numbers": lambda: csr(format=npy(3)),
    "objects": lambda: csr(data=npy(np.array([{}] * 5, dtype=object))),
    "objects as a format": lambda: csr(format=npy(np.array({}, dtype=object))),
    "no data": lambda: {k: v for k, v in csr().items() if k != "data.npy"},
    "another entry": lambda: csr(evil=npy(0)),
    "no array": lambda: csr(data=b"evil"),
    "an array of version 3": lambda: csr(data=b"\x93NUMPY\x03\x00" + npy(1)[8:]),
    "a header of code": lambda: csr(data=with_header("__import__('os').system('true')")),
    "a header without a shape": lambda: csr(data=with_header("{'descr': '<f8'}")),
    "a header of nothing": lambda: csr(data=with_header("")),
    "a deep header": lambda: csr(data=with_header("(" * 5000)),
    "a shape of floats": lambda: csr(
        data=with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}")
    ),
    "a promised terabyte": lambda: csr(
        data=with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", b"x" * 80
        )
    ),
    "a structure": lambda: csr(data=npy(np.zeros(3, dtype=[("a", "f8")]))),
}


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    path.with_suffix(".labels.txt").write_text("a\nb\n" * 10)
    return path


LABELS: dict[str, bytes] = {
    "objects": npy(np.array([{}] * 20, dtype=object)),
    "a promised terabyte": with_header(
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,)}"
    ),
    "floats": npy(np.zeros(20)),
    "two dimensions": npy(np.zeros((20, 2), int)),
    "nothing": b"",
    "no array": b"evil",
}


_SHAPE = (4, 3)
_HEADER = struct.pack(">4I", 0x0802, *_SHAPE, 0)[:12]
#: An IDX file of 4 x 3 bytes; those that end in .gz are gzipped.
IDX: dict[str, bytes] = {
    "nothing": b"",
    "half a header": _HEADER[:6],
    "another magic number": b"\x93NUMPY" + bytes(100),
    "more dimensions": struct.pack(">I", 0x08FF) + bytes(1000),
    "a promised terabyte": struct.pack(">3I", 0x0802, 2**31, 512) + bytes(12),
    "another shape": struct.pack(">3I", 0x0802, 3, 4) + bytes(12),
    "too short": _HEADER + bytes(11),
    "too long": _HEADER + bytes(13),
    "much too long": _HEADER + bytes(5_000_000),
    "a pickle": b"cos\nsystem\n(S'true'\ntR.",
}


def _of_archive(content: bytes) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        (folder / "out").mkdir()
        (folder / "a.tar.gz").write_bytes(gzip.compress(content, 1))
        return lambda: unpack(SET, folder / "a.tar.gz", folder / "out")

    return prepare


def _of_matrix(make: Callable[[], dict[str, bytes]]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        path = zipped(folder / "m.npz", make())
        return lambda: matrix.read(path)

    return prepare


def _of_labels(content: bytes) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        path = zipped(folder / "m.npz", csr())
        path.with_suffix(".labels.txt").unlink()
        path.with_suffix(".labels.npy").write_bytes(content)
        return lambda: matrix.read(path)

    return prepare


def _of_idx(content: bytes, ending: str) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        path = folder / f"f{ending}"
        path.write_bytes(gzip.compress(content, 1) if ending else content)
        return lambda: read_idx(path, _SHAPE)

    return prepare


def _of_gzip(content: bytes) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        (folder / "f.gz").write_bytes(content)
        return lambda: read_idx(folder / "f.gz", _SHAPE)

    return prepare


def _sparse(folder: Path) -> Path:
    (folder / "f").touch()
    os.truncate(folder / "f", 1 << 42)
    return folder / "f"


#: What lies in the place of a folder of data, or of a file in it.
DATA: dict[str, Callable[[Path], object]] = {
    "none there": lambda path: None,
    "an empty folder": Path.mkdir,
    "a file": lambda path: path.write_text("evil"),
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


def _of_data(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "data")
        return lambda: source_files(SET, folder / "data")

    return prepare


def _of_file(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        (folder / "tiny").mkdir()
        make(folder / "tiny" / "a.bin")
        return lambda: source_files(SET, folder)

    return prepare


def _of_matrix_file(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "m.npz")
        return lambda: matrix.read(folder / "m.npz")

    return prepare


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, (content, _) in BAD.items():
        yield Case("archive", name, _of_archive(content))
    for name, make in MATRICES.items():
        yield Case("matrix", name, _of_matrix(make))
    for name, content in LABELS.items():
        yield Case("labels", name, _of_labels(content))
    for name, content in IDX.items():
        yield Case("data file", name, _of_idx(content, ""))
        yield Case("data file", f"{name}, gzipped", _of_idx(content, ".gz"))
    yield Case("data file", "no gzip", _of_gzip(b"evil"))
    yield Case("data file", "a torn gzip", _of_gzip(gzip.compress(_HEADER + bytes(12))[:-6]))
    yield Case("data file", "a gzip of gzips", _of_gzip(gzip.compress(b"") * 2000 + b"evil"))
    yield Case("data file", "four terabytes", lambda folder: lambda: file_hash(_sparse(folder), 24))
    yield Case(
        "data file",
        "four terabytes, read",
        lambda folder: lambda: read_idx(_sparse(folder), _SHAPE),
    )
    yield Case(
        "data file", "no CIFAR", lambda folder: lambda: read_cifar(_sparse(folder), (2, 3073))
    )
    for name, look in DATA.items():
        yield Case("data folder", name, _of_data(look))
        if name != "a file":  # what is in it is looked at by who reads it
            yield Case("data folder, file", name, _of_file(look))
        yield Case("matrix, file", name, _of_matrix_file(look))
