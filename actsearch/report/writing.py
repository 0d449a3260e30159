"""The file that a report becomes: which ones it may replace, and how.

A report is made again and again, so an earlier one makes way without a question; whatever else is
there may be somebody's only copy.
"""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import tempfile
from pathlib import Path

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import is_of_run

FILE = "report.html"
#: Nobody writes a page for so long: older drafts were left by a kill.
_STALE_S = 3600.0
#: What every report begins with, and no other page.
BEGINNING = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="generator" content="actsearch report">\n'
)


def check_out(file: Path, *, force: bool = False) -> None:
    """Refuse a file that a report may not be written to.

    Args:
        file: where to.
        force: take one that is there and is no report.

    Raises:
        BadInput: there is no such folder, the file is one that a run is stored in or no regular
            file, or it is there and ``force`` is off.
    """
    if "\0" in str(file):
        raise BadInput(f"'{file}' is a name that no file has; name another one with --out")
    if file.is_dir():
        raise BadInput(f"'{file}' is a folder; name a file in it: --out {file / FILE}")
    if not file.parent.is_dir():
        raise BadInput(f"there is no folder {file.parent} to write '{file.name}' into; make it")
    if is_of_run(file):
        raise BadInput(f"'{file}' belongs to a run's store; name another file with --out")
    if not file.exists() and not file.is_symlink():
        return
    if file.is_symlink() or not file.is_file():
        raise BadInput(f"'{file}' is no regular file; name another one with --out")
    if not force and not _is_report(file):
        raise BadInput(
            f"'{file}' exists already and is no report; nothing was written (replace it: --force)"
        )


def _is_report(file: Path) -> bool:
    try:
        with file.open("rb") as there:
            return there.read(len(BEGINNING)) == BEGINNING.encode()
    except OSError:
        return False


def replace(file: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it.

    Raises:
        ActsearchError: it can't be written.
    """
    draft = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
        ) as out:
            draft = out.name
            out.write(text)
            out.flush()
            os.fsync(out.fileno())  # or the new name could reach the disk before what it names
        _remove_stale(file, Path(draft).lstat().st_mtime)
        Path(draft).chmod(0o666 & ~_umask())
        Path(draft).replace(file)
    except OSError as error:
        Path(draft).unlink(missing_ok=True) if draft else None
        raise ActsearchError(
            f"'{file}' can't be written: {error.strerror}; put it elsewhere: --out FILE"
        ) from None


def _remove_stale(file: Path, now_s: float) -> None:
    """Remove the beginnings of reports of this name that a kill left here, and nothing else.

    Args:
        file: what the report is to be.
        now_s: the present time by the clock of its disk, which may be a file server's.
    """
    for one in file.parent.glob(f".{glob.escape(file.name)}.*"):
        with contextlib.suppress(OSError):  # of someone else, or gone by now
            facts = one.lstat()
            ours = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.getuid()
            if ours and facts.st_mtime < now_s - _STALE_S and _begins_a_report(one):
                one.unlink()


def _begins_a_report(file: Path) -> bool:
    with file.open("rb") as there:
        return BEGINNING.encode().startswith(there.read(len(BEGINNING)))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
