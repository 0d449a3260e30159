"""Writing a file so that it is either all there or not at all."""

from __future__ import annotations

import keyword
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from actsearch.errors import BadInput, shorten

_MAX_NAME = 60

# A file of this name would hide the package that it needs, or that its user needs.
_TAKEN = {"torch", "numpy", "scipy", "jax", "onnx", "actsearch", "test", "tests"}


def checked_name(name: str) -> str:
    """Return ``name`` where a function and its file can be called so.

    Raises:
        BadInput: it is no Python identifier, a keyword, or hides a module.
    """
    accepted = "(accepted: letters a-z, digits and _, not a digit first, as in my_activation)"
    if not name.isidentifier() or not name.isascii() or len(name) > _MAX_NAME:
        raise BadInput(f"--name '{shorten(name)}' is no name for Python code {accepted}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise BadInput(f"--name '{name}' is a word of Python's own {accepted}")
    if name.lower() in _TAKEN or name in sys.stdlib_module_names:
        raise BadInput(f"--name '{name}': {name}.py would hide the module '{name}' {accepted}")
    return name


def write_all(texts: Mapping[Path, str | bytes], *, force: bool) -> None:
    """Write each text to its file, each complete or not at all.

    Args:
        texts: file -> text; the folders are made.
        force: replace files that exist.

    Raises:
        BadInput: a file exists and ``force`` is off (then nothing is written), or a folder can't be
            written to.
        OSError: the disk is full.
    """
    existing = [str(path) for path in texts if path.exists()]
    if existing and not force:
        raise BadInput(
            f"{', '.join(existing)} exists already; nothing was written "
            "(--force replaces it, --name or --out puts the new one elsewhere)"
        )
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, text)
        except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            raise BadInput(
                f"can't write {path}: {error.strerror} ({error.filename}); name a folder with --out"
            ) from error


def _replace(path: Path, text: str | bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8") if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(draft).chmod(0o666 & ~umask)  # mkstemp's own mode would keep others from reading it
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
