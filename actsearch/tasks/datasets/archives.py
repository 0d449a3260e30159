"""Unpacking a downloaded archive: the files that are expected, and nothing else of it.

Its hash is known, so that it should be what it was; but a hash may be wrong, or a caller new. So
names, kinds and sizes are held against the catalog, what is unpacked is bounded while it is
unpacked, and no path of the archive's own is ever made.
"""

from __future__ import annotations

import gzip
import io
import math
import tarfile
import zlib
from pathlib import Path

from actsearch.errors import BadInput, shorten
from actsearch.tasks.datasets.catalog import Dataset

#: What an archive may have besides the expected files: headers, a text on where it comes from.
MORE_BYTES = 2_000_000
MOST_MEMBERS = 200
_PIECE_BYTES = 1 << 20
_DAMAGED = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
)


class _Bounded(io.RawIOBase):
    """A gzipped file as what is in it, up to a number of bytes."""

    def __init__(self, file: gzip.GzipFile, most_bytes: int) -> None:
        self._file = file
        self._left = most_bytes

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; raise _TooLong where there are more than may be."""
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        found = self._file.read(wanted)
        self._left -= len(found)
        if self._left < 0:
            raise _TooLong
        return found


class _TooLong(Exception):
    """An archive holds more than it may."""


def unpack(dataset: Dataset, archive: Path, folder: Path) -> None:
    """Write the files of a data set into a folder.

    Args:
        dataset: what to expect.
        archive: a gzipped tar file.
        folder: empty, and to be thrown away where this fails.

    Raises:
        BadInput: the archive is damaged, lacks a file, or holds one twice, of another size or
            kind, or with a name that leads out; or there is more in it than there may be.
        OSError: the folder can't be written.
    """
    wanted = {f"{dataset.folder}/{file.name}": math.prod(file.shape) for file in dataset.files}
    most_bytes = sum(wanted.values()) + MORE_BYTES
    try:
        with gzip.open(archive) as unzipped:
            stream = _Bounded(unzipped, most_bytes)
            # As a stream: nothing is sought, and no link of the archive's is followed.
            with tarfile.open(fileobj=stream, mode="r|") as opened:
                _write_wanted(opened, wanted, archive, folder)
    except _TooLong:
        raise BadInput(f"{archive} unpacks to more than {most_bytes:,} bytes; remove it") from None
    except _DAMAGED as error:
        said = shorten(str(error) or type(error).__name__)
        raise BadInput(f"{archive} is damaged or no archive ({said}); remove it") from error


def _write_wanted(
    opened: tarfile.TarFile, wanted: dict[str, int], archive: Path, folder: Path
) -> None:
    left = dict(wanted)
    for number, member in enumerate(opened):
        if number >= MOST_MEMBERS:
            raise BadInput(f"{archive} holds more than {MOST_MEMBERS} files; remove it")
        if member.name not in wanted:
            if not 0 <= member.size <= MORE_BYTES:  # it would be skipped block by block
                raise _TooLong
            continue  # nothing is made of it
        n_bytes = left.pop(member.name, None)
        if n_bytes is None:
            raise BadInput(f"{archive} holds {member.name} twice; remove it")
        if not member.isreg() or member.size != n_bytes:
            raise BadInput(
                f"{archive} holds {member.name} as something else than a file of {n_bytes:,} "
                "bytes; remove it"
            )
        # The name is one of the catalog's by now; Python's own rule for archives has to agree.
        if hasattr(tarfile, "data_filter"):  # from 3.11.4 on
            tarfile.data_filter(member, str(folder))
        content = opened.extractfile(member)
        assert content is not None  # of a regular file
        with (folder / Path(member.name).name).open("xb") as file:
            while piece := content.read(_PIECE_BYTES):
                file.write(piece)
    if left:
        raise BadInput(f"{archive} holds no file {next(iter(left))}; remove it")
