"""Files that were torn or in which a byte is another: what was committed, or an error that says so."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.runs import Heat, RunStore
from tests.runs.conftest import MakeBirth, MakeTraining
from tests.runs.simulated_run import content

N_BIRTHS = 6


@pytest.fixture
def small(store: RunStore, birth: MakeBirth, training: MakeTraining) -> Path:
    """A run of some births, closed: all of it is in the one file."""
    with store.session({"workers": 1}):
        for k in range(N_BIRTHS):
            store.add_births([birth(k)], Heat(k, k, "full", (0,)))
            store.add_training(training(k, metrics={"a": 0.5} | dict.fromkeys("bcdef", 1.0)))
    store.close()
    return store.folder


def spread(size: int, n: int, seed: int = 0) -> list[int]:
    """Return ``n`` places of ``size``: the file's header, and others anywhere."""
    drawn = random.Random(seed).sample(range(100, size), n - 100)
    return [*range(100), *sorted(drawn)]


def read_or_refused(folder: Path) -> tuple[Any, ...] | None:
    try:
        return content(folder)
    except ActsearchError:  # and no other error
        return None


def flipped(original: bytes, place: int, bits: int) -> bytes:
    changed = bytearray(original)
    changed[place] ^= bits
    return bytes(changed)


def flip_everywhere(folder: Path, places: list[int], bits: int) -> tuple[int, int]:
    """Return how often a flip changed nothing that is read, and how often it was noticed."""
    path, expected = folder / "run.sqlite", content(folder)
    original = path.read_bytes()
    n_harmless = n_noticed = 0
    for place in places:
        for beside in folder.glob("run.sqlite-*"):
            beside.unlink()
        path.write_bytes(flipped(original, place, bits))
        found = read_or_refused(folder)
        assert found in (None, expected), f"byte {place} is another, and so is what is read"
        n_harmless += found is not None
        n_noticed += found is None
    return n_harmless, n_noticed


@pytest.mark.parametrize("bits", [0x01, 0xFF])
def test_a_byte_that_is_another_is_harmless_or_noticed(small: Path, bits: int) -> None:
    size = (small / "run.sqlite").stat().st_size
    n_harmless, n_noticed = flip_everywhere(small, spread(size, 500), bits)
    assert n_harmless > 100  # most of a small file is empty
    assert n_noticed > 20


@pytest.mark.nightly
@pytest.mark.parametrize("bits", [0x01, 0xFF])
def test_every_byte_of_a_run_that_is_another_is_harmless_or_noticed(small: Path, bits: int) -> None:
    size = (small / "run.sqlite").stat().st_size
    n_harmless, n_noticed = flip_everywhere(small, list(range(size)), bits)
    assert n_harmless + n_noticed == size
    assert n_noticed > 2000


def test_every_byte_of_a_row_counts(small: Path) -> None:
    path = small / "run.sqlite"
    original, expected = path.read_bytes(), content(small)
    begin = original.index(b"crossover") - 4  # of the row of the last birth, which comes first
    noticed = []
    for place in range(begin, begin + 60):
        path.write_bytes(flipped(original, place, 0x02))
        noticed.append(read_or_refused(small) is None)
        assert noticed[-1] or content(small) == expected
    assert all(noticed[4:])


def add_to(folder: Path, birth: MakeBirth) -> None:
    """Add a birth to a run and find it there; a file that can't be written to is refused."""
    with RunStore.open(folder, write=True) as again:
        n = again.n_births()
        again.add_births([birth(n)])
    with RunStore.open(folder) as read:
        assert read.n_births() == n + 1


def flip_and_add(folder: Path, places: Iterable[int], birth: MakeBirth) -> Counter[str]:
    """Change each of these bytes, add a birth and open the run again. Return how often it ended how.

    Whatever was read before, nothing that is not so may be read after it.
    """
    path, expected = folder / "run.sqlite", content(folder)
    original, ends = path.read_bytes(), Counter[str]()
    n = len(expected[2])
    for place in places:
        for beside in folder.glob("run.sqlite-*"):
            beside.unlink()
        path.write_bytes(flipped(original, place, 0x11))
        end = "refused"
        with contextlib.suppress(ActsearchError), RunStore.open(folder, write=True) as store:
            store.add_births([birth(n)])
            end = "added to"
        found = read_or_refused(folder)
        births = [*expected[2], birth(n)] if end == "added to" else expected[2]
        sound = (*expected[:2], births, *expected[3:])
        assert found in (None, sound), f"byte {place} is another, and so is what is read: {end}"
        ends["noticed" if found is None else end] += 1
    return ends


