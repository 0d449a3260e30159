"""Converted data sets: one ``.npy`` array a split, made once, memory-mapped by all readers.

The arrays lie in ``CACHE/arrays/NAME-KEY/``, where KEY is a hash of the source files: another
copy of the same data is converted only if its bytes differ, and changed data never meet old arrays.
Worker processes map the same pages, so the data are in memory once.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from actsearch.cache import cache_folder, cache_root
from actsearch.errors import unknown
from actsearch.tasks.data import (
    Split,
    TrainingData,
    as_they_are,
    channel_moments,
    content_digest,
    root_mean_square,
)
from actsearch.tasks.datasets import folders, formats, inverse_sine, keywords, mnist1d
from actsearch.tasks.datasets.catalog import (
    DATASETS,
    Dataset,
    data_root,
    downloads_root,
)
from actsearch.tasks.datasets.sources import present_files, source_files

LAYOUT_VERSION = 1  # of the arrays; another number converts everything anew
VALIDATION_SEED = 20_240_229
SPLITS = ("train", "validation", "test")


def open_training(name: str, given: Path | None = None) -> TrainingData:
    """Return training and validation split of a data set, memory-mapped.

    Args:
        name: a name of ``DATASETS``.
        given: the user's data folder, or None.

    Raises:
        BadInput: unknown name; source files missing or damaged, or not to be had.
        ActsearchError: the cache can't be written.
    """
    return _opened(name, data_root(given), cache_root())


@functools.lru_cache(maxsize=8)
def _opened(name: str, root: Path | None, _cache: Path) -> TrainingData:
    folder = converted(name, root)
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return TrainingData(
        train=map_split(folder, "train"),
        validation=map_split(folder, "validation"),
        mean=tuple(meta["mean"]),
        std=tuple(meta["std"]),
        n_classes=meta["n_classes"],
        digest=meta["digest"],
        rms=meta.get("rms", 1.0),
    )


def map_split(folder: Path, split: str) -> Split:
    """Map the arrays of one split; pages are shared, and what is written to them stays private."""
    inputs, targets = (
        np.load(folder / f"{split}-{part}.npy", mmap_mode="c", allow_pickle=False)
        for part in ("inputs", "labels")
    )
    return Split(inputs, targets)


def converted(name: str, given: Path | None = None) -> Path:
    """Return the folder of a data set's arrays, which is made first if need be.

    Raises:
        BadInput: unknown name; source files missing or damaged, or not to be had.
        ActsearchError: the cache can't be written.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    dataset = DATASETS[name]
    paths = source_files(dataset, given)
    folder = cache_folder("arrays") / f"{name}-{_key(dataset, paths)}"
    if not _is_complete(folder):
        with folders.writing(cache_root()):
            if not _is_complete(folder):
                _write(dataset, _READERS[dataset.format](dataset, paths), folder)
    return folder


@dataclass(frozen=True)
class Whereabouts:
    """Where a data set lies, for a person to read; ``where`` is None before it is on this disk."""

    state: str
    where: Path | None


