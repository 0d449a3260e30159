"""The source files of a data set: found in the user's folder, or downloaded once.

What a user gives is read in place and never written to. Downloads land in the cache, laid out as a
user's folder is, each checked against the hash in the catalog before it gets its name.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from actsearch.cache import cache_root, make_private
from actsearch.errors import BadInput
from actsearch.tasks.datasets import folders
from actsearch.tasks.datasets.archives import unpack
from actsearch.tasks.datasets.catalog import (
    DATA_VARIABLE,
    Dataset,
    Download,
    SourceFile,
    data_root,
    downloads_root,
)

TIMEOUT_S = 30  # without a byte from the mirror

_OF_THIS_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def source_files(dataset: Dataset, given: Path | None) -> list[Path]:
    """Return the paths of ``dataset.files``, in order, downloading them if no folder is named.

    Args:
        dataset: what to find.
        given: the user's data folder; None: ``ACTSEARCH_DATA``, and without it the downloads.

    Raises:
        BadInput: the folder is missing or lacks files, or nothing can be downloaded.
        ActsearchError: downloads can't be written.
    """
    root = data_root(given)
    if root is not None:
        try:
            return _files_of_user(dataset, root)
        except OSError as error:
            raise BadInput(f"can't look into data folder {root}: {error}") from error
    found = present_files(dataset, downloads_root())
    if None in found:
        with folders.writing(cache_root()):
            if None in present_files(dataset, downloads_root()):
                _download(dataset, downloads_root())
        found = present_files(dataset, downloads_root())
    return [path for path in found if path is not None]


def present_files(dataset: Dataset, root: Path) -> list[Path | None]:
    """Return the path of each file of ``dataset`` below ``root``, None for one that is not there.

    IDX files may lie there gzipped or not; gzipped ones come first, as they carry a checksum.
    """
    endings = (".gz", "") if dataset.format == "idx" else ("",)
    return [_first_file(root / dataset.folder, file, endings) for file in dataset.files]


def _first_file(folder: Path, file: SourceFile, endings: Sequence[str]) -> Path | None:
    paths = (folder / (file.name + ending) for ending in endings)
    return next((path for path in paths if path.is_file()), None)


def _files_of_user(dataset: Dataset, root: Path) -> list[Path]:
    holds = f"--data (or {DATA_VARIABLE}) names the folder that holds {dataset.folder}"
    if dataset.format == "generated":
        holds = (
            f"{dataset.name} is made on this machine: leave out --data (or {DATA_VARIABLE}), or "
            "give, for keywords, a sparse matrix FILE.npz"
        )
    if not root.is_dir():
        state = "is not a folder" if root.exists() else "does not exist"
        raise BadInput(f"data folder {root} {state}; {holds}")
    found = present_files(dataset, root)
    missing = [file.name for file, path in zip(dataset.files, found, strict=True) if path is None]
    if not missing:
        return [path for path in found if path is not None]
    count = f"{len(missing)} of {len(found)} files" if len(missing) < len(found) else "all files"
    looked = f"{root / dataset.folder}" + (
        ", each as .gz or plain" if dataset.format == "idx" else ""
    )
    raise BadInput(
        f"data folder {root} lacks {count} of {dataset.name}: {', '.join(missing)} "
        f"(looked in {looked}); {_guess(dataset, root) or holds + ', or leave it out to download'}"
    )


def _guess(dataset: Dataset, root: Path) -> str | None:
    """Return a remedy that fits what does lie around ``root``."""
    for above in root.resolve().parents:
        if None not in present_files(dataset, above):
            return f"did you mean --data {above}?"
    if dataset.format == "cifar" and (root / "cifar-10-batches-py").is_dir():
        return (
            "cifar-10-batches-py is the pickled version, which is never opened, as pickles run "
            f"code: add the binary version ({dataset.downloads[0].name}), or leave out --data"
        )
    return None


def _download(dataset: Dataset, root: Path) -> None:
    folder = root / dataset.folder
    if dataset.format == "idx":
        for download in dataset.downloads:
            _fetch(dataset, download, folder)
        return
    archive = _fetch(dataset, dataset.downloads[0], root)
    with folders.new_folder(folder) as new:
        unpack(dataset, archive, new)
    archive.unlink()


def _fetch(dataset: Dataset, download: Download, folder: Path) -> Path:
    """Download a file from the first mirror that answers with the right content."""
    import pooch

    make_private(folder)  # pooch would leave its mode to the user's mask
    reasons = []
    for mirror in download.mirrors:
        try:
            path = pooch.retrieve(
                mirror + download.name,
                known_hash=f"sha256:{download.sha256}",
                fname=download.name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT_S),
            )
        except (OSError, ValueError) as error:  # no answer; or another hash
            if isinstance(error, OSError) and error.errno in _OF_THIS_MACHINE:
                raise
            reasons.append(f"{mirror}: {' '.join(str(error).split())[:160]}")
        else:
            return Path(path)
    raise BadInput(
        f"can't download {download.name} of {dataset.name} ({'; '.join(reasons)}); fetch it by "
        f"hand and name the folder that holds {dataset.folder} by --data"
    )
