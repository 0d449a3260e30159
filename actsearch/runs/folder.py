"""Where runs live, and which names they may have.

A run is a folder under one root (``./runs``, or ``ACTSEARCH_RUNS``). Its name goes into paths,
terminals, HTML and ``RUN:ID`` references, so the accepted characters are few; everything else is
refused here, once, before any path is made of it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from pathlib import Path

from actsearch.errors import BadInput, shorten, unknown
from actsearch.paths import runs_root

#: The one file that makes a folder a run.
DATABASE = "run.sqlite"
#: Copies for people; nothing reads them back.
CONFIG_COPY = "config.json"
ENVIRONMENT_COPY = "environment.json"
#: Who writes the run: the lock, and a note for people.
LOCK_FILE, NOTE_FILE = WRITER_FILES = "writer.lock", "writer.json"
#: What a repair is writing.
REPAIR_DRAFT = f"{DATABASE}.repaired-"

MAX_NAME = 80

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


def check_name(name: str) -> str:
    """Return ``name`` if a run may have it.

    Raises:
        BadInput: the name is empty, too long, or has characters that a run's name can't have.
    """
    if len(name) > MAX_NAME:
        raise BadInput(
            f"the run name '{shorten(name, 40)}' has {len(name)} characters; at most {MAX_NAME}"
        )
    if not _NAME.fullmatch(name):
        # Someone who gave a path (a shell completes them) most likely means its last part.
        folder, last = os.path.split(name.rstrip("/"))
        is_path = last != name and os.path.isdir(folder or ".") and _NAME.fullmatch(last)  # noqa: PTH112  it may be no path
        hint = f"; did you mean '{last}'?" if is_path else ""
        shown = shorten(name.encode("unicode_escape").decode("ascii"), 60)
        raise BadInput(
            f"'{shown}' can't name a run{hint} (a name is made of letters a-z, digits and _ . + -, "
            "and begins with a letter, a digit or _)"
        )
    return name


def run_folder(name: str, root: Path | None = None) -> Path:
    """Return the folder of the run ``name``, whether or not it exists.

    Raises:
        BadInput: no run can have this name.
    """
    return (root or runs_root()) / check_name(name)


def run_names(root: Path | None = None) -> list[str]:
    """Return the names of the runs under ``root``, sorted; empty where there is no such folder."""
    try:
        entries = list((root or runs_root()).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BadInput(
            f"can't read the folder of the runs, {root or runs_root()}: {error.strerror}; "
            "name another with ACTSEARCH_RUNS"
        ) from error
    return sorted(
        entry.name for entry in entries if _NAME.fullmatch(entry.name) and _holds_run(entry)
    )


def misnamed(root: Path | None = None) -> list[Path]:
    """Return the folders under ``root`` that hold a run and have a name that no run can have."""
    with contextlib.suppress(OSError):
        entries = sorted((root or runs_root()).iterdir())
        return [one for one in entries if not _NAME.fullmatch(one.name) and _holds_run(one)]
    return []


def existing_run(name: str, root: Path | None = None) -> Path:
    """Return the folder of the run ``name``.

    Raises:
        BadInput: there is no such run; the message lists those that there are.
    """
    try:
        folder = run_folder(name, root)
    except BadInput as error:
        if not any(one.name == name for one in misnamed(root)):
            raise
        raise BadInput(f"{error}: a run lies there; rename its folder") from None
    if not _holds_run(folder):
        if lacks_store(folder):
            raise BadInput(
                f"the run '{name}' has lost its store: {folder} is there, and {DATABASE}, which "
                f"alone held its births and scores, is not; {CONFIG_COPY} still says what was "
                f"searched. Put {DATABASE} back from a copy, with {DATABASE}-wal if that has one; "
                "there is no other way to go on with it"
            )
        raise unknown("run", name, run_names(folder.parent))
    return folder


def lacks_store(folder: Path) -> bool:
    """Tell whether a folder is a run's but for the one file that makes it a run."""
    return (folder / CONFIG_COPY).is_file() and not _holds_run(folder)


def default_name(task: str, root: Path | None = None, today: datetime.date | None = None) -> str:
    """Return a free name for a run of ``task``, as in ``2026-03-01-mnist1d-cnn-1``.

    Args:
        task: the task as it was asked for, a name or ``path/to/file.py:make_task``.
        root: the folder of the runs; None for the usual one.
        today: the date in the name; None for the current one.
    """
    root = root or runs_root()
    stem = Path(task.partition(":")[0]).name.removesuffix(".py")
    slug = re.sub(r"[^A-Za-z0-9_.+-]+", "-", stem).strip("-.")[:40] or "run"
    base = f"{today or datetime.date.today()}-{slug}"
    counter = 1
    while os.path.lexists(root / f"{base}-{counter}"):
        counter += 1
    return f"{base}-{counter}"


def _holds_run(folder: Path) -> bool:
    """Whether something lies there; what is no file of a run is refused as it is opened."""
    return os.path.lexists(folder / DATABASE)


def is_of_run(file: Path) -> bool:
    """Tell whether a path is, or would become, one of the files that make a run."""
    folder = file.parent
    if not (folder / DATABASE).exists():
        return False
    own = {DATABASE, CONFIG_COPY, ENVIRONMENT_COPY, *WRITER_FILES}
    if file.name.lower().startswith(DATABASE) or file.name.lower() in own:
        return True  # with SQLite's own files beside it, of which none need be there now
    return file.exists() and any(
        one.exists() and one.samefile(file) for one in (folder / name for name in own)
    )
