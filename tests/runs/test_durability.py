"""What is left after a kill, a full disk, a torn file; and that a second writer is refused."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.runs.lock import holder

WRITER = """
import sys, warnings
from pathlib import Path
from actsearch.runs import Birth, RunStore, TrainingRow, filesystem

if sys.argv[2] == "shared":
    warnings.simplefilter("ignore")
    filesystem.type_of = lambda path: "nfs4"
store = RunStore.create(Path(sys.argv[1]), {"task": "t"}, {})
store.begin_session({})
print("ready", flush=True)
for id in range(100_000):
    store.add_births([Birth(id, "seed", (), f"x + {id}", None, "accepted")])
    print("birth", id, flush=True)
    store.add_training(TrainingRow(id, "full", 0, "ok", id / 7, {}, (), 0.5, "cpu"))
    print("training", id, flush=True)
"""


@pytest.fixture
def writer(root: Path, disk: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes the run ``r`` and says what it has committed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root / "r"), disk], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("n_lines", [1, 2, 41])
def test_sigkill_loses_nothing_that_was_committed(
    root: Path, writer: subprocess.Popen[str], n_lines: int
) -> None:
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(n_lines)]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    said += writer.stdout.readlines()
    n_births = sum(line.startswith("birth") for line in said)
    n_trainings = sum(line.startswith("training") for line in said)

    with RunStore.open(root / "r", write=True) as store:
        births, trainings = store.births(), store.trainings()
        # What was said is there; the kill may have come between a commit and its word.
        assert 0 <= len(births) - n_births <= 1
        assert 0 <= len(trainings) - n_trainings <= 1
        assert len(births) - len(trainings) in (0, 1)
        assert births == [
            Birth(k, "seed", (), f"x + {k}", None, "accepted") for k in range(len(births))
        ]
        assert [row.score for row in trainings] == [k / 7 for k in range(len(trainings))]
        (session,) = store.sessions()
        assert session.end_s is None
        assert session.active_s == store.elapsed_s() > 0
        store.add_births([Birth(len(births), "seed", (), "x", None, "accepted")])


def test_a_second_writer_is_refused_with_the_pid(root: Path, writer: subprocess.Popen[str]) -> None:
    with pytest.raises(BadInput, match=f"run 'r' is being written by process {writer.pid};"):
        RunStore.open(root / "r", write=True)
    with RunStore.open(root / "r") as reader:
        assert reader.config == {"task": "t"}
    held = holder(root / "r")
    assert held is not None
    assert held.pid == writer.pid

    writer.kill()
    writer.wait()
    assert holder(root / "r") is None
    assert (root / "r" / "writer.json").exists()  # stale, and no hindrance
    RunStore.open(root / "r", write=True).close()


def test_a_second_writer_in_the_same_process_is_refused(store: RunStore) -> None:
    with pytest.raises(BadInput, match=f"process {os.getpid()};"):
        RunStore.open(store.folder, write=True)
    store.close()
    store.close()
    assert holder(store.folder) is None
    RunStore.open(store.folder, write=True).close()


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"pid": "x"}', '{"pid": null}', "\x00" * 9999])
def test_a_writers_note_that_says_nothing_is_survived(store: RunStore, note: str) -> None:
    (store.folder / "writer.json").write_text(note)
    with pytest.raises(BadInput, match="is being written by another process"):
        RunStore.open(store.folder, write=True)


def test_a_holder_on_another_host_is_named_with_it(store: RunStore) -> None:
    (store.folder / "writer.json").write_text('{"pid": 12, "host": "node-7"}')
    with pytest.raises(BadInput, match="process 12 on node-7"):
        RunStore.open(store.folder, write=True)


def fill(store: RunStore, birth: Any) -> None:
    for id_ in range(10_000):
        store.add_births([birth(id_, formula="x" * 500)])


def test_a_full_disk_stops_cleanly_and_goes_on_later(
    store: RunStore, birth: Any, training: Any
) -> None:
    store.begin_session({})
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(ActsearchError) as caught:
        fill(store, birth)
    n = store.n_births()
    assert caught.value.exit_code == 1
    assert f"database or disk is full. What was saved before is safe ({n} births, 0 trainings)." in str(
        caught.value
    )
    assert str(caught.value).endswith("To go on: free some space")
    assert n > 0
    store.close()
    with RunStore.open(store.folder, write=True) as again:
        assert [b.id for b in again.births()] == list(range(n))
        again.add_births([birth(n, formula="x" * 500)])
        again.add_training(training(n))


class FailingAt:
    """A connection whose statement that begins with ``start`` fails with ``message``."""

    def __init__(self, real: sqlite3.Connection, start: str, message: str) -> None:
        self.real, self.start, self.message = real, start, message

    def execute(self, query: str, values: Any = ()) -> sqlite3.Cursor:
        if query.startswith(self.start):
            raise sqlite3.OperationalError(self.message)
        return self.real.execute(query, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_a_disk_that_fails_altogether_is_told_of_and_nothing_is_counted(
    store: RunStore, birth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_births([birth(0)])
    with monkeypatch.context() as patch:
        patch.setattr(store, "_db", FailingAt(store._db, "", "disk I/O error"))
        with pytest.raises(ActsearchError) as written:
            store.add_births([birth(1)])
        with pytest.raises(ActsearchError) as counted:
            store.n_births()
    said = f"{store.path}: disk I/O error."
    remedy = " To go on: look at the disk and its cable or mount"
    safe = " What was saved before is safe."
    assert str(written.value) == f"can't write {said}{safe}{remedy}"
    assert str(counted.value) == f"can't read {said}{remedy}"
    assert store.n_births() == 1


@pytest.mark.parametrize("message", ["database or disk is full", "disk I/O error"])
@pytest.mark.parametrize("start", ["BEGIN", "INSERT", "UPDATE", "COMMIT", "ROLLBACK"])
def test_an_error_of_the_disk_at_any_statement_leaves_the_store_as_it_was(
    store: RunStore, birth: Any, monkeypatch: pytest.MonkeyPatch, start: str, message: str
) -> None:
    store.begin_session({})
    store.add_births([birth(0)])
    with monkeypatch.context() as patch:
        patch.setattr(store, "_db", FailingAt(store._db, start, message))
        if start == "ROLLBACK":
            with pytest.raises(ValueError, match="came where 1 was expected"):
                store.add_births([birth(5)])
        else:
            with pytest.raises(ActsearchError, match=rf"{message}\. What was saved .* \(1 birth,"):
                store.add_births([birth(1)])
    assert store.births() == [birth(0)]
    store.add_births([birth(1)])
    assert store.n_births() == 2


def test_a_session_that_a_full_disk_ends_reports_the_disk_once(
    store: RunStore, birth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with store.session({}):
            broken = FailingAt(store._db, "BEGIN", "database or disk is full")
            monkeypatch.setattr(store, "_db", broken)
            store.add_births([birth(0)])

    with pytest.raises(ActsearchError, match="disk is full"):
        work()


def test_a_log_torn_anywhere_leaves_a_prefix_that_can_be_added_to(
    store: RunStore, birth: Any, training: Any, tmp_path: Path
) -> None:
    # The files of a writer that is alive are those a kill would leave.
    births = [birth(id_) for id_ in range(6)]
    for one in births:
        store.add_births([one])
        store.add_training(training(one.id))
    log = (store.folder / "run.sqlite-wal").read_bytes()
    lengths = set()
    for k, size in enumerate([*range(0, len(log), 3001), len(log) - 1, len(log)]):
        copy = tmp_path / "torn" / f"r{k}"
        copy.mkdir(parents=True)
        shutil.copy(store.path, copy)
        (copy / "run.sqlite-wal").write_bytes(log[:size])
        with RunStore.open(copy, write=True) as torn:
            n = torn.n_births()
            lengths.add(n)
            assert torn.births() == births[:n]
            assert n - torn.n_trainings() in (0, 1)
            torn.add_births([birth(n)])
        with RunStore.open(copy) as again:
            assert again.births() == [*births[:n], birth(n)]
    assert lengths >= {0, 6}
    assert len(lengths) > 3


def test_a_page_overwritten_is_found_before_anything_is_added(store: RunStore, birth: Any) -> None:
    for id_ in range(200):
        store.add_births([birth(id_)])
    store.close()
    content = bytearray(store.path.read_bytes())
    page = 4096 * (len(content) // 4096 - 1)
    content[page : page + 64] = b"\xff" * 64
    store.path.write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        RunStore.open(store.folder, write=True)


def test_rows_of_a_killed_run_are_those_of_a_whole_one(training: Any) -> None:
    # Equality of the records is what every comparison of two runs rests on.
    assert training(3) == TrainingRow(**vars(training(3)))
    assert training(3) != training(3, score=0.25)
