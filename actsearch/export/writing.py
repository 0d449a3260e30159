"""Writing activations into a folder, as files by themselves or as a package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actsearch.export.activation import Activation
from actsearch.export.folder import write_all
from actsearch.export.names import checked_name
from actsearch.export.package import package_files
from actsearch.export.pieces import files_of, pieces


def write(
    folder: str | Path,
    activations: Activation | Sequence[Activation],
    targets: Sequence[str] = ("torch",),
    *,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write activations into a folder: all files or, where anything is wrong, none.

    Args:
        folder: Where; it is made where it is not there.
        activations: One or several.
        targets: Names of ``TARGETS``.
        force: Replace files that exist.

    Returns:
        The files.

    Raises:
        Inexpressible: A target can't express one of them.
        BadInput: A target is unknown, what it is written with is not installed, a name hides a
            module or means something else in a target's language, two activations have a file of
            the same name, a file exists and ``force`` is off, or the folder can't be written to.
        ActsearchError: What is computed for one disagrees with its definition, or the disk is full;
            nothing was written.
    """
    several = [activations] if isinstance(activations, Activation) else list(activations)
    for one in several:
        checked_name(one.name, "the name", beside=Path(folder))
    return write_all(Path(folder), files_of(pieces(several, targets)), force=force)


def write_package(
    folder: str | Path,
    name: str,
    activations: Sequence[Activation],
    targets: Sequence[str] = ("torch",),
    *,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write activations as an installable Python package into ``folder/name``.

    Args:
        folder: Where the package's own folder is made.
        name: What it is imported as.
        activations: What it holds.
        targets: Names of ``TARGETS``, among them one whose files are Python modules.
        force: Replace files that exist; others in the folder stay.

    Returns:
        The files.

    Raises:
        Inexpressible: A target can't express one of them.
        BadInput: As ``write`` and ``package_files``.
        ActsearchError: As ``write``.
    """
    checked_name(name, "the package's name", beside=Path(folder))
    files = package_files(name, pieces(activations, targets))
    return write_all(Path(folder, name), files, force=force)
