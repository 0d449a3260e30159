"""The cache is the user's own, or it is refused."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from actsearch import cache
from actsearch.cache import NotPrivate, cache_folder, cache_path, cache_root, make_private
from actsearch.kernels.native.cache import KernelCache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder, which is not there yet."""
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_made_private_whatever_the_mask(root: Path) -> None:
    mask = os.umask(0)
    try:
        make_private(root)
    finally:
        os.umask(mask)
    assert root.stat().st_mode & 0o777 == 0o700
    assert cache_root() == root


def test_the_folders_above_it_are_made_so_too(root: Path) -> None:
    mask = os.umask(0o002)  # of many a login: the group may write
    try:
        make_private(root / "arrays" / "mnist")
    finally:
        os.umask(mask)
    assert {p.stat().st_mode & 0o777 for p in (root, *root.rglob("*"))} == {0o700}
    assert cache_folder("arrays") == root / "arrays"


def test_what_the_message_says_helps(root: Path) -> None:
    """Of a cache that was made where the group could write, as that of an earlier version."""
    kept = KernelCache(root / "kernels")
    (root / "arrays").mkdir(parents=True)
    kept.folder.mkdir()
    (kept.folder / "k.txt").write_text("it is wrong")
    for path in (root, *root.rglob("*")):
        path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(NotPrivate, match="chmod") as caught:
        cache_folder("arrays")
    assert kept.reason("k") is None
    said = re.search(r"chmod -R go-w [^;]+", str(caught.value))
    assert said is not None
    subprocess.run(said[0].split(), check=True)
    assert cache_folder("arrays") == root / "arrays"
    assert kept.reason("k") == "it is wrong"


def test_looking_makes_nothing(root: Path) -> None:
    assert cache_root() == root
    assert cache_folder("arrays") == root / "arrays"
    assert not root.exists()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702, 0o720])
def test_one_that_others_write_to_is_refused(root: Path, mode: int) -> None:
    root.mkdir()
    root.chmod(mode)
    with pytest.raises(
        NotPrivate, match=f"others .*{mode:04o}.*chmod -R go-w {root}.*ACTSEARCH_CAC"
    ):
        cache_root()
    with pytest.raises(NotPrivate):
        make_private(root)
    assert cache_path() == root
    root.chmod(mode & ~0o022)
    assert cache_root() == root


def test_a_folder_in_it_counts_too(root: Path) -> None:
    (root / "arrays").mkdir(parents=True)
    (root / "arrays").chmod(0o777)
    assert cache_root() == root
    with pytest.raises(NotPrivate, match="arrays"):
        cache_folder("arrays")


def test_one_that_anyone_may_replace_is_refused(tmp_path: Path, root: Path) -> None:
    root.mkdir()
    tmp_path.chmod(0o777)
    with pytest.raises(NotPrivate, match=f"lies in {tmp_path}, where anyone may replace it"):
        cache_root()
    tmp_path.chmod(0o1777)  # as /tmp is: what is there stays its owner's
    assert cache_root() == root


def test_one_of_another_user_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.mkdir()
    monkeypatch.setattr(cache, "_SUPERUSER", -1)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(NotPrivate, match="belongs to another user") as caught:
        cache_root()
    assert "chmod" not in str(caught.value)  # it is theirs


def test_a_link_to_a_private_one_is_taken(tmp_path: Path, root: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    root.symlink_to("real")
    assert cache_root() == root


def test_a_file_in_its_place_is_left_to_who_uses_it(root: Path) -> None:
    root.write_text("")
    assert cache_root() == root
