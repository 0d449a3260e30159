"""Archives and matrices that someone made who means ill: refused, and nothing is made of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from actsearch.errors import BadInput
from actsearch.tasks.datasets import archives, matrix
from actsearch.tasks.datasets.archives import unpack
from tests.security.archives import (
    BAD,
    CONTENT,
    GOOD,
    LABELS,
    MATRICES,
    SET,
    csr,
    member,
    npy,
    zipped,
)


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


def test_the_good_matrix_is_read(tmp_path: Path) -> None:
    documents = matrix.read(zipped(tmp_path / "m.npz", csr()))
    assert documents.inputs.tolist() == (np.arange(40).reshape(20, 2) % 3).tolist()


@pytest.mark.parametrize("block", [(1, 0, 0), (1, 0, 2), (1, 2, 0)])
def test_blocks_of_no_size(block: tuple[int, ...], tmp_path: Path) -> None:
    arrays = {"format": b"bsr", "shape": [4, 4], "data": np.ones(block)}
    pointers = {"indices": np.zeros(1, int), "indptr": np.array([0, 1])}
    entries = {f"{name}.npy": npy(content) for name, content in (arrays | pointers).items()}
    with pytest.raises(BadInput, match="no sparse matrix"):
        matrix.read(zipped(tmp_path / "m.npz", entries))


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
