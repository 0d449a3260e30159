"""Hostile run folders: what is wrong with the file in them, and with what lies beside it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.runs.foreign import MAX_VALUE_BYTES
from tests.security.hostile import Call, Case

_FOREVER = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

#: What is done to a good run.
SCHEMAS = {
    "a view": "CREATE VIEW more AS SELECT 1",
    "a view for a table": f"DROP TABLE births; CREATE VIEW births AS {_FOREVER}",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON births BEGIN DELETE FROM meta; END",
    "a virtual table": "CREATE VIRTUAL TABLE more USING fts5(a)",
    "a computed column": (
        "DROP TABLE sessions; CREATE TABLE sessions (id, begin_s, end_s, active_s, info, "
        "outcome TEXT GENERATED ALWAYS AS (hex(zeroblob(100000000))))"
    ),
    "a short computed column": "ALTER TABLE births ADD COLUMN more AS (id + 1)",
    "an index that computes": "CREATE INDEX more ON births (hex(zeroblob(1000000)))",
    "another table": "CREATE TABLE more (a)",
    "many tables": ("BEGIN;" + "".join(f"CREATE TABLE t{k} (a);" for k in range(500)) + "COMMIT"),
    "no table": "DROP TABLE births",
    "another column": "ALTER TABLE births ADD COLUMN more TEXT",
    "a text without end": f"UPDATE meta SET value = CAST(zeroblob({MAX_VALUE_BYTES + 1}) AS TEXT)",
    "a blob for a text": "UPDATE meta SET value = x'00ff'",
    "no configuration": "DELETE FROM meta",
    "a configuration that is a list": "UPDATE meta SET value = '[]'",
    "a configuration that is a number": f"UPDATE meta SET value = '{'9' * 5000}'",
    "a configuration without end": f"UPDATE meta SET value = '{'[' * 100_000}'",
    "a format of the future": "PRAGMA user_version = 99",
    "a negative format": "PRAGMA user_version = -1",
    "another program's": "PRAGMA application_id = 1",
    **{
        f"a view, said to be of format {version}": (
            f"DROP TABLE births; CREATE VIEW births AS {_FOREVER}; PRAGMA user_version = {version}"
        )
        for version in (1, 2, 3)
    },
    **{
        f"a virtual table, said to be of format {version}": (
            "DROP TABLE heats; CREATE VIRTUAL TABLE heats USING fts5(a);"
            f"PRAGMA user_version = {version}"
        )
        for version in (2, 3)
    },
}
#: Changed behind the back of the checksums.
ROWS = {
    "another formula": "UPDATE births SET formula = '__import__(1)'",
    "a negative id": "UPDATE births SET id = 10 - id",
    "a number for a text": "UPDATE births SET formula = 5",
    "a blob for a formula": "UPDATE births SET formula = x'00ff'",
    "parents without end": f"UPDATE births SET parents = '{'[' * 50_000}'",
    "parents of text": "UPDATE births SET parents = '[\"a\"]'",
    "a size beyond all": "UPDATE births SET size = 9223372036854775807",
    "no rows": "DELETE FROM births",
}
#: What lies in the place of a file.
FILES: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}
CONTENTS = {
    "nothing": b"",
    "a word": b"evil",
    "a header alone": b"SQLite format 3\0",
    "a header and rubbish": b"SQLite format 3\0" + bytes(range(256)) * 40,
    "zeros": bytes(100_000),
}
ENDINGS = ("-wal", "-shm", "-journal")


def make_run(run: Path, config: Mapping[str, Any] | None = None) -> Path:
    """Make a small run of one birth, which was trained once; return its folder."""
    config = dict(config or {"task": "t", "space": "s", "rungs": []})
    with RunStore.create(run, config, {}) as store, store.session({}):
        store.add_births([Birth(0, "seed", (), "x*sin(x)", "0" * 32, "accepted", size=3)])
        store.add_training(TrainingRow(0, "full", 0, "ok", 0.5, {}, (), 1.0, "cpu"))
    return run


def change(run: Path, script: str) -> None:
    """Run SQL on the file of a run."""
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as db:
        db.executescript(script)


def _read(run: Path) -> object:
    with RunStore.open(run) as store:
        return store.births()


def _of_script(script: str) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        run = make_run(folder / "run")
        change(run, script)
        return lambda: _read(run)

    return prepare


def _of_content(content: bytes) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        (folder / "run").mkdir()
        (folder / "run" / "run.sqlite").write_bytes(content)
        return lambda: _read(folder / "run")

    return prepare


def _of_file(make: Callable[[Path], object], ending: str) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        run = make_run(folder / "run")
        path = run / f"run.sqlite{ending}"
        if not ending:
            path.rename(folder / "elsewhere")
        make(path)
        return lambda: _read(run)

    return prepare


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, script in {**SCHEMAS, **ROWS}.items():
        yield Case("store", name, _of_script(script))
    for name, content in CONTENTS.items():
        yield Case("store, file", name, _of_content(content))
    for name, make in FILES.items():
        for ending in ("", *ENDINGS):
            yield Case("store, file", f"{name} for run.sqlite{ending}", _of_file(make, ending))
