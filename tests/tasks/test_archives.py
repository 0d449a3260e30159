"""Archives and matrices that someone made who means ill: refused, and nothing is made of them."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from actsearch.errors import BadInput
from actsearch.tasks.datasets import archives, matrix
from actsearch.tasks.datasets.archives import unpack
from actsearch.tasks.datasets.catalog import Dataset, SourceFile

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


def outside(folder: Path) -> set[str]:
    """Return what lies around the folder that is unpacked into."""
    return {path.name for path in folder.parent.iterdir()}


def packed(tmp_path: Path, content: bytes) -> tuple[Path, Path]:
    archive, folder = tmp_path / "in" / "a.tar.gz", tmp_path / "in" / "out"
    folder.mkdir(parents=True)
    archive.write_bytes(gzip.compress(content, 1))
    return archive, folder


@pytest.mark.parametrize("what", BAD)
def test_an_archive_that_is_not_what_it_should_be(what: str, tmp_path: Path) -> None:
    content, said = BAD[what]
    archive, folder = packed(tmp_path, content)
    with pytest.raises(BadInput, match=said) as caught:
        unpack(SET, archive, folder)
    assert "remove it" in str(caught.value)
    assert {path.name for path in folder.iterdir()} <= {"a.bin"}
    assert outside(folder) == {"a.tar.gz", "out"}
    assert outside(folder.parent) == {"in"}


@pytest.mark.parametrize("cut", [0, 1, 9, 20, -9, -1])
def test_an_archive_cut_short(cut: int, tmp_path: Path) -> None:
    archive, folder = packed(tmp_path, member("x", b"y" * 4000) + GOOD)
    archive.write_bytes(archive.read_bytes()[:cut])
    try:
        unpack(SET, archive, folder)
    except BadInput:
        return
    # The file was whole; what is cut off is the end that says so.
    assert (folder / "a.bin").read_bytes() == CONTENT


def test_the_good_one_is_unpacked_and_nothing_beside_it(tmp_path: Path) -> None:
    archive, folder = packed(
        tmp_path, member("../../evil", b"x") + member("tiny/readme", b"x") + GOOD
    )
    unpack(SET, archive, folder)
    assert [path.name for path in folder.iterdir()] == ["a.bin"]
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert (folder / "a.bin").stat().st_mode & 0o111 == 0


def test_what_is_unpacked_is_bounded_while_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte of zeros takes a megabyte: not more of it is unpacked than may be there."""
    read: list[int] = []
    whole = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        found = whole(self, size)
        read.append(len(found))
        return found

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    archive, folder = packed(tmp_path, member("x", bytes(50_000_000)) + GOOD)
    with pytest.raises(BadInput, match="unpacks to more"):
        unpack(SET, archive, folder)
    assert sum(read) <= archives.MORE_BYTES + len(CONTENT) + 1


# -- matrices ------------------------------------------------------------------------------------


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


def test_the_good_matrix_is_read(tmp_path: Path) -> None:
    documents = matrix.read(zipped(tmp_path / "m.npz", csr()))
    assert documents.inputs.tolist() == (np.arange(40).reshape(20, 2) % 3).tolist()


@pytest.mark.parametrize("what", MATRICES)
def test_a_matrix_that_is_not_what_it_says(what: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.npz", MATRICES[what]())
    with pytest.raises(BadInput) as caught:
        matrix.read(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_bomb_is_told_by_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "_MAX_BYTES", 1_000_000)
    path = zipped(tmp_path / "m.npz", csr(data=npy(np.zeros(1_000_000))))
    with pytest.raises(BadInput, match=r"unpacks to .* at most 1,000,000"):
        matrix.read(path)


@pytest.mark.parametrize("damage", ["cut", "flipped", "no zip"])
def test_a_damaged_zip(tmp_path: Path, damage: str) -> None:
    path = zipped(tmp_path / "m.npz", csr())
    content = path.read_bytes()
    middle = content.index(b"data.npy") + 40
    path.write_bytes(
        {
            "cut": content[:-30],
            "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
            "no zip": b"evil" * 100,
        }[damage]
    )
    with pytest.raises(BadInput):
        matrix.read(path)


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


@pytest.mark.parametrize("what", LABELS)
def test_labels_that_are_none(what: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.npz", csr())
    path.with_suffix(".labels.txt").unlink()
    path.with_suffix(".labels.npy").write_bytes(LABELS[what])
    with pytest.raises(BadInput, match="labels beside"):
        matrix.read(path)


def test_labels_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "m.npz", csr())
    monkeypatch.setattr(matrix, "_MAX_LABEL_CHARS", 100)
    path.with_suffix(".labels.txt").write_text("a\n" * 100)
    with pytest.raises(BadInput, match="more than 100 characters"):
        matrix.read(path)
    monkeypatch.undo()
    monkeypatch.setattr(matrix, "_MAX_BYTES", 100_000)
    path.with_suffix(".labels.txt").write_text("a\n" * 19 + "b" * 2000)
    with pytest.raises(BadInput, match=r"'b+…' has 2,000 characters"):
        matrix.read(path)
