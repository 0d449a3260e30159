"""A disk that is full or broken at the k-th call: one message, nothing lost, the run goes on."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from actsearch.runs import RunStore
from actsearch.runs.checking import check
from tests.disk.conftest import Work
from tests.disk.server import birth, training
from tests.runs.simulated_run import copy_to, log_of, made

FAULTS = {
    "full for good": (errno.ENOSPC, True),
    "full once": (errno.ENOSPC, False),
    "broken for good": (errno.EIO, True),
    "broken once": (errno.EIO, False),
}


BY_DAY = [("full for good", False), ("broken once", False), ("full once", True)]


def chosen(n_calls: int, n: int) -> list[int]:
    """Return ``n`` of the calls 1 ... ``n_calls``, spread; all where there are no more."""
    return (
        sorted({1 + k * n_calls // n for k in range(n)})
        if n < n_calls
        else [*range(1, n_calls + 1)]
    )


def said_cleanly(answer: dict[str, Any]) -> bool:
    """Hold that work ended well or with a message, and return whether it failed."""
    if answer["error"] is None:
        return False
    kind, message, code = answer["error"]
    assert code == 1, f"{kind}: {message}"
    assert "\n" not in message
    assert any(word in message for word in ("disk", "space", "I/O", "Input/output")), message
    return True


def hold(folder: Path, said: list[str], n_before: int = 0) -> None:
    """Hold that all that was acknowledged is there, at most one call more, and that it goes on."""
    n_births = n_before + sum(one.startswith("birth") for one in said)
    n_trainings = n_before + sum(one.startswith("training") for one in said)
    assert check(folder).damage == []
    with RunStore.open(folder, write=True) as store:
        there = store.n_births()
        assert 0 <= there - n_births <= 1
        assert 0 <= store.n_trainings() - n_trainings <= 1
        assert store.births() == [birth(k) for k in range(there)]
        assert store.trainings() == [training(k) for k in range(store.n_trainings())]
        store.add_births([birth(there)])
        assert store.n_births() == there + 1


def created(work: Work, root: Path, fault: str, n: int, shared: bool) -> int:
    n_calls = work("create", root / "whole" / "r", shared=shared)["n_calls"]
    assert n_calls > 20
    n_failed = 0
    for nth in chosen(n_calls, n):
        folder = root / str(nth) / "r"
        answer = work("create", folder, nth, FAULTS[fault], shared=shared)
        n_failed += said_cleanly(answer)
        if "created" in answer["said"]:
            hold(folder, answer["said"])
        elif folder.exists():  # all of it or nothing
            hold(folder, [])
        else:
            work("create", folder, shared=shared)
            assert check(folder).damage == []
    return n_failed


def written(work: Work, root: Path, fault: str, n: int, shared: bool) -> int:
    work("create", root / "made" / "r", shared=shared)
    shutil.copytree(root / "made", root / "whole")
    n_calls = work("write", root / "whole" / "r", shared=shared)["n_calls"]
    assert n_calls > 15
    n_failed = 0
    for nth in chosen(n_calls, n):
        shutil.copytree(root / "made", root / str(nth))
        folder = root / str(nth) / "r"
        answer = work("write", folder, nth, FAULTS[fault], shared=shared)
        n_failed += said_cleanly(answer)
        hold(folder, answer["said"], 4)
    return n_failed


@pytest.mark.parametrize(("fault", "shared"), BY_DAY)
def test_a_store_is_made_whole_or_not_at_all(
    work: Work, tmp_path: Path, fault: str, shared: bool
) -> None:
    assert created(work, tmp_path, fault, 8, shared) > 3


@pytest.mark.parametrize(("fault", "shared"), BY_DAY)
def test_what_was_committed_stays(work: Work, tmp_path: Path, fault: str, shared: bool) -> None:
    assert written(work, tmp_path, fault, 8, shared) > 2


@pytest.mark.nightly
@pytest.mark.parametrize("shared", [False, True], ids=["local", "network"])
@pytest.mark.parametrize("fault", FAULTS)
def test_so_at_every_call(work: Work, tmp_path: Path, fault: str, shared: bool) -> None:
    n = 10_000 if "once" in fault else 25
    assert created(work, tmp_path / "a", fault, n, shared) > 10
    assert written(work, tmp_path / "b", fault, n, shared) > 5


def searched(work: Work, root: Path, fault: str, n: int, births: int) -> int:
    n_calls = work("search", root / "whole" / "r", births=births)["n_calls"]
    whole = log_of(root / "whole" / "r")
    n_failed = 0
    for nth in chosen(n_calls, n):
        folder = root / str(nth) / "r"
        n_failed += said_cleanly(work("search", folder, nth, FAULTS[fault], births=births))
        again = work("search", folder, births=births)  # the disk is well
        assert again["error"] is None
        assert log_of(folder) == whole
    return n_failed


@pytest.mark.parametrize("fault", ["full for good", "broken once"])
def test_a_search_stops_with_a_message_and_goes_on_to_the_same_end(
    work: Work, tmp_path: Path, fault: str
) -> None:
    assert searched(work, tmp_path, fault, 4, births=9) > 1


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_search_stops_and_goes_on_at_many_calls(work: Work, tmp_path: Path, fault: str) -> None:
    assert searched(work, tmp_path, fault, 40, births=45) > 20


def test_a_repair_that_fails_leaves_what_was_there(work: Work, tmp_path: Path) -> None:
    def damaged(name: str) -> Path:
        folder = copy_to(tmp_path / name / "r")
        with (folder / "run.sqlite").open("r+b") as file:
            file.truncate((made() / "run.sqlite").stat().st_size - 4096)
        return folder

    before = (damaged("before") / "run.sqlite").read_bytes()
    n_calls = work("repair", damaged("whole"))["n_calls"]
    kept = log_of(tmp_path / "whole" / "r")
    n_failed = 0
    for nth in chosen(n_calls, 7):
        folder = damaged(str(nth))
        n_failed += said_cleanly(work("repair", folder, nth, (errno.ENOSPC, True)))
        contents = {one.read_bytes() for one in folder.glob("run.sqlite*") if one.stat().st_size}
        assert before in contents
        if check(folder).damage:
            assert work("repair", folder)["error"] is None
        assert log_of(folder) == kept
    assert n_failed > 3