def whereabouts(name: str, given: Path | None = None) -> Whereabouts:
    """Say where the source files of a data set lie, without reading or fetching anything.

    Raises:
        BadInput: unknown name.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    dataset, root = DATASETS[name], data_root(given)
    if dataset.format == "generated":
        folder = cache_folder("arrays") / f"{name}-{_key(dataset, [])}"
        if _is_complete(folder):
            return Whereabouts("made", folder)
        return Whereabouts("made on first use", None)
    if root is not None:
        folder = root / dataset.folder
        n_missing = present_files(dataset, root).count(None)
        if n_missing:
            return Whereabouts(f"{n_missing} of {len(dataset.files)} files missing", folder)
        return Whereabouts("in place", folder)
    if None in present_files(dataset, downloads_root()):
        return Whereabouts(f"to download, {dataset.download_bytes / 1e6:.0f} MB", None)
    return Whereabouts("downloaded", downloads_root() / dataset.folder)


def _key(dataset: Dataset, paths: Sequence[Path]) -> str:
    decisive = (LAYOUT_VERSION, dataset.name, dataset.n_validation, VALIDATION_SEED)
    digest = hashlib.sha256(repr(decisive).encode())
    if dataset.format == "generated":
        digest.update(_GENERATORS[dataset.name].source_key().encode())
    for path, file in zip(paths, dataset.files, strict=True):
        digest.update(formats.file_hash(path, formats.length(dataset.format, file.shape)))
    return digest.hexdigest()[:16]


def _is_complete(folder: Path) -> bool:
    """Say whether all arrays are there at full length; damaged ones are made anew."""
    try:
        json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        for path in (folder / f"{s}-{part}.npy" for s in SPLITS for part in ("inputs", "labels")):
            np.load(path, mmap_mode="r", allow_pickle=False)  # looks at header and length
    except (OSError, ValueError, EOFError):
        return False
    return True


def _write(dataset: Dataset, splits: dict[str, Split], folder: Path) -> None:
    inputs = splits["train"].inputs
    mean, std = channel_moments(inputs) if dataset.standardise else as_they_are(inputs)
    meta: dict[str, Any] = {
        "mean": mean,
        "std": std,
        "n_classes": dataset.n_classes,
        "digest": content_digest(splits["train"], splits["validation"]),
    }
    if not dataset.standardise:
        meta["rms"] = root_mean_square(inputs)
    with folders.new_folder(folder) as new:
        for name, split in splits.items():
            np.save(new / f"{name}-inputs.npy", np.ascontiguousarray(split.inputs))
            np.save(new / f"{name}-labels.npy", np.ascontiguousarray(split.targets))
        (new / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _read_idx(dataset: Dataset, paths: Sequence[Path]) -> dict[str, Split]:
    arrays = [
        formats.read_idx(path, file.shape) for path, file in zip(paths, dataset.files, strict=True)
    ]
    assert dataset.n_classes is not None  # IDX files are of images and labels
    for path, labels in zip(paths[1::2], arrays[1::2], strict=True):
        formats.check_labels(path, labels, dataset.n_classes)
    official, test = (
        Split(images[:, None], labels)
        for images, labels in zip(arrays[::2], arrays[1::2], strict=True)
    )
    return {**_divided(official, dataset.n_validation), "test": test}


def _read_cifar(dataset: Dataset, paths: Sequence[Path]) -> dict[str, Split]:
    batches = [
        formats.read_cifar(path, (file.shape[0], file.shape[1]))
        for path, file in zip(paths, dataset.files, strict=True)
    ]
    official = Split(
        np.concatenate([images for images, _ in batches[:-1]]),
        np.concatenate([labels for _, labels in batches[:-1]]),
    )
    return {**_divided(official, dataset.n_validation), "test": Split(*batches[-1])}


def _divided(official: Split, n_validation: int) -> dict[str, Split]:
    """Divide the official training set by a fixed permutation into training and validation.

    ``RandomState`` rather than ``default_rng``: its stream is frozen for good, so the division is
    the same with every numpy. The validation samples stay in random order, which makes the first
    ones a fair subset.
    """
    order = np.random.RandomState(VALIDATION_SEED).permutation(len(official))
    validation, train = order[:n_validation], np.sort(order[n_validation:])
    return {
        "train": Split(official.inputs[train], official.targets[train]),
        "validation": Split(official.inputs[validation], official.targets[validation]),
    }


class Generator(Protocol):
    """A module that makes a data set."""

    def source_key(self) -> str:
        """Return what the arrays depend on."""

    def generate(self) -> dict[str, Split]:
        """Make the splits of ``SPLITS``."""


_GENERATORS: dict[str, Generator] = {
    "mnist1d": mnist1d,
    "keywords": keywords,
    "inverse-sine": inverse_sine,
}

_READERS: dict[str, Callable[[Dataset, Sequence[Path]], dict[str, Split]]] = {
    "idx": _read_idx,
    "cifar": _read_cifar,
    "generated": lambda dataset, _paths: _GENERATORS[dataset.name].generate(),
}
