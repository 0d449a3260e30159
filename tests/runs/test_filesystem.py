"""Network file systems: told from others, kept with another journal, read while they are written."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError
from actsearch.runs import RunStore, filesystem, schema
from actsearch.runs.filesystem import LOCAL, ROLLED_BACK, SharedFolderWarning
from actsearch.runs.follow import Follower
from tests.runs.conftest import MakeBirth, MakeTraining

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/fast rw - xfs /dev/vdb rw
32 22 0:42 / /with\\040space rw master:1 propagate_from:2 - fuse.sshfs me@there: rw
33 22 0:43 / /twice rw - ext4 /dev/vdc rw
34 33 0:44 / /twice rw - cifs //server/share rw
a line that is none
"""


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    monkeypatch.setattr(filesystem, "_MOUNTS", file)
    return file


@pytest.mark.parametrize(
    ("path", "found", "shared"),
    [
        ("/", "ext4", ""),
        ("/homely/runs", "ext4", ""),
        ("/home", "nfs4", "nfs4"),
        ("/home/you/runs/not/yet/there", "nfs4", "nfs4"),
        ("/home/me/fast/runs", "xfs", ""),
        ("/home/me/faster", "nfs4", "nfs4"),
        ("/with space/runs", "fuse.sshfs", "fuse.sshfs"),
        ("/twice/runs", "cifs", "cifs"),
        ("/home/me/fast/../runs", "nfs4", "nfs4"),
    ],
)
def test_the_longest_mount_point_and_of_two_the_later(
    mounts: Path, path: str, found: str, shared: str
) -> None:
    assert filesystem.type_of(Path(path)) == found
    assert filesystem.shared_type(Path(path)) == shared
    assert filesystem.journal_of(Path(path)) == (ROLLED_BACK if shared else LOCAL)


@pytest.mark.parametrize(
    ("kind", "shared"),
    [
        ("dvs", True),
        ("fuse.quobyte", True),
        ("fuse.goofys", True),
        ("fuse.one-that-nobody-knows", True),
        ("fuse", True),
        ("fuseblk", False),
        ("fuse.ntfs-3g", False),
        ("fuse.fuse-overlayfs", False),
        ("btrfs", False),
    ],
)
def test_what_a_program_serves_is_shared_save_a_few(
    mounts: Path, kind: str, shared: bool
) -> None:
    mounts.write_text(f"22 1 0:40 / / rw - {kind} what rw\n")
    assert filesystem.shared_type(Path("/runs")) == (kind if shared else "")


