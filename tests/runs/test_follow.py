"""Following a run: after any number of looks it is known as if it had been read in one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.runs import Birth, Heat, RunStore, Session, TrainingRow, TrialRow, hall_of_fame
from actsearch.runs.follow import Follower, active_s, searched_s, seconds
from actsearch.runs.lock import WriterLock
from tests.runs.conftest import MakeBirth, MakeTraining
from tests.runs.test_schema import ASSETS

RUNGS = ("short", "full")
CONFIG = {"task": "t", "rungs": [{"name": name} for name in RUNGS], "budget": "5m", "births": 99}
STATUSES = ("accepted", "accepted", "rejected", "screened", "duplicate")


def a_birth(id_: int, status: str) -> Birth:
    same_as = 0 if status == "duplicate" else None
    return Birth(id_, "seed", (), f"x + {id_}", f"{id_:x}", status, same_as=same_as, size=3)


def a_training(birth_id: int, rung: str, seed: int, score: float | None) -> TrainingRow:
    status = "diverged" if score is None else "ok"
    curve = ((1, 1.0, 0.5),)
    return TrainingRow(birth_id, rung, seed, status, score, {"a": 1.0}, curve, 0.5, "cpu", "m")


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Draw what a writer may do, with looks between: births, heats, and trainings of any of them."""
    steps: list[tuple[str, Any]] = [("births", [a_birth(0, "accepted")])]
    n_births, accepted, n_heats = 1, [0], 0
    wanted: list[tuple[int, str, int]] = []
    sent: set[tuple[int, str]] = set()
    for _ in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["look", "births", "heat", "training", "training"]))
        if kind == "births":
            statuses = draw(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=4))
            births = [a_birth(n_births + k, status) for k, status in enumerate(statuses)]
            accepted += [one.id for one in births if one.status == "accepted"]
            n_births += len(births)
            steps.append(("births", births))
        elif kind == "heat":
            place = draw(st.sampled_from(accepted)), draw(st.sampled_from(RUNGS))
            if place not in sent:
                sent.add(place)
                seeds = tuple(range(draw(st.integers(1, 3))))
                steps.append(("heat", Heat(n_heats, *place, seeds)))
                wanted += [(*place, seed) for seed in seeds]
                n_heats += 1
        elif kind == "training" and wanted:
            key = wanted.pop(draw(st.integers(0, len(wanted) - 1)))
            score = draw(st.none() | st.floats(0, 1))
            steps.append(("training", a_training(*key, score)))
        elif kind == "look":
            steps.append(("look", None))
    return steps


