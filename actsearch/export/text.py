"""Text inside files: literals, comments and docstrings that nothing can break out of."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping
from importlib import resources
from string import Template
from typing import Any

#: The longest line of a file.
WIDTH = 100


def plain(value: Any) -> Any:
    """Return a value of plain types, which prints as a literal and goes into JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def literal(value: Any, indent: str = "") -> str:
    """Print plain values as a Python literal, one entry a line where they are many or long."""
    flat = _flat(value)
    if len(indent) + len(flat) <= WIDTH - 12 or not isinstance(value, Mapping | list | tuple):
        return flat
    deeper = indent + "    "
    if isinstance(value, Mapping):
        entries = [f"{_flat(key)}: {literal(inner, deeper)}" for key, inner in value.items()]
    else:
        entries = [literal(inner, deeper) for inner in value]
    opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    if isinstance(value, tuple):
        opening, closing = "(", ")"
    return "\n".join([opening, *(f"{deeper}{one}," for one in entries), indent + closing])


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_flat(key)}: {_flat(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, str):  # with double quotes, as the rest of the file
        return repr(value) if '"' in value else '"' + repr("'" + value)[2:]
    return repr(value)


def commented(text: str) -> str:
    """Make text safe inside a docstring: printable, no backslash escapes, no closing quotes."""
    printable = "".join(ch if ch.isprintable() else "?" for ch in text)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


def in_c_comment(text: str) -> str:
    """Make text safe inside a C comment, on one line."""
    printable = "".join(ch if ch.isprintable() else "?" for ch in text)
    # Backslashes first, as the slashes that stand for them may end a comment, too.
    plain_slashes = printable.replace("\\", "/").replace("*/", "* /").replace("/*", "/ *")
    return re.sub(r"\?{2,}", "?", plain_slashes)  # no trigraphs


def wrapped(text: str, indent: str = "", hanging: str = "    ") -> str:
    """Wrap a paragraph to ``WIDTH``, never inside a word; its text must be safe already."""
    return textwrap.fill(
        text,
        width=WIDTH - 2,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def indented(lines: list[str], levels: int = 1) -> str:
    """Join lines of code, indented."""
    return "\n".join("    " * levels + line for line in lines)


def template(name: str) -> Template:
    """Return a text with places ``$name`` to fill, from the folder ``templates``."""
    folder = resources.files(__package__).joinpath("templates")
    return Template(folder.joinpath(name).read_text(encoding="utf-8"))
