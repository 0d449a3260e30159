"""Writing into a folder: all or nothing, whatever fails and wherever."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.export import folder as module
from actsearch.export.folder import write_all

FILES: dict[str, str | bytes] = {
    "a.py": "new a",
    "sub/b.onnx": b"\x00new b",
    "sub/deep/c.txt": "new c",
    "d.py": "new d",
}


def tree(root: Path) -> dict[str, bytes | None]:
    """Return everything below a folder: path -> content, None of folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


def failing(at: int, code: int, whole: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails when it is called for the ``at``-th time, counted from 0."""
    count = iter(range(1000))

    def call(*args: Any, **kwargs: Any) -> Any:
        if next(count) == at:
            raise OSError(code, os.strerror(code), "somewhere")
        return whole(*args, **kwargs)

    return call


def test_text_and_bytes_are_written_into_folders_that_are_made(tmp_path: Path) -> None:
    paths = write_all(tmp_path / "x" / "y", FILES)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        f"x/y/{name}" for name in FILES
    ]
    assert paths[1].read_bytes() == b"\x00new b"
    assert set(tree(tmp_path / "x" / "y")) == {*FILES, "sub", "sub/deep"}


def test_what_exists_is_replaced_on_request_alone(tmp_path: Path) -> None:
    (tmp_path / "d.py").write_text("mine")
    (tmp_path / "other.py").write_text("mine too")
    before = tree(tmp_path)
    with pytest.raises(BadInput, match=r"d\.py exists already; nothing was written"):
        write_all(tmp_path, FILES)
    assert tree(tmp_path) == before
    write_all(tmp_path, FILES, force=True)
    assert (tmp_path / "d.py").read_text() == "new d"
    assert (tmp_path / "other.py").read_text() == "mine too"
    assert {one for one in tree(tmp_path) if "actsearch" in one} == set()


@pytest.mark.parametrize("by_link", [False, True])
def test_a_file_that_comes_meanwhile_is_not_replaced(
    by_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.fsync

    def someone_writes(fd: int) -> None:
        if by_link and not (tmp_path / "d.py").is_symlink():
            (tmp_path / "d.py").symlink_to("nowhere")
        elif not by_link:
            (tmp_path / "d.py").write_text("theirs")
        whole(fd)

    monkeypatch.setattr(module.os, "fsync", someone_writes)
    with pytest.raises(BadInput, match=r"File exists \(.*d\.py\); nothing was written"):
        write_all(tmp_path, FILES)
    assert {path.name for path in tmp_path.iterdir()} == {"d.py"}
    assert by_link or (tmp_path / "d.py").read_text() == "theirs"
    write_all(tmp_path, FILES, force=True)
    assert (tmp_path / "d.py").read_text() == "new d"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS])
@pytest.mark.parametrize(
    ("step", "at"),
    # Two files are new and two are replaced, of which the old ones are kept by a link.
    [*(("fsync", at) for at in range(len(FILES))), *(("replace", at) for at in range(2)),
     ("link", 0), ("link", 2)],
)  # fmt: skip
def test_a_failure_at_any_file_leaves_what_was_there(
    step: str, at: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "x"
    (out / "sub").mkdir(parents=True)
    (out / "d.py").write_text("old d")
    (out / "sub" / "b.onnx").write_bytes(b"old b")
    before = tree(tmp_path)
    owner: Any = Path if step == "replace" else module.os
    monkeypatch.setattr(owner, step, failing(at, code, getattr(owner, step)))
    with pytest.raises(ActsearchError, match=r"nothing was written; .* --out") as caught:
        write_all(out, FILES, force=True)
    assert isinstance(caught.value, BadInput) == (code in (errno.EACCES, errno.EROFS))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("at", range(3))
def test_folders_that_were_made_go_again(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", failing(at, errno.EACCES, Path.mkdir))
    with pytest.raises(BadInput, match=r"can't write into .*nothing was written"):
        write_all(tmp_path / "x" / "y", FILES)
    assert tree(tmp_path) == {}


def test_an_interruption_is_taken_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_fd: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path / "x", FILES)
    assert tree(tmp_path) == {}


def test_a_disk_without_hard_links_keeps_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("old a")
    before = tree(tmp_path)

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(module.os, "link", no_links)
    with monkeypatch.context() as patch:  # the copy is moved, then a.py, and then this
        patch.setattr(Path, "replace", failing(2, errno.EIO, Path.replace))
        with pytest.raises(ActsearchError, match=os.strerror(errno.EIO)):
            write_all(tmp_path, FILES, force=True)
    assert tree(tmp_path) == before
    write_all(tmp_path, FILES, force=True)
    assert (tmp_path / "a.py").read_text() == "new a"


def test_a_kept_file_that_can_not_be_put_back_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("old a")
    (tmp_path / "d.py").write_text("old d")
    whole, count = Path.replace, iter(range(100))

    def breaks(path: Path, to: Path) -> Path:
        if next(count) >= 1:
            raise OSError(errno.EIO, "the disk is gone")
        return whole(path, to)

    monkeypatch.setattr(Path, "replace", breaks)
    with pytest.raises(ActsearchError, match="the disk is gone"):
        write_all(tmp_path, FILES, force=True)
    assert b"old a" in tree(tmp_path).values()


def test_a_file_where_a_folder_should_be_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="--out"):
        write_all(tmp_path / "taken", FILES)
    with pytest.raises(BadInput, match="--out"):
        write_all(tmp_path / "taken" / "below", FILES)
    (tmp_path / "a.py").mkdir()
    with pytest.raises(BadInput, match="a folder is in the way"):
        write_all(tmp_path, FILES, force=True)
    assert set(tree(tmp_path)) == {"taken", "a.py"}


def test_names_that_some_disks_take_for_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one file on some disks"):
        write_all(tmp_path, {"F.py": "1", "f.py": "2"})
    assert tree(tmp_path) == {}


def test_files_have_the_mode_that_the_user_set(tmp_path: Path) -> None:
    write_all(tmp_path, {"f.py": "x"})
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "far").write_text("far")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.py").symlink_to(tmp_path / "far")
    with pytest.raises(BadInput, match="exists already"):
        write_all(tmp_path / "out", FILES)
    write_all(tmp_path / "out", FILES, force=True)
    assert (tmp_path / "far").read_text() == "far"
    assert not (tmp_path / "out" / "a.py").is_symlink()


def old(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


def test_what_a_kill_left_goes_when_it_is_old(tmp_path: Path) -> None:
    """But nothing that may be somebody's: neither a replaced file that is kept, nor a stranger."""
    contents = {
        ".actsearch-killed": ("0", "1", "2.copy"),
        ".actsearch-new": ("0",),
        ".actsearch-kept": ("0", "0.old"),
        ".actsearch-strange": ("0", "notes.txt"),
    }
    for name, files in contents.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(file)
        if name != ".actsearch-new":
            old(tmp_path / name)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "0").write_text("mine")
    (tmp_path / ".actsearch-link").symlink_to("elsewhere")
    os.utime(tmp_path / ".actsearch-link", (0, 0), follow_symlinks=False)
    old(tmp_path / "elsewhere")
    before = tree(tmp_path)
    write_all(tmp_path, FILES)
    gone = {name for name in before if name.startswith(".actsearch-killed")}
    assert len(gone) == 4
    assert set(tree(tmp_path)) == (set(before) - gone) | {*FILES, "sub", "sub/deep"}


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_it_is_old_by_the_clock_of_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    now = time.time
    for name, age_s in ((".actsearch-new", 0.0), (".actsearch-killed", 4000.0)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now() - age_s, now() - age_s))
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: now() + ahead_s)
        write_all(tmp_path, FILES)
    assert {one.name for one in tmp_path.glob(".actsearch*")} == {".actsearch-new"}
