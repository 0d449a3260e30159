"""The table of data sets: files, sizes, hashes and mirrors, and where a user keeps them.

Free of numpy and pooch, so that listings cost nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from actsearch.cache import cache_folder

DATA_VARIABLE = "ACTSEARCH_DATA"


@dataclass(frozen=True)
class SourceFile:
    """One file as it lies in a user's folder: its name and the shape of the uint8 array in it."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Download:
    """A file to fetch from the first of ``mirrors`` (folders) that has it, known by its hash."""

    name: str
    sha256: str
    size_bytes: int
    mirrors: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before it is opened.

    ``format`` is "idx" (gzipped or plain), "cifar" (binary version) or "generated". ``folder`` is
    relative to the user's data folder, as torchvision lays it out. ``n_classes`` is None where
    targets are numbers. ``standardise``: train on inputs of mean 0 and deviation 1 a channel, else
    on what they are.
    """

    name: str
    description: str
    format: str
    n_classes: int | None
    n_validation: int
    folder: str = ""
    files: tuple[SourceFile, ...] = ()
    downloads: tuple[Download, ...] = ()
    standardise: bool = True

    @property
    def download_bytes(self) -> int:
        """Return how much there is to download."""
        return sum(download.size_bytes for download in self.downloads)


_IDX_FILES = (
    SourceFile("train-images-idx3-ubyte", (60_000, 28, 28)),
    SourceFile("train-labels-idx1-ubyte", (60_000,)),
    SourceFile("t10k-images-idx3-ubyte", (10_000, 28, 28)),
    SourceFile("t10k-labels-idx1-ubyte", (10_000,)),
)
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_FASHION_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
_MNIST_SOURCES = (
    ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
    ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
    ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
    ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
)
_FASHION_SOURCES = (
    ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
    ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
    ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
    ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
)


def _idx_downloads(
    sources: tuple[tuple[str, int], ...], mirrors: tuple[str, ...]
) -> tuple[Download, ...]:
    return tuple(
        Download(f"{file.name}.gz", sha256, size, mirrors)
        for file, (sha256, size) in zip(_IDX_FILES, sources, strict=True)
    )


_ALL = (
    Dataset(
        name="mnist1d",
        description="ten digits as noisy one-dimensional signals of 40 points (Greydanus 2020); "
        "made on this machine, nothing to download",
        format="generated",
        n_classes=10,
        n_validation=4_000,
    ),
    Dataset(
        name="keywords",
        description="which of 600 words occur in documents on ten topics, drawn from latent topics "
        "on this machine; nothing to download",
        format="generated",
        n_classes=11,
        n_validation=4_000,
        standardise=False,
    ),
    Dataset(
        name="inverse-sine",
        description="noisy x = t + 0.3 sin(2 pi t), from which t is to be told, often one of three "
        "(Bishop 1994); made on this machine, nothing to download",
        format="generated",
        n_classes=None,
        n_validation=4_000,
    ),
    Dataset(
        name="mnist",
        description="60,000 + 10,000 handwritten digits, 28x28 grey (LeCun and Cortes 1998)",
        format="idx",
        n_classes=10,
        n_validation=10_000,
        folder="MNIST/raw",
        files=_IDX_FILES,
        downloads=_idx_downloads(_MNIST_SOURCES, _MNIST_MIRRORS),
    ),
    Dataset(
        name="fashion-mnist",
        description="60,000 + 10,000 pieces of clothing, 28x28 grey (Xiao et al. 2017, MIT)",
        format="idx",
        n_classes=10,
        n_validation=10_000,
        folder="FashionMNIST/raw",
        files=_IDX_FILES,
        downloads=_idx_downloads(_FASHION_SOURCES, _FASHION_MIRRORS),
    ),
    Dataset(
        name="cifar10",
        description="50,000 + 10,000 colour photographs of ten things, 32x32 (Krizhevsky 2009)",
        format="cifar",
        n_classes=10,
        n_validation=5_000,
        folder="cifar-10-batches-bin",
        files=(
            *(SourceFile(f"data_batch_{k}.bin", (10_000, 3_073)) for k in range(1, 6)),
            SourceFile("test_batch.bin", (10_000, 3_073)),
        ),
        downloads=(
            Download(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                170_052_171,
                ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
            ),
        ),
    ),
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}


_is_elsewhere = False


def look_here_for_data() -> None:
    """Pass over folders that were given on another machine and are none on this one."""
    global _is_elsewhere
    _is_elsewhere = True


def data_root(given: Path | None) -> Path | None:
    """Return the user's data folder: what was given, else ``ACTSEARCH_DATA``, else None."""
    if given is not None and not (_is_elsewhere and not Path(given).expanduser().exists()):
        return Path(given).expanduser()
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def downloads_root() -> Path:
    """Return the folder of downloads, laid out as a user's data folder is."""
    return cache_folder("downloads")
