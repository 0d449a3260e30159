"""Which names an exported file or package may have: those that hide nothing."""

from __future__ import annotations

import importlib.util
import keyword
import sys
from pathlib import Path

from actsearch.errors import BadInput, shorten

_MAX_NAME = 60
#: How much of a module is looked at for who made it.
_HEAD_BYTES = 4096
# A file of this name would hide the package that it needs, or that its user needs; they may be
# installed elsewhere than here.
_TAKEN = {
    "torch", "numpy", "scipy", "jax", "flax", "keras", "onnx", "onnxruntime", "triton",
    "tensorflow", "timm", "torchvision", "transformers", "pytest", "actsearch", "test", "tests",
    "__main__", "__init__",
}  # fmt: skip
_ACCEPTED = "(accepted: letters a-z, digits and _, not a digit first, as in my_activation)"


def checked_name(name: str, said: str = "--name", *, beside: Path | None = None) -> str:
    """Return ``name`` where a function, a file or a package can be called so.

    Args:
        name: The name.
        said: Where it was given, for the message.
        beside: The folder that it is for. What lies there, or in the working directory, is the
            user's own and hides nothing that is installed.

    Raises:
        BadInput: It is no Python identifier, a keyword, or hides a module of the standard library
            or of an installed package.
    """
    if not name.isidentifier() or not name.isascii() or len(name) > _MAX_NAME:
        raise BadInput(f"{said} '{shorten(name)}' is no name for Python code {_ACCEPTED}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise BadInput(f"{said} '{name}' is a word of Python's own {_ACCEPTED}")
    if name.lower() in _TAKEN or name in sys.stdlib_module_names or _is_installed(name, beside):
        raise BadInput(f"{said} '{name}': {name}.py would hide the module '{name}' {_ACCEPTED}")
    return name


def _is_installed(name: str, beside: Path | None) -> bool:
    """Tell whether a module of someone else's can be imported under a name; nothing is imported."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module without a spec, as __main__ is
        return True
    if spec is None:
        return False
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if spec.origin is not None and not places:
        places = [Path(spec.origin)]
    own = {Path.cwd().resolve(), *([] if beside is None else [beside.resolve()])}
    if places and all(place.parent.resolve() in own for place in places):
        return False
    return not _is_exported(spec.origin)


def _is_exported(origin: str | None) -> bool:
    """Tell whether a module is an export of ours, which a later one may well replace."""
    if origin is None:
        return False
    try:
        with Path(origin).open("rb") as file:
            return b"actsearch" in file.read(_HEAD_BYTES)
    except OSError:
        return False
