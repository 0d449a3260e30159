"""Converted arrays: right splits, made once, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.tasks.data import Array, Split, content_digest
from actsearch.tasks.datasets import store
from actsearch.tasks.datasets.catalog import DATASETS, Dataset
from tests.tasks.small_sets import (
    N_TEST,
    N_TRAIN,
    N_VALIDATION,
    contents,
    small_cifar,
    small_idx,
    write,
)


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["mnist", "fashion-mnist", "cifar10"])
def dataset(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    small = small_cifar() if request.param == "cifar10" else small_idx(request.param)
    monkeypatch.setitem(DATASETS, small.name, small)
    return small


@pytest.fixture
def root(dataset: Dataset, tmp_path: Path) -> Path:
    return write(dataset, tmp_path / "data")


def samples(split: Split) -> set[tuple[bytes, int]]:
    return {
        (image.tobytes(), int(label))
        for image, label in zip(split.inputs, split.targets, strict=True)
    }


def official(dataset: Dataset, part: str) -> set[tuple[bytes, int]]:
    made = contents(dataset)
    if dataset.format == "cifar":
        batches = list(made.values())
        chosen = batches[:-1] if part == "train" else batches[-1:]
    else:
        chosen = [made[part]]
    return set().union(*(samples(Split(*arrays)) for arrays in chosen))


def test_three_disjoint_splits(dataset: Dataset, root: Path) -> None:
    folder = store.converted(dataset.name, root)
    splits = {name: store.map_split(folder, name) for name in store.SPLITS}
    found = {name: samples(split) for name, split in splits.items()}
    assert len(found["validation"]) == N_VALIDATION
    assert not found["train"] & found["validation"]
    assert found["train"] | found["validation"] == official(dataset, "train")
    assert found["test"] == official(dataset, "test")
    shape = (3, 32, 32) if dataset.format == "cifar" else (1, 28, 28)
    assert splits["train"].inputs.shape == (len(splits["train"]), *shape)
    assert splits["train"].inputs.dtype == np.uint8


def test_what_training_gets_has_no_test_split(dataset: Dataset, root: Path) -> None:
    data = store.open_training(dataset.name, root)
    seen = samples(data.train) | samples(data.validation)
    assert seen == official(dataset, "train")
    held = {name for name, value in vars(data).items() if isinstance(value, Split)}
    assert held == {"train", "validation"}


def test_moments_are_of_the_training_split(dataset: Dataset, root: Path) -> None:
    data = store.open_training(dataset.name, root)
    inputs = data.train.inputs.astype(np.float64)
    for channel, (mean, std) in enumerate(zip(data.mean, data.std, strict=True)):
        assert mean == pytest.approx(inputs[:, channel].mean())
        assert std == pytest.approx(inputs[:, channel].std())


def test_mapped_not_copied(dataset: Dataset, root: Path) -> None:
    data = store.open_training(dataset.name, root)
    assert isinstance(data.train.inputs, np.memmap)
    assert isinstance(data.validation.inputs, np.memmap)
    before = data.train.inputs[0, 0, 0, 0]
    data.train.inputs[0, 0, 0, 0] = before ^ 1  # stays in this process
    store._opened.cache_clear()
    assert store.open_training(dataset.name, root).train.inputs[0, 0, 0, 0] == before


def test_converted_once(dataset: Dataset, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.converted(dataset.name, root)
    monkeypatch.setattr(store, "_READERS", {})
    assert store.converted(dataset.name, root) == folder


def test_other_sources_are_other_arrays(dataset: Dataset, root: Path, tmp_path: Path) -> None:
    folder = store.converted(dataset.name, root)
    other = write(dataset, tmp_path / "other", plain=True)
    label_file = next((other / dataset.folder).glob("*labels*"), None)
    if label_file is None:
        label_file = other / dataset.folder / "data_batch_1.bin"
        content = bytearray(label_file.read_bytes())
        content[0] = (content[0] + 1) % 10
    else:
        content = bytearray(label_file.read_bytes())
        content[8] = (content[8] + 1) % 10
    label_file.write_bytes(content)
    assert store.converted(dataset.name, other) != folder


def test_digest_is_of_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = small_idx()
    monkeypatch.setitem(DATASETS, "mnist", small)
    packed = store.open_training("mnist", write(small, tmp_path / "packed"))
    plain = store.open_training("mnist", write(small, tmp_path / "plain", plain=True))
    assert packed.digest == plain.digest
    assert packed.digest == content_digest(packed.train, packed.validation)


@pytest.mark.parametrize("name", ["train-inputs.npy", "test-labels.npy", "meta.json"])
@pytest.mark.parametrize("n_bytes", [0, 10, 150])
def test_damaged_arrays_are_made_anew(
    dataset: Dataset, root: Path, name: str, n_bytes: int
) -> None:
    folder = store.converted(dataset.name, root)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: min(n_bytes, len(whole) - 1)])
    assert store.converted(dataset.name, root) == folder
    assert (folder / name).read_bytes() == whole


def test_truncated_source(dataset: Dataset, root: Path, tmp_path: Path) -> None:
    source = sorted((root / dataset.folder).iterdir())[0]
    source.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(BadInput, match=source.name):
        store.converted(dataset.name, root)
    assert not list((tmp_path / "cache").rglob("*.npy"))


@pytest.mark.parametrize("n_saved", [0, 3])
def test_full_disk(
    dataset: Dataset,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_saved: int,
) -> None:
    save = np.save
    saved: list[Path] = []

    def full_after_some(path: Path, array: Array, **options: Any) -> None:
        if len(saved) == n_saved:
            path.write_bytes(b"half of")
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(path)
        save(path, array, **options)

    monkeypatch.setattr(np, "save", full_after_some)
    with pytest.raises(ActsearchError) as caught:
        store.converted(dataset.name, root)
    assert caught.value.exit_code == 1
    assert str(tmp_path / "cache") in str(caught.value)
    assert "No space left" in str(caught.value)
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [".lock"]
    monkeypatch.undo()
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(DATASETS, dataset.name, dataset)
    assert store.converted(dataset.name, root).is_dir()


def test_leftovers_of_a_killed_process_go(dataset: Dataset, root: Path, tmp_path: Path) -> None:
    leftover = tmp_path / "cache" / "arrays" / "mnist-0123.part"
    leftover.mkdir(parents=True)
    (leftover / "train-inputs.npy").write_bytes(b"half of")
    store.converted(dataset.name, root)
    assert not leftover.exists()


def test_a_mask_that_lets_the_group_write(dataset: Dataset, root: Path, tmp_path: Path) -> None:
    """That of many a login: what is made is taken the next time."""
    mask = os.umask(0o002)
    try:
        made = store.converted(dataset.name, root)
    finally:
        os.umask(mask)
    assert store.converted(dataset.name, root) == made
    made_so = [path for path in (tmp_path / "cache").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in made_so} == {0o700}


def test_cache_that_is_no_folder(
    dataset: Dataset, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(ActsearchError, match=r"can't write to the cache .*file"):
        store.converted(dataset.name, root)


def test_unknown_name() -> None:
    with pytest.raises(BadInput, match="did you mean 'mnist'"):
        store.open_training("minst")


def test_whereabouts(dataset: Dataset, root: Path, tmp_path: Path) -> None:
    assert store.whereabouts(dataset.name, root).state == "in place"
    assert store.whereabouts(dataset.name, tmp_path).state.endswith("files missing")
    assert store.whereabouts(dataset.name).where is None


def test_sizes_of_the_real_ones() -> None:
    for name, (n_train, n_validation) in {
        "mnist": (60_000, 10_000),
        "fashion-mnist": (60_000, 10_000),
        "cifar10": (50_000, 5_000),
    }.items():
        shapes = [file.shape for file in DATASETS[name].files]
        n_found = sum(s[0] for s in shapes[:-1]) if name == "cifar10" else shapes[0][0]
        assert (n_found, DATASETS[name].n_validation) == (n_train, n_validation)
    assert N_TRAIN > N_VALIDATION
    assert N_TEST