def test_a_file_with_another_byte_is_added_to_soundly_or_refused(
    small: Path, birth: MakeBirth
) -> None:
    size = (small / "run.sqlite").stat().st_size
    ends = flip_and_add(small, [*range(0, 100, 8), *range(100, size, 997)], birth)
    assert {"noticed", "added to"} <= set(ends)


@pytest.mark.nightly
def test_a_file_with_any_byte_another_is_added_to_soundly_or_refused(
    small: Path, birth: MakeBirth
) -> None:
    size = (small / "run.sqlite").stat().st_size
    ends = flip_and_add(small, [*range(100), *range(100, size, 41)], birth)
    assert min(ends["noticed"], ends["added to"]) > 100


def test_a_file_cut_at_every_byte_of_its_last_page(small: Path, birth: MakeBirth) -> None:
    path, expected = small / "run.sqlite", content(small)
    original = path.read_bytes()
    for size in range(len(original) - 4096, len(original), 97):
        path.write_bytes(original[:size])
        found = read_or_refused(small)
        assert found in (None, expected)
        with contextlib.suppress(BadInput):
            add_to(small, birth)
    path.write_bytes(original)
    add_to(small, birth)


@pytest.mark.nightly
def test_a_file_cut_at_every_byte(small: Path) -> None:
    path, expected = small / "run.sqlite", content(small)
    original = path.read_bytes()
    for size in range(0, len(original), 7):
        path.write_bytes(original[:size])
        assert read_or_refused(small) in (None, expected)


def logged(root: Path, birth: MakeBirth, training: MakeTraining) -> tuple[Path, list[Any]]:
    """Return a copy of a run whose commits are in its log alone, and what they were in order."""
    states: list[Any] = []
    with RunStore.create(root / "whole", {"task": "t"}, {}) as store:
        states.append(content(store.folder)[2:5])
        for k in range(3):
            store.add_births([birth(k)], Heat(k, k, "full", (0,)))
            states.append(content(store.folder)[2:5])
            store.add_training(training(k))
            states.append(content(store.folder)[2:5])
        shutil.copytree(store.folder, root / "killed")
    return root / "killed", states


def tear(folder: Path, logs: list[bytes], states: list[Any], birth: MakeBirth) -> int:
    """Read a run with each of the logs: a prefix of the states, to be added to. Return how many."""
    path = folder / "run.sqlite"
    original, seen = path.read_bytes(), set()
    for k, log in enumerate(logs):
        for beside in folder.glob("run.sqlite*"):
            beside.unlink()
        path.write_bytes(original)
        (folder / "run.sqlite-wal").write_bytes(log)
        found = content(folder)[2:5]
        assert found in states, f"log {k} gives what was never committed"
        seen.add(states.index(found))
        if k % 16 == 0:
            add_to(folder, birth)
    return len(seen)


def test_a_log_cut_anywhere_is_a_prefix(
    root: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    folder, states = logged(root, birth, training)
    log = (folder / "run.sqlite-wal").read_bytes()
    sizes = [*range(0, len(log), 501), len(log) - 1, len(log)]
    assert tear(folder, [log[:size] for size in sizes], states, birth) == len(states)


def test_a_byte_of_a_log_that_is_another_leaves_a_prefix(
    root: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    folder, states = logged(root, birth, training)
    log = (folder / "run.sqlite-wal").read_bytes()
    places = [*range(60), *random.Random(1).sample(range(len(log)), 150)]
    n_seen = tear(folder, [flipped(log, place, 0x10) for place in places], states, birth)
    assert n_seen >= 4


@pytest.mark.nightly
def test_a_log_cut_at_every_byte_or_with_any_byte_another_is_a_prefix(
    root: Path, birth: MakeBirth, training: MakeTraining
) -> None:
    folder, states = logged(root, birth, training)
    log = (folder / "run.sqlite-wal").read_bytes()
    assert tear(folder, [log[:size] for size in range(len(log) + 1)], states, birth) == len(states)
    flips = [flipped(log, place, 0x10) for place in range(0, len(log), 3)]
    assert tear(folder, flips, states, birth) > 1
