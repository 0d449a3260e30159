"""Files of older formats: read as they are, and brought up to date where they are gone on with.

The assets are runs of 45 births of ``tests/search/simulated.py`` as it was then, made by the code
of the commits that had these formats.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import actsearch
from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import Heat, RunStore, TrialRow, digest, event_log, hall_of_fame
from actsearch.runs.tables import SCHEMA_VERSION
from actsearch.search.engine import RULES
from tests.runs.conftest import MakeBirth, MakeTraining
from tests.search.simulated import SimulatedTask

ASSETS = Path(__file__).parent / "assets"
FORMATS = (1, 2, 3)
WRITABLE = (2, 3)


@pytest.fixture
def old(root: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the run of a format."""
    return Path(shutil.copytree(ASSETS / f"format-{request.param}", root / f"format-{request.param}"))


def version(folder: Path) -> int:
    return int(_ask(folder, "PRAGMA user_version")[0][0])


def _ask(folder: Path, query: str) -> list[Any]:
    db = sqlite3.connect(f"{(folder / 'run.sqlite').as_uri()}?mode=ro", uri=True)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def content(store: RunStore) -> tuple[Any, ...]:
    return (
        store.config,
        store.environment,
        store.births(),
        store.heats(),
        store.trainings(),
        store.trials(),
        store.sessions(),
    )


def test_penalties_are_kept(store: RunStore, birth: MakeBirth, training: MakeTraining) -> None:
    births = [birth(0, penalty=0.25), birth(1)]
    store.add_births(births)
    assert store.births() == births
    store.add_training(training(0, score=0.9))
    store.add_training(training(1, score=0.8))
    best = hall_of_fame(store.births(), store.trainings())
    # Ranked by the score less the penalty, shown as trained.
    assert [(one.id, one.mean, one.penalty) for one in best] == [(1, 0.8, 0.0), (0, 0.9, 0.25)]


@pytest.mark.parametrize("penalty", [-0.1, float("nan"), float("inf")])
def test_what_is_no_penalty_is_refused(store: RunStore, birth: MakeBirth, penalty: float) -> None:
    with pytest.raises(ValueError, match="a penalty is 0 or more"):
        store.add_births([birth(0, penalty=penalty)])
    assert store.births() == []


@pytest.mark.parametrize("old", FORMATS, indirect=True)
def test_an_old_file_is_read_as_it_is_and_not_written(old: Path) -> None:
    before = hashlib.sha256((old / "run.sqlite").read_bytes()).digest()
    with RunStore.open(old) as store:
        births, trainings, heats = store.births(), store.trainings(), store.heats()
        assert store.config["births"] == 45
        assert len(event_log(store)) == len(births) + len(heats) + len(trainings)
    # Asked for without the store: the rows are those of the file.
    there = _ask(old, "SELECT id, formula, status, fingerprint, created_s FROM births")
    assert [(b.id, b.formula, b.status, b.fingerprint, b.created_s) for b in births] == there
    there = _ask(old, "SELECT birth_id, seed, status, score, time_s FROM trainings")
    assert [(t.birth_id, t.seed, t.status, t.score, t.time_s) for t in trainings] == there
    assert len(births) == 45
    assert len(trainings) > 50
    assert (len(heats) > 20) == (version(old) > 1)
    assert hashlib.sha256((old / "run.sqlite").read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (1, "68724bd9cd1e458df8b03999d8608f3dfff293637671921a55565e94763d34f3"),
        (2, "958d6e66d33fdc7a40277dbc06080e424ec47e8e6891f717399731b68ebaae4e"),
        (3, "e0b2543d7790436b231e0223a2f6199c2205513add318873b9bccde708aae8bb"),
    ],
    indirect=["old"],
)
def test_the_log_of_an_old_run_stays_what_it_is(old: Path, expected: str) -> None:
    with RunStore.open(old) as store:
        assert digest(event_log(store)) == expected


