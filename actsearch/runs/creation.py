"""Making the folder of a new run, all of it or nothing.

The folder is made under a hidden name, made durable, and renamed. A crash on the way leaves at
most a hidden folder that nothing looks at, and the run's name stays free; who makes a run there an
hour later removes it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
from pathlib import Path
from typing import Any

from actsearch.errors import ActsearchError, BadInput
from actsearch.paths import command
from actsearch.runs import rows, schema
from actsearch.runs.failures import explained
from actsearch.runs.folder import CONFIG_COPY, DATABASE, ENVIRONMENT_COPY, check_name
from actsearch.runs.insert import insert

_DRAFT = re.compile(r"\.new-.+-[0-9a-f]{12}")
#: Nobody makes a run for so long: an older draft was left by a kill.
_STALE_S = 3600.0


def make_run_folder(folder: Path, config: dict[str, Any], environment: dict[str, Any]) -> None:
    """Make the folder of a run that has no births yet.

    Args:
        folder: the folder to make; its name is the run's.
        config: the configuration as used; anything JSON holds.
        environment: versions, machine and devices; anything JSON holds.

    Raises:
        BadInput: the name is taken or can't be a run's, or the folder can't be made there.
        ActsearchError: the disk failed; there is no run.
    """
    check_free(folder)
    name = folder.name
    draft = folder.parent / f".new-{name}-{secrets.token_hex(6)}"
    try:
        draft.mkdir(parents=True)
        with explained(folder / DATABASE, "make"):
            _make_database(draft / DATABASE, config, environment)
        _write_json(draft / CONFIG_COPY, config)
        _write_json(draft / ENVIRONMENT_COPY, environment)
        sync_names(draft)
        # By the clock of the disk that both lie on: a file server's may be another than ours.
        for one in stale_drafts(folder.parent, draft.lstat().st_mtime):
            shutil.rmtree(one, ignore_errors=True)
        # Renaming a folder onto another works only where that one is empty: of two searches that
        # make the same run at once, one gets here first.
        draft.rename(folder)
        sync_names(folder.parent)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise _explained(error, folder) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def stale_drafts(root: Path, now_s: float) -> list[Path]:
    """Return the user's folders of runs that were never begun, as a kill left them.

    Args:
        root: where to look.
        now_s: the present time.
    """
    found = []
    for one in sorted(root.glob(".new-*")):
        with contextlib.suppress(OSError):  # gone by now
            facts = one.lstat()
            is_old = facts.st_mtime < now_s - _STALE_S
            ours = is_old and stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
            if ours and _DRAFT.fullmatch(one.name):
                found.append(one)
    return found


def check_free(folder: Path) -> None:
    """Refuse a folder that can't become a new run's; what takes long can then come after it.

    Raises:
        BadInput: the name is taken, or can't be a run's.
    """
    check_name(folder.name)
    if os.path.lexists(folder / DATABASE):
        raise _taken(folder)


def _make_database(path: Path, config: dict[str, Any], environment: dict[str, Any]) -> None:
    connection = schema.create_tables(path)
    try:
        connection.execute("BEGIN")
        for key, value in (("config", config), ("environment", environment)):
            insert(connection, "meta", rows.META_COLUMNS, (key, rows.dump(value)))
        connection.execute("COMMIT")
    finally:
        # The last connection folds the write-ahead log into the file, which is then complete.
        connection.close()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Make the names in ``folder`` durable, where the system can (not on Windows)."""
    if os.name == "posix":
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _explained(error: OSError, folder: Path) -> ActsearchError:
    if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
        return _taken(folder)
    reason = f"can't make the run's folder {folder}: {error.strerror or error}"
    if isinstance(error, (PermissionError, NotADirectoryError)):
        return BadInput(f"{reason}; ACTSEARCH_RUNS names another place")
    return ActsearchError(f"{reason}; no run was begun")


def _taken(folder: Path) -> BadInput:
    name = folder.name
    if os.path.lexists(folder / DATABASE):
        return BadInput(
            f"there is a run '{name}' already; go on with it ({command('resume', folder)}), or "
            "give the new one another name (--run NAME)"
        )
    return BadInput(
        f"there is a folder {folder} already, and it holds no run; give another name (--run NAME) "
        "or remove it"
    )