def test_what_is_mounted_when_somebody_goes_there_is_told(
    mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = Path.resolve

    def mount(path: Path, strict: bool = False) -> Path:
        mounts.write_text(MOUNTS + "40 22 0:50 / /auto/me rw - nfs4 there: rw\n")
        return resolve(path, strict)

    monkeypatch.setattr(Path, "resolve", mount)
    assert filesystem.type_of(Path("/auto/me/runs")) == "nfs4"


def test_a_link_leads_to_where_it_leads(mounts: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/home/you")
    assert filesystem.type_of(tmp_path / "link" / "runs") == "nfs4"


def test_where_nothing_can_be_told_a_disk_is_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "_MOUNTS", tmp_path / "none")
    assert filesystem.type_of(tmp_path) == ""
    assert filesystem.journal_of(tmp_path) == LOCAL


def settings(store: RunStore) -> tuple[Any, ...]:
    names = ("journal_mode", "synchronous", "fullfsync", "foreign_keys", "busy_timeout")
    return tuple(store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)


def test_a_run_is_kept_there_without_a_write_ahead_log(root: Path, shared: None) -> None:
    with pytest.warns(SharedFolderWarning, match=r"network file system \(nfs4\).*slower"):
        store = RunStore.create(root / "r", {"task": "t"}, {})
    with store:
        assert settings(store) == ("truncate", 2, 1, 1, 60_000)
        store.begin_session({})
        assert not (store.folder / "run.sqlite-wal").exists()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # who only reads is not told
            with RunStore.open(root / "r") as reader:
                assert reader.config == {"task": "t"}
                assert len(reader.sessions()) == 1


@pytest.mark.parametrize("there_first", [True, False])
def test_a_run_that_was_copied_changes_its_journal_with_its_place(
    root: Path, birth: MakeBirth, request: pytest.FixtureRequest, there_first: bool
) -> None:
    if there_first:
        with RunStore.create(root / "r", {}, {}) as store:
            store.add_births([birth(0)])
            assert settings(store)[0] == "wal"
            # As a kill leaves it: with what was committed in the log alone.
            shutil.copytree(store.folder, root / "copy")
        request.getfixturevalue("shared")
        expected = "truncate"
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("actsearch.runs.filesystem.type_of", lambda _path: "nfs")
            with pytest.warns(SharedFolderWarning), RunStore.create(root / "copy", {}, {}) as store:
                store.add_births([birth(0)])
        expected = "wal"
    before = (root / "copy" / "run.sqlite").read_bytes()
    with RunStore.open(root / "copy") as reader:
        assert reader.births() == [birth(0)]
        with reader.reading():
            assert reader.births() == [birth(0)]
    assert (root / "copy" / "run.sqlite").read_bytes() == before
    with RunStore.open(root / "copy", write=True) as store:
        assert settings(store)[0] == expected
        store.add_births([birth(1)])
        with RunStore.open(root / "copy") as reader:
            assert reader.births() == [birth(0), birth(1)]
    follower = Follower(root / "copy")
    follower.read()
    assert follower.snapshot(0).n_births == 2


def test_another_program_that_reads_the_log_is_named_as_the_hindrance(
    root: Path, birth: MakeBirth, monkeypatch: pytest.MonkeyPatch, shared: None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("actsearch.runs.filesystem.type_of", lambda _path: "ext4")
        RunStore.create(root / "r", {}, {}).close()
        reader = RunStore.open(root / "r")
    monkeypatch.setattr(filesystem, "ROLLED_BACK", replace(ROLLED_BACK, patience_ms=50))
    with reader, pytest.raises(ActsearchError, match="locked.*end the other program"):
        RunStore.open(root / "r", write=True)
    RunStore.open(root / "r", write=True).close()


WRITER = """
import sys, time, warnings
from pathlib import Path
from actsearch.runs import Birth, RunStore, TrainingRow, filesystem

warnings.simplefilter("ignore")
filesystem.type_of = lambda path: "nfs4"
folder, id = Path(sys.argv[1]), 0
with RunStore.create(folder, {"task": "t"}, {}) as store, store.session({}):
    print("ready", flush=True)
    while not (folder / "enough").exists():
        store.add_births([Birth(id, "seed", (), f"x + {id}", None, "accepted")])
        store.add_training(TrainingRow(id, "full", 0, "ok", id / 7, {}, (), 0.5, "cpu"))
        id += 1
        time.sleep(0.02)  # while it is trained
print(id, flush=True)
"""


def test_readers_and_the_writer_get_along_there(root: Path, shared: None) -> None:
    command = [sys.executable, "-c", WRITER, str(root / "r")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        seen = 0
        with RunStore.open(root / "r") as reader:
            for look in range(5):
                with reader.reading():
                    births, trainings = reader.births(), reader.trainings()
                    assert len(births) - len(trainings) in (0, 1)
                    assert [one.id for one in births] == list(range(len(births)))
                    assert len(births) >= seen
                    seen = len(births)
                    while look == 3:  # whoever looks long holds nobody up
                        with RunStore.open(root / "r") as other:
                            if other.n_births() > seen + 2:
                                break
                    assert reader.births() == births
        (root / "r" / "enough").touch()
        n = int(writer.stdout.readline())
        assert writer.wait() == 0
    with RunStore.open(root / "r") as reader:
        assert (reader.n_births(), reader.n_trainings()) == (n, n)


@contextlib.contextmanager
def kept_out(folder: Path, for_s: float) -> Iterator[None]:
    """Let nobody read the file of a run for so long, as a writer does that commits on and on."""
    with contextlib.closing(
        sqlite3.connect(folder / "run.sqlite", isolation_level=None, check_same_thread=False)
    ) as db:
        db.execute("BEGIN EXCLUSIVE")
        over = threading.Timer(for_s, lambda: db.execute("ROLLBACK"))
        over.start()
        yield
        over.join()


@pytest.fixture
def here_and_there(root: Path, birth: MakeBirth, shared: None) -> Iterator[RunStore]:
    """Return the reader of a run with one birth on a network file system."""
    with RunStore.create(root / "r", {}, {}) as store:
        store.add_births([birth(0)])
    with RunStore.open(root / "r") as reader:
        yield reader


def test_a_reader_there_waits_as_long_as_a_writer_does(
    here_and_there: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here_and_there.folder
    monkeypatch.setattr("actsearch.runs.copies.LOCAL", replace(LOCAL, patience_ms=50))
    with kept_out(folder, 0.4), RunStore.open(folder) as other:
        assert other.n_births() == 1
    with kept_out(folder, 0.4), here_and_there.reading():
        assert here_and_there.n_births() == 1


def test_and_not_for_ever(here_and_there: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "ROLLED_BACK", replace(ROLLED_BACK, patience_ms=50))
    folder = here_and_there.folder
    with RunStore.open(folder) as reader, kept_out(folder, 1.0):
        for look in (reader.reading(), contextlib.nullcontext()):
            with pytest.raises(ActsearchError, match="locked"), look:
                reader.births()
        with pytest.raises(ActsearchError, match="locked"):
            RunStore.open(folder)


def test_what_a_kill_left_to_be_rolled_back_is_by_a_reader(
    root: Path, shared: None, birth: MakeBirth, training: MakeTraining, tmp_path: Path
) -> None:
    with RunStore.create(root / "r", {}, {}) as store:
        store.add_births([birth(0)])
        store._db.execute("PRAGMA cache_size = 1")  # the pages of a transaction go to the file
        store._db.execute("BEGIN IMMEDIATE")
        for id_ in range(1, 400):
            store._db.execute("UPDATE births SET formula = ?", ("y" * 4000,))
            store._db.execute(
                "INSERT INTO births SELECT ?, operator, parents, formula, fingerprint, status,"
                " reason, same_as, size, created_s, penalty, checksum FROM births WHERE id = 0",
                (id_,),
            )
            if id_ == 20:
                break
        assert (store.folder / "run.sqlite-journal").stat().st_size > 0
        shutil.copytree(store.folder, root / "killed")
        store._db.execute("ROLLBACK")
    with RunStore.open(root / "killed") as reader:
        assert reader.births() == [birth(0)]
    with RunStore.open(root / "killed", write=True) as again:
        again.add_births([birth(1)])
        assert again.n_births() == 2


def test_a_setting_that_sqlite_refuses_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no write-ahead log, say, and is not known as such."""
    asked = schema._pragma
    monkeypatch.setattr(
        schema, "_pragma", lambda db, name: "memory" if name == "journal_mode" else asked(db, name)
    )
    with pytest.raises(ActsearchError, match=r"won't set journal_mode to .* \(it is memory\): the"):
        RunStore.create(root / "r", {}, {})
    assert not (root / "r").exists()
