"""A library is loaded only where nobody but the user could have written it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from actsearch import kernels
from actsearch.expressions import parse
from actsearch.kernels import KernelWarning, native
from actsearch.kernels.native.cache import KernelCache, seal
from tests.kernels.conftest import NEEDS_COMPILER

FORMULA = parse("x*tanh(softplus(x))")
X = torch.linspace(-4, 4, 101)
KEY = "k" * 40


@pytest.fixture
def cache(tmp_path: Path) -> KernelCache:
    """A cache that has one library, which is ``x`` and its digest."""
    made = KernelCache(tmp_path / "kernels")
    with made.workshop() as folder:
        (folder / "made.so").write_bytes(b"x")
        seal(folder / "made.so")
        made.keep(folder / "made.so", [KEY])
    return made


def content(path: Path) -> bytes:
    return path.read_bytes()[:1]


def test_what_is_loaded_is_what_was_looked_at(cache: KernelCache) -> None:
    """The folder may be moved away and another put in its place: the open one is read."""

    def swapped(path: Path) -> bytes:
        cache.folder.rename(cache.folder.with_name("moved"))
        cache.folder.mkdir()
        (cache.folder / f"{KEY}.so").write_bytes(b"evil")
        return content(path)

    if Path("/proc/self/fd").is_dir():
        assert cache.load(KEY, swapped) == b"x"


def test_the_folders_are_made_private(cache: KernelCache) -> None:
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert (cache.folder / f"{KEY}.so").stat().st_mode & 0o777 == 0o700


def with_mode(mode: int) -> Callable[[Path], object]:
    return lambda path: path.chmod(mode)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def of_another(path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only the superuser can give a file away")
    os.chown(path, 1234, 1234)


def flipped(path: Path) -> None:
    path.write_bytes(b"y" + path.read_bytes()[1:])


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: it takes no room


FILES = {
    "others write": with_mode(0o602),
    "the group writes": with_mode(0o720),
    "a link": linked,
    "a pipe": piped,
    "of another user": of_another,
    "another byte": flipped,
    "a terabyte": huge,
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_of_which_others_may_be_the_author_is_not_loaded(
    cache: KernelCache, what: str
) -> None:
    assert cache.load(KEY, content) == b"x"
    FILES[what](cache.folder / f"{KEY}.so")
    assert cache.load(KEY, content) is None


FOLDERS = {"others write": with_mode(0o707), "of another user": of_another}


@pytest.mark.parametrize("what", FOLDERS)
def test_nothing_is_loaded_from_a_folder_of_others(cache: KernelCache, what: str) -> None:
    FOLDERS[what](cache.folder)
    assert cache.load(KEY, content) is None
    assert (cache.folder / f"{KEY}.so").exists()  # it is theirs: nothing is removed either


def test_a_reason_that_others_may_have_written_is_none(cache: KernelCache) -> None:
    note = cache.folder / f"{KEY}.txt"
    note.write_text("it is wrong\n")
    assert cache.reason(KEY) == "it is wrong"
    note.chmod(0o666)
    assert cache.reason(KEY) is None


def test_a_reason_is_believed_whatever_the_mask(cache: KernelCache) -> None:
    mask = os.umask(0o002)  # of many a login: the group may write
    try:
        with cache.workshop() as folder:
            cache.keep_reason(folder, KEY, "it is wrong")
    finally:
        os.umask(mask)
    assert cache.reason(KEY) == "it is wrong"
    assert (cache.folder / f"{KEY}.txt").stat().st_mode & 0o777 == 0o600


@NEEDS_COMPILER
def test_a_cache_that_others_write_to_is_left_alone(afresh: Path) -> None:
    """Kernels are compiled all the same, in a private folder and for this process alone."""
    kernels.prepare([FORMULA])
    (file,) = afresh.glob("*.so")
    before = file.stat()
    native.forget()
    afresh.parent.chmod(0o777)
    with pytest.warns(KernelWarning, match="can't be kept in .*can be written by others"):
        y = kernels.compile(parse("x*sin(x)"))(X)
    torch.testing.assert_close(y, X * X.sin())
    assert [file.stat() for file in afresh.glob("*.so")] == [before]


@NEEDS_COMPILER
def test_a_mask_that_lets_others_write_changes_nothing(afresh: Path) -> None:
    mask = os.umask(0)
    try:
        kernels.prepare([FORMULA])
    finally:
        os.umask(mask)
    (file,) = afresh.glob("*.so")
    assert {path.stat().st_mode & 0o777 for path in (file, afresh, afresh.parent)} == {0o700}
