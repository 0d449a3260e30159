"""Files of older formats: read as they are, and brought up to date where they are gone on with."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.runs import RunStore, hall_of_fame
from tests.runs.conftest import MakeBirth, MakeTraining


def of_format_2(root: Path, birth: MakeBirth, training: MakeTraining) -> Path:
    """Make a run as format 2 has it: births without penalties, heats that don't say what was seen."""
    with RunStore.create(root / "old", {"task": "t", "search_rules": 3}, {}) as store:
        store.add_births([birth(0), birth(1)])
        store.add_training(training(0))
    with sqlite3.connect(root / "old" / "run.sqlite") as db:
        db.execute("ALTER TABLE births DROP COLUMN penalty")
        db.execute("ALTER TABLE heats DROP COLUMN seen")
        db.execute("PRAGMA user_version = 2")
    db.close()
    return root / "old"


def version(folder: Path) -> int:
    db = sqlite3.connect(folder / "run.sqlite")
    (found,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return int(found)


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


def test_format_2_is_read_as_it_is(root: Path, birth: MakeBirth, training: MakeTraining) -> None:
    folder = of_format_2(root, birth, training)
    with RunStore.open(folder) as store:
        assert store.births() == [birth(0), birth(1)]
        assert store.trainings() == [training(0)]
    assert version(folder) == 2


def test_format_2_is_gone_on_with(root: Path, birth: MakeBirth, training: MakeTraining) -> None:
    folder = of_format_2(root, birth, training)
    for number in (2, 3):  # brought up to date once
        with RunStore.open(folder, write=True) as store:
            store.add_births([birth(number, penalty=number / 8)])
    with RunStore.open(folder) as store:
        assert [one.penalty for one in store.births()] == [0, 0, 0.25, 0.375]
    assert version(folder) == 3


def test_format_1_is_read_and_not_written(
    root: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    folder = of_format_2(root, birth, training)
    with sqlite3.connect(folder / "run.sqlite") as db:
        db.execute("DROP TABLE heats")
        db.execute("DROP TABLE trials")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with RunStore.open(folder) as store:
        assert store.births() == [birth(0), birth(1)]
        assert store.heats() == []
    with pytest.raises(BadInput, match=r"older actsearch \(format 1\).*--seed-run old"):
        RunStore.open(folder, write=True)
    assert version(folder) == 1
