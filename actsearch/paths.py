"""Paths as people type them, refused in words where no file can have them."""

from __future__ import annotations

import errno
from pathlib import Path

from actsearch.errors import BadInput, shorten

#: What a file system says of a path that can't be, whatever lies there.
_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


def typed_path(text: str) -> Path:
    """Return the path that was typed, with the home folder in the place of ``~``.

    Args:
        text: what was typed; nothing need lie there.

    Raises:
        BadInput: no file can be called so: it is too long, holds characters that no name has, or
            begins with ``~NAME`` where no such user is.
    """
    try:
        path = Path(text).expanduser()
        path.lstat()
    except (RuntimeError, ValueError) as error:  # no such home; a character that no name has
        raise _impossible(text, str(error)) from None
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            raise _impossible(text, error.strerror or str(error)) from None
    return path


def _impossible(text: str, reason: str) -> BadInput:
    return BadInput(f"no file can be called {shorten(repr(text), 60)}: {shorten(reason, 100)}")
