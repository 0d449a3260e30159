"""Small stand-ins of the shipped data sets: the same formats, a few dozen samples."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

from actsearch.tasks.data import Array
from actsearch.tasks.datasets.catalog import DATASETS, Dataset, Download, SourceFile
from tests.tasks.strategies import cifar_bytes, idx_bytes, idx_gz_bytes, random_images

N_TRAIN, N_TEST, N_VALIDATION = 60, 20, 12


def small_idx(name: str = "mnist") -> Dataset:
    names = [file.name for file in DATASETS[name].files]
    shapes = ((N_TRAIN, 28, 28), (N_TRAIN,), (N_TEST, 28, 28), (N_TEST,))
    files = tuple(SourceFile(n, shape) for n, shape in zip(names, shapes, strict=True))
    return dataclasses.replace(DATASETS[name], files=files, n_validation=N_VALIDATION, downloads=())


def small_cifar() -> Dataset:
    names = [file.name for file in DATASETS["cifar10"].files]
    files = tuple(SourceFile(name, (12, 3073)) for name in names)
    return dataclasses.replace(
        DATASETS["cifar10"], files=files, n_validation=N_VALIDATION, downloads=()
    )


def contents(dataset: Dataset) -> dict[str, tuple[Array, Array]]:
    """Return the images and labels that ``write`` puts into the files of training and test."""
    if dataset.format == "idx":
        train = random_images(N_TRAIN, 1, (28, 28))
        return {"train": train, "test": random_images(N_TEST, 2, (28, 28))}
    return {f"batch {k}": random_images(12, k, (3, 32, 32)) for k in range(6)}


def files_of(dataset: Dataset, *, plain: bool = False) -> dict[str, bytes]:
    """Return the source files of ``dataset``: name to content."""
    made = contents(dataset)
    if dataset.format == "cifar":
        batches = zip(dataset.files, made.values(), strict=True)
        return {file.name: cifar_bytes(*batch) for file, batch in batches}
    arrays = [array for split in ("train", "test") for array in made[split]]
    write, ending = (idx_bytes, "") if plain else (idx_gz_bytes, ".gz")
    pairs = zip(dataset.files, arrays, strict=True)
    return {file.name + ending: write(array) for file, array in pairs}


def write(dataset: Dataset, root: Path, *, plain: bool = False) -> Path:
    """Lay the source files out below ``root`` as a user has them."""
    folder = root / dataset.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files_of(dataset, plain=plain).items():
        (folder / name).write_bytes(content)
    return root


def archive_of(dataset: Dataset) -> bytes:
    """Return the files as the archive of CIFAR-10's binary version has them, and one more."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        extra = {f"{dataset.folder}/readme.html": b"hello", "../outside": b"never unpacked"}
        inside = {f"{dataset.folder}/{n}": c for n, c in files_of(dataset).items()}
        for name, content in {**extra, **inside}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def downloads(served: dict[str, bytes], mirrors: tuple[str, ...]) -> tuple[Download, ...]:
    return tuple(
        Download(name, hashlib.sha256(content).hexdigest(), len(content), mirrors)
        for name, content in served.items()
    )
