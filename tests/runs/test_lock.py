"""The lock of a run is the operating system's, or there is none."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import pytest

from actsearch.errors import ActsearchError
from actsearch.runs import RunStore
from actsearch.runs.lock import holder


def test_where_there_are_no_locks_nobody_writes_and_nobody_is_kept_out_later(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that stands for a lock would stay, where its writer is killed."""
    store.close()

    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    before = sorted(store.folder.glob("writer*"))
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr("fcntl.flock", missing)
        with pytest.raises(ActsearchError, match="can't lock .* not implemented.*local folder"):
            RunStore.open(store.folder, write=True)
        assert holder(store.folder) is None
        with RunStore.open(store.folder) as reader:
            assert reader.n_births() == 0
    assert sorted(store.folder.glob("writer*")) == before
    with RunStore.open(store.folder, write=True):
        pass


def test_what_a_lock_is_put_on_is_not_emptied(store: RunStore, tmp_path: Path) -> None:
    """A hard link in its place is a file of somebody's."""
    store.close()
    somebodys = tmp_path / "precious.txt"
    somebodys.write_text("keep")
    (store.folder / "writer.lock").unlink()
    (store.folder / "writer.lock").hardlink_to(somebodys)
    with RunStore.open(store.folder, write=True):
        assert somebodys.read_text() == "keep"
    assert somebodys.read_text() == "keep"
