"""Checksums: what was written is told from what was not, down to a digit and a missing row."""

from __future__ import annotations

import json
import math
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.runs import Heat, RunStore, TrialRow
from actsearch.runs.checksums import opened, row_checksum
from actsearch.runs.rows import Malformed
from tests.runs.conftest import MakeBirth, MakeTraining

VALUES = st.lists(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    max_size=6,
)


@given(VALUES, VALUES)
def test_rows_that_differ_have_other_checksums(one: list[Any], other: list[Any]) -> None:
    assert opened("t", (*one, row_checksum(one))) == tuple(one)
    if one != other:
        assert row_checksum(one) != row_checksum(other)


def test_it_is_what_any_program_can_compute() -> None:
    row = (3, "a\u00e9", None, 0.5, 2.0)
    assert row_checksum(row) == zlib.crc32(json.dumps([3, "a\u00e9", None, 0.5, 2], separators=(",", ":")).encode())


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_an_integer_in_a_column_of_numbers_is_itself(number: int) -> None:
    assert row_checksum([number]) == row_checksum([float(number)])


@pytest.mark.parametrize("value", [b"x", math.inf])
def test_what_no_row_holds_is_no_crash(value: Any) -> None:
    with pytest.raises(Malformed):
        opened("t", (value, 0))


@pytest.fixture
def full(store: RunStore, birth: MakeBirth, training: MakeTraining) -> RunStore:
    with store.session({"workers": 1}):
        store.add_births([birth(0), birth(1)], Heat(0, 0, "full", (0, 1)))
        store.add_training(training(0))
        store.add_training(training(0, 1))
        store.add_trial(TrialRow("t", "test", "x", 1, "ok", 0.5, {}, (), 0.5, "cpu"))
    return store


def everything(folder: Path) -> tuple[Any, ...]:
    with RunStore.open(folder) as store:
        return (
            (store.config, store.environment),
            store.births(),
            store.heats(),
            store.trainings(),
            store.trials(),
            store.sessions(),
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE meta SET value = replace(value, 's', 't') WHERE key = 'config'",
        "UPDATE births SET formula = 'x + 2' WHERE id = 1",
        "UPDATE births SET created_s = created_s + 1 WHERE id = 1",
        "UPDATE heats SET seen = 1",
        "UPDATE trainings SET score = 0.75 WHERE seed = 1",
        "UPDATE trials SET seed = 2",
        "UPDATE sessions SET active_s = active_s + 60",
        "UPDATE births SET checksum = checksum + 1",
        "UPDATE births SET checksum = 'x'",
        "UPDATE tally SET checksum = checksum + 1",
    ],
)
def test_a_row_that_was_changed_is_noticed(full: RunStore, change: str) -> None:
    everything(full.folder)
    full._db.execute(change)
    with pytest.raises(BadInput, match="damaged") as caught:
        everything(full.folder)
    assert re.search("written, by (its|their) checksums?", str(caught.value))


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM meta WHERE key = 'environment'",
        "DELETE FROM births WHERE id = 1",
        "DELETE FROM heats",
        "DELETE FROM trainings WHERE seed = 1",
        "DELETE FROM trials",
        "DELETE FROM sessions",
        "DELETE FROM tally WHERE name = 'births'",
        "UPDATE tally SET n = n + 1",
    ],
)
def test_a_row_that_is_gone_is_noticed(full: RunStore, change: str) -> None:
    full._db.execute("PRAGMA foreign_keys = OFF")
    full._db.execute(change)
    with pytest.raises(BadInput, match="damaged") as caught:
        everything(full.folder)
    assert re.search(r"\d+ rows of \w+ are there, of (\d+|None) that were", str(caught.value))


def test_the_trainings_of_one_birth_are_checked_too(full: RunStore) -> None:
    assert len(full.trainings(0)) == 2
    full._db.execute("UPDATE trainings SET score = 0.75 WHERE seed = 1")
    with pytest.raises(BadInput, match="by its checksum"):
        full.trainings(0)