@settings(max_examples=12)
@given(histories())
def test_many_looks_tell_what_one_tells(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "r"
        with RunStore.create(folder, CONFIG, {}) as store:
            follower = Follower(folder)
            for kind, value in steps:
                if kind == "births":
                    store.add_births(value)
                elif kind == "heat":
                    store.add_heats([value])
                elif kind == "training":
                    store.add_training(value)
                else:
                    follower.read()
            follower.read()
            fresh = Follower(folder)
            fresh.read()
            found = follower.snapshot(1.0)
            assert found == fresh.snapshot(1.0)
            assert sorted(map(repr, follower.log)) == sorted(map(repr, fresh.log))
            births, trainings, heats = store.births(), store.trainings(), store.heats()
    assert found.n_births == len(births)
    assert found.n_trainings == len(trainings) == len(follower.leader_scores)
    assert found.n_trained == len({row.birth_id for row in trainings})
    assert found.n_by_rung == {
        rung: len({row.birth_id for row in trainings if row.rung == rung}) for rung in RUNGS
    }
    assert list(found.best) == hall_of_fame(births, trainings, 5, ladder=RUNGS)
    there = {(row.birth_id, row.rung, row.seed) for row in trainings}
    missing = [h.birth_id for h in heats for s in h.seeds if (h.birth_id, h.rung, s) not in there]
    assert found.in_flight == tuple(dict.fromkeys(f"x + {id_}" for id_ in missing))
    assert (found.budget_s, found.births_limit) == (300.0, 99)


def test_the_log_gives_the_order(root: Path) -> None:
    with RunStore.create(root / "r", CONFIG, {}) as store:
        store.add_births([a_birth(0, "accepted"), a_birth(1, "accepted")])
        store.add_heats([Heat(0, 1, "short", (0,)), Heat(1, 0, "short", (0,))])
        store.add_heats([Heat(2, 1, "full", (0, 1))])
        for key in ((0, "short", 0, 0.5), (1, "full", 0, 0.8), (1, "short", 0, 0.6)):
            store.add_training(a_training(*key))
    follower = Follower(root / "r")
    assert follower.read()
    assert [(row.birth_id, row.rung) for row in follower.log] == [
        (1, "short"), (0, "short"), (1, "full"),
    ]  # fmt: skip
    assert follower.leader_scores == [0.6, 0.6, 0.8]


def test_what_did_not_change_is_not_opened(
    store: RunStore, birth: MakeBirth, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(store.folder)
    assert follower.read()
    with monkeypatch.context() as patched:
        patched.setattr("actsearch.runs.schema.connect", None)
        assert not follower.read()
    store.add_births([birth(0)])
    assert follower.read()
    assert follower.snapshot(0.0).n_births == 1


def test_nobody_is_kept_waiting(store: RunStore, birth: MakeBirth) -> None:
    """No lock of the writer is taken, and no connection stays open that would keep its log."""
    follower = Follower(store.folder)
    follower.read()
    store.add_births([birth(0)])
    follower.read()
    store.close()
    assert not (store.folder / "run.sqlite-wal").exists()
    follower.read()
    WriterLock(store.folder).release()
    assert follower.snapshot(0.0).n_births == 1


def test_trials_are_read_without_their_curves(store: RunStore) -> None:
    row = TrialRow("t", "test", "relu(x)", 7, "ok", 0.5, {"a": 1.0}, ((1, 1.0, 0.5),), 1.0, "cpu")
    follower = Follower(store.folder)
    follower.read()
    assert follower.trials == []
    store.add_trial(row)
    follower.read()
    (found,) = follower.trials
    assert (found.formula, found.score, found.metrics, found.curve) == ("relu(x)", 0.5, {}, ())


@pytest.mark.parametrize(("version", "n_trainings"), [(1, 70), (2, 54), (3, 54)])
def test_older_formats_are_followed_as_they_are(
    root: Path, version: int, n_trainings: int
) -> None:
    folder = Path(shutil.copytree(ASSETS / f"format-{version}", root / "old"))
    follower = Follower(folder)
    follower.read()
    found = follower.snapshot(0.0)
    assert (found.n_births, found.n_trainings, found.in_flight) == (45, n_trainings, ())


def test_a_run_that_goes_says_so(store: RunStore, root: Path) -> None:
    follower = Follower(store.folder)
    follower.read()
    store.close()
    shutil.move(store.folder, root / "elsewhere")
    with pytest.raises(BadInput, match=r"run 'r' is gone: .*moved or removed"):
        follower.read()


def test_another_run_of_the_same_name_is_not_taken_for_it(store: RunStore, root: Path) -> None:
    follower = Follower(store.folder)
    follower.read()
    store.close()
    store.folder.rename(root / "before")  # kept, so that its number is not given away again
    RunStore.create(store.folder, {"task": "t"}, {}).close()
    with pytest.raises(BadInput, match="is another one now"):
        follower.read()


def test_a_damaged_file_is_bad_input(store: RunStore) -> None:
    store.close()
    with store.path.open("r+b") as file:
        file.seek(0)
        file.write(b"garbage" * 20)
    with pytest.raises(BadInput, match="damaged"):
        Follower(store.folder).read()


def session(id_: int, kind: str, begin_s: float, end_s: float | None, active: float) -> Session:
    return Session(id_, begin_s, end_s, active, {"kind": kind} if kind else {})


def test_time_counts_up_to_now_where_the_last_session_goes_on() -> None:
    ended = session(1, "", 100.0, 130.0, 29.0)
    killed = session(2, "", 200.0, None, 10.0)
    confirm = session(3, "confirm", 300.0, None, 5.0)
    assert searched_s([], 500.0) == 0.0
    assert searched_s([ended, killed], 260.0) == 29.0 + 60.0
    assert searched_s([ended, killed], None) == 29.0 + 10.0
    # The killed one does not go on while another confirms.
    assert searched_s([ended, killed, confirm], 400.0) == 29.0 + 10.0
    assert active_s(confirm, 400.0) == 100.0
    assert active_s(ended, 400.0) == 29.0


@pytest.mark.parametrize(
    ("budget", "found"),
    [("90s", 90.0), (12, 12.0), (None, None), ("soon", None), ([], None), (True, None), (-1, None)],
)
def test_a_budget_may_be_anything(budget: object, found: float | None) -> None:
    assert seconds(budget) == found