@pytest.mark.parametrize("old", WRITABLE, indirect=True)
def test_an_old_file_is_brought_up_to_date_where_it_is_written(
    old: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    with RunStore.open(old) as store:
        before = content(store)
    with RunStore.open(old, write=True) as store:
        assert content(store) == before
    assert version(old) == SCHEMA_VERSION
    with RunStore.open(old, write=True) as store:
        assert content(store) == before
        store.add_births([birth(45, penalty=0.5)], Heat(len(store.heats()), 45, "full", (0,), seen=9))
        store.add_training(training(45, status="timeout", score=None))
        trial = TrialRow("t", "test", "x", 1, "timeout", None, {}, (), 0.5, "cpu")
        store.add_trial(trial)
        assert store.births() == [*before[2], birth(45, penalty=0.5)]
        assert store.trials() == [trial]
    assert _ask(old, "PRAGMA integrity_check") == [("ok",)]
    assert _ask(old, "PRAGMA foreign_key_check") == []


def test_a_file_brought_up_to_date_has_the_tables_of_a_new_one(root: Path, store: RunStore) -> None:
    query = "SELECT name, sql FROM sqlite_master ORDER BY name"
    tables = _ask(store.folder, query)
    for number in WRITABLE:
        folder = Path(shutil.copytree(ASSETS / f"format-{number}", root / f"format-{number}"))
        RunStore.open(folder, write=True).close()
        assert _ask(folder, query) == tables


@pytest.mark.parametrize("old", WRITABLE, indirect=True)
@pytest.mark.parametrize("statement", ["ALTER", "CREATE", "INSERT INTO births", "DROP", "COMMIT"])
def test_an_old_file_is_brought_up_to_date_in_full_or_not_at_all(
    old: Path, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunStore.open(old) as store:
        before = content(store)

    def connect(*args: Any, **kwargs: Any) -> Any:
        db = sqlite3.Connection(*args, **kwargs)
        n = 0

        def stop(said: str) -> None:
            nonlocal n
            n += said.startswith(statement)
            if n == (1 if statement == "COMMIT" else 3):
                db.interrupt()

        db.set_trace_callback(stop)
        return db

    with monkeypatch.context() as patch:
        patch.setattr("actsearch.runs.schema.sqlite3.connect", connect)
        with pytest.raises(ActsearchError):
            RunStore.open(old, write=True)
    assert version(old) == int(old.name[-1])
    with RunStore.open(old) as store:
        assert content(store) == before
    RunStore.open(old, write=True).close()
    assert version(old) == SCHEMA_VERSION


def test_a_reader_of_an_old_file_reads_on_when_it_is_brought_up_to_date(root: Path) -> None:
    folder = Path(shutil.copytree(ASSETS / "format-2", root / "r"))
    with RunStore.open(folder) as reader:
        before = content(reader)
        RunStore.open(folder, write=True).close()
        assert content(reader) == before


def test_format_1_is_not_written(root: Path) -> None:
    folder = Path(shutil.copytree(ASSETS / "format-1", root / "old"))
    with pytest.raises(BadInput, match=r"older actsearch \(format 1\).*--seed-run old"):
        RunStore.open(folder, write=True)
    assert version(folder) == 1


def test_format_3_is_gone_on_with_to_what_it_would_have_been(root: Path) -> None:
    shutil.copytree(ASSETS / "format-3", root / "format-3")
    options: Any = {"task": SimulatedTask(), "births": 80, "workers": 1, "devices": "cpu"}
    with RunStore.open(root / "format-3") as store:
        rules = store.config["search_rules"]
    if rules != RULES:  # the file can be gone on with, the decisions of its search can't
        with pytest.raises(BadInput, match="another version of the program"):
            actsearch.resume("format-3", runs_dir=root, **options)
        return
    actsearch.resume("format-3", runs_dir=root, **options)
    actsearch.search("default", seed=3, run="whole", runs_dir=root, **options)
    logs = []
    for name in ("format-3", "whole"):
        with RunStore.open(root / name) as store:
            logs.append(event_log(store))
    assert logs[0] == logs[1]
    assert version(root / "format-3") == SCHEMA_VERSION


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON births BEGIN DELETE FROM births; END",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON births (formula)",
    ],
)
@pytest.mark.parametrize("format_", [2, SCHEMA_VERSION])
def test_tables_that_are_none_of_a_run_are_refused(
    root: Path, store: RunStore, statement: str, format_: int
) -> None:
    folder = store.folder
    store.close()
    if format_ != SCHEMA_VERSION:
        folder = Path(shutil.copytree(ASSETS / f"format-{format_}", root / "old"))
    db = sqlite3.connect(folder / "run.sqlite")
    db.execute(statement)
    db.commit()
    db.close()
    for write in (False, True):
        with pytest.raises(BadInput, match="its tables are not those of a run"):
            RunStore.open(folder, write=write)


def test_a_table_of_another_shape_is_refused(store: RunStore) -> None:
    store._db.execute("ALTER TABLE births ADD COLUMN more")
    store.close()
    with pytest.raises(BadInput, match="its tables are not those of a run"):
        RunStore.open(store.folder)
