"""Files that are not what they should be: each is bad input, said so, and nothing else happens."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.runs import RunStore


class TestIsNotOpened:
    def test_a_text_file(self, root: Path) -> None:
        (root / "r").mkdir(parents=True)
        (root / "r" / "run.sqlite").write_text("not a database, but long enough to be one" * 100)
        self.refused(root / "r", "damaged or not a run of actsearch .*--run NAME")

    def test_an_empty_file(self, root: Path) -> None:
        (root / "r").mkdir(parents=True)
        (root / "r" / "run.sqlite").touch()
        self.refused(root / "r", "is empty: nothing was ever saved")

    def test_another_programs_database(self, root: Path) -> None:
        (root / "r").mkdir(parents=True)
        db = sqlite3.connect(root / "r" / "run.sqlite")
        db.execute("CREATE TABLE meta (key, value)")
        db.close()
        self.refused(root / "r", "an SQLite file of some other program")

    def test_a_newer_format(self, store: RunStore) -> None:
        store._db.execute("PRAGMA user_version = 5")
        store.close()
        self.refused(store.folder, "format 5 .* reads format 4; update it: pip install --upgrade")

    @pytest.mark.parametrize("version", [0, -1])
    def test_a_format_that_never_was(self, store: RunStore, version: int) -> None:
        store._db.execute(f"PRAGMA user_version = {version}")
        store.close()
        self.refused(store.folder, "damaged .*there never was.* actsearch runs check ")

    def test_a_run_without_its_tables(self, store: RunStore) -> None:
        store._db.execute("DROP TABLE meta")
        store.close()
        self.refused(store.folder, "damaged or not a run")

    @pytest.mark.parametrize("value", ["[1]", "{", "[" * 100_000, b"\xff", 7])
    def test_a_configuration_that_is_none(self, store: RunStore, value: object) -> None:
        store._db.execute("UPDATE meta SET value = ? WHERE key = 'config'", (value,))
        store.close()
        self.refused(store.folder, "damaged or not a run")

    def refused(self, folder: Path, why: str) -> None:
        for write in (False, True):
            with pytest.raises(BadInput, match=why) as caught:
                RunStore.open(folder, write=write)
            assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("parents", "[0.5]"),
        ("parents", '{"a": 1}'),
        ("parents", "["),
        ("size", "many"),
        ("formula", b"\x00\xff"),
        ("created_s", "today"),
    ],
)
def test_a_birth_of_the_wrong_type_is_damage(
    store: RunStore, birth: Any, column: str, value: object
) -> None:
    store.add_births([birth(0)])
    store._db.execute(f"UPDATE births SET {column} = ?", (value,))
    with pytest.raises(BadInput, match="damaged"):
        store.births()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("metrics", "[]"),
        ("metrics", '{"loss": "Nan"}'),
        ("metrics", '{"loss": true}'),
        ("curve", "[[1, 2]]"),
        ("curve", "[[1.5, 2, 3]]"),
        ("seed", "zero"),
        ("score", "high"),
        ("message", b"\xff"),
    ],
)
def test_a_training_of_the_wrong_type_is_damage(
    store: RunStore, birth: Any, training: Any, column: str, value: object
) -> None:
    store.add_births([birth(0)])
    store.add_training(training(0))
    store._db.execute(f"UPDATE trainings SET {column} = ?", (value,))
    with pytest.raises(BadInput, match="damaged"):
        store.trainings()


def test_text_that_is_not_utf8_is_damage(store: RunStore, birth: Any) -> None:
    store.add_births([birth(0)])
    store._db.execute("UPDATE births SET formula = CAST(X'ff' AS TEXT)")
    with pytest.raises(BadInput, match="damaged"):
        store.births()
