"""Files into a folder: all of them or none, and no trace of an attempt that failed.

Everything is first written, whole, into a folder of its own inside the target, on the same disk, so
that what remains is to move; a file that is replaced is kept there until all have been moved.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from actsearch.errors import ActsearchError, BadInput

#: What is wrong with the place that the user named, not with the machine.
_WRONG_PLACE = {
    errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EROFS,
    errno.ENAMETOOLONG, errno.ELOOP, errno.ENOENT,
}  # fmt: skip
#: What a disk says that has no hard links, or no more of them.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
#: The end of a replaced file's name, while it is kept.
_KEPT = ".old"
#: The beginning of the name of the folder in which files are first written.
_DRAFT = ".actsearch-"
#: Nobody writes files for so long: older ones were left by a kill.
_STALE_S = 3600.0
#: What may be removed of them: files that are new, and copies of such as are in their place still.
_OURS = re.compile(r"\d+(\.copy)?")


def write_all(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    force: bool = False,
    elsewhere: str = "--name or --out",
) -> tuple[Path, ...]:
    """Write files, all of them or none.

    Args:
        folder: Where; it is made where it is not there.
        files: Name -> content; a name may lead into folders below, with ``/`` between.
        force: Replace files that exist.
        elsewhere: The options that put new files elsewhere.

    Returns:
        The files, in the order given.

    Raises:
        BadInput: A file exists and ``force`` is off, two names are one file, or the folder can't
            be written to; nothing was written.
        ActsearchError: The disk is full or broken; nothing was written.
    """
    paths = [folder.joinpath(*PurePosixPath(name).parts) for name in files]
    _check_different(list(files))
    try:
        _check_free(folder, paths, elsewhere, force=force)
        _write_and_move(folder, paths, list(files.values()), force=force)
    except ValueError as error:  # a name that no file has
        raise BadInput(f"can't write into '{folder}': {error}; nothing was written") from error
    except OSError as error:
        file = error.filename2 or error.filename  # of two it is where to
        where = f" ({file})" if file else ""
        said = f"can't write into {folder}: {error.strerror or error}{where}; nothing was written"
        if error.errno in _WRONG_PLACE:
            raise BadInput(f"{said}; name a folder with --out") from error
        raise ActsearchError(f"{said}; free some space, or name another disk with --out") from error
    return tuple(paths)


def _check_different(names: list[str]) -> None:
    """Refuse two names that are one file on disks that don't tell capitals from small letters."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise BadInput(f"{other} and {name} are one file on some disks; nothing was written")


def _check_free(folder: Path, paths: list[Path], elsewhere: str, *, force: bool) -> None:
    """Refuse to replace files unasked, and folders at all."""
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise BadInput(f"{folder} is no folder; nothing was written; name another one with --out")
    folders = [str(path) for path in paths if path.is_dir()]
    if folders:
        raise BadInput(f"{', '.join(folders)}: a folder is in the way; nothing was written")
    existing = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if existing and not force:
        raise BadInput(
            f"{', '.join(existing)} exists already; nothing was written "
            f"(--force replaces it, {elsewhere} puts the new one elsewhere)"
        )


def _write_and_move(
    folder: Path, paths: list[Path], contents: list[str | bytes], *, force: bool
) -> None:
    made: list[Path] = []
    with contextlib.ExitStack() as undo:  # runs backwards what has to be taken back
        undo.callback(_remove_empty, made)
        _make(folder, made)
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=_DRAFT))
        undo.callback(_remove_drafts, draft)
        _remove_stale(folder, draft.lstat().st_mtime)
        drafts = [draft / str(number) for number in range(len(paths))]
        for one, content in zip(drafts, contents, strict=True):
            _write(one, content)
        for one, path in zip(drafts, paths, strict=True):
            _make(path.parent, made)
            _move(one, path, undo, force=force)
        undo.pop_all()  # all are in place
    shutil.rmtree(draft, ignore_errors=True)


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and note in ``made`` which ones were not there."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        made.append(one)


def _remove_empty(made: list[Path]) -> None:
    for one in reversed(made):
        with contextlib.suppress(OSError):  # someone else may have put something there
            one.rmdir()


def _remove_stale(folder: Path, now_s: float) -> None:
    """Remove what a kill left here; a folder that keeps somebody's replaced file stays.

    Args:
        folder: where to look.
        now_s: the present time by the clock of its disk, which may be a file server's.
    """
    for one in folder.glob(f"{_DRAFT}*"):
        with contextlib.suppress(OSError):  # of someone else, or gone by now
            facts = one.lstat()
            ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
            if not ours or facts.st_mtime >= now_s - _STALE_S:
                continue
            if all(_OURS.fullmatch(file.name) and not file.is_dir() for file in one.iterdir()):
                _remove_drafts(one)


def _remove_drafts(draft: Path) -> None:
    """Remove what was written; a kept file that could not be put back stays."""
    with contextlib.suppress(OSError):
        for one in draft.iterdir():
            if one.suffix != _KEPT:
                one.unlink()
        draft.rmdir()


def _write(path: Path, content: str | bytes) -> None:
    with path.open("xb") as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _move(draft: Path, path: Path, undo: contextlib.ExitStack, *, force: bool) -> None:
    """Move a file to its place, and note in ``undo`` how to take that back.

    Raises:
        FileExistsError: A file has come there since it was looked, and ``force`` is off.
    """
    if force and (path.exists() or path.is_symlink()):
        kept = draft.with_suffix(_KEPT)
        try:
            os.link(path, kept, follow_symlinks=False)
        except (OSError, NotImplementedError):  # a disk without hard links
            copy = draft.with_suffix(".copy")
            shutil.copy2(path, copy, follow_symlinks=False)
            copy.replace(kept)  # whole: what bears this name may be put back
        undo.callback(_put_back, kept, path)
        draft.replace(path)
        return
    try:
        # Moving would replace a file of someone else that came there since. A second name does not,
        # and gives the file at once whole: no kill leaves half of it.
        os.link(draft, path)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)
        undo.callback(_take_back, path)
        draft.replace(path)
    else:
        undo.callback(_take_back, path)


def _put_back(kept: Path, path: Path) -> None:
    with contextlib.suppress(OSError):  # what went wrong first is what the user must hear of
        kept.replace(path)
        kept.unlink(missing_ok=True)  # two names of one file: then replacing did nothing


def _take_back(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
