"""Paths as people type them: refused in words where no file can have them, written into commands.

A command that is offered has to work as it stands: whoever offers one on a run writes it here.
"""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from actsearch.errors import BadInput, shorten

#: What a file system says of a path that can't be, whatever lies there.
_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}
#: Where runs lie that no option or variable moved.
RUNS_DIR = Path("runs")


def runs_root() -> Path:
    """Return the folder that holds the runs: ``ACTSEARCH_RUNS``, or ``runs`` where we are."""
    return Path(os.environ.get("ACTSEARCH_RUNS") or RUNS_DIR)


def command(verb: str, path: Path, *more: str) -> str:
    """Write a command on the run in the folder ``path``, ready to be typed.

    Args:
        verb: what stands behind ``actsearch``; it may be of several words.
        path: the run's folder.
        more: what stands behind the run's name.
    """
    return shlex.join(["actsearch", *verb.split(), path.name, *more]) + at_runs_dir(path)


def command_to_begin(path: Path, config: Mapping[str, object] | None = None) -> str:
    """Write the command that begins a search from the best of the run in the folder ``path``.

    Args:
        path: the run's folder.
        config: its configuration, for its task; None where that can't be read.
    """
    config = config or {}
    task = ("--task", str(config.get("task"))) if config.get("task_from") == "name" else ()
    return shlex.join(["actsearch", "search", *task, "--seed-run", path.name]) + at_runs_dir(path)


def at_runs_dir(path: Path) -> str:
    """Return the option that says where the run in the folder ``path`` lies, if it must be said.

    It need not where a command looks with the variable set as it is and without: the command may
    be written into a file, and typed elsewhere.
    """
    if path.parent == runs_root() == RUNS_DIR:
        return ""
    return f" {shlex.join(['--runs-dir', str(path.parent)])}"


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
