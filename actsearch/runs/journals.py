"""The journal that a kill leaves beside the file of a run, looked at before SQLite believes it.

Who opens the file next undoes by it the commit that was not ended. SQLite makes the file as long as
the journal says, and if it names a further file, a super-journal, deletes that one, wherever it
lies. No transaction of this program is on several files, so no journal of ours names one.

Source: https://www.sqlite.org/fileformat2.html, section 3, and ``readSuperJournal`` of SQLite.
"""

from __future__ import annotations

import os
from pathlib import Path

from actsearch.errors import BadInput
from actsearch.paths import command

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER_BYTES = 28
#: Of a super-journal, behind its name: the name's length, its checksum, and the magic.
_NAMES_BYTES = 16
_MAX_PAGE_BYTES = 65_536


def check_journal(path: Path) -> None:
    """Refuse the journal of a database that would have SQLite touch more than the database.

    Args:
        path: the database.

    Raises:
        BadInput: the journal names another file, or a size that the database never had.
    """
    journal = path.with_name(f"{path.name}-journal")
    try:
        how = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
        with os.fdopen(os.open(journal, how), "rb") as file:
            header = file.read(_HEADER_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _NAMES_BYTES, 0))
            end = file.read(_NAMES_BYTES)
        there = path.stat().st_size
    except OSError:  # not there, or not to be read: opening the database says that
        return
    if len(end) == _NAMES_BYTES and end.endswith(_MAGIC):
        raise _refusal(journal, "names another file, which SQLite would delete")
    if len(header) == _HEADER_BYTES and header.startswith(_MAGIC):
        n_pages = int.from_bytes(header[16:20], "big")
        page_bytes = int.from_bytes(header[24:28], "big") or _MAX_PAGE_BYTES
        # What was cut off the file is in the journal.
        if n_pages * page_bytes > there + size:
            raise _refusal(journal, f"would make the run {n_pages * page_bytes:,} bytes long")


def _refusal(journal: Path, what: str) -> BadInput:
    return BadInput(
        f"{journal} {what}, and no journal of a run does; copy the run's folder again from where it "
        "was made, or remove this file and see what is left "
        f"({command('runs check', journal.parent)})"
    )
